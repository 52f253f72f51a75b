package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// send makes a signed request, as a client of another make would.
func (s *server) send(t *testing.T, method, path, body string) (status int, code, message string) {
	t.Helper()
	_, encoded, _ := strings.Cut(s.connection, "accesskey=")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.http+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	hash, date := base64.StdEncoding.EncodeToString(sum[:]), time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(method + "\n" + path + "\n" + date + ";" + s.http + ";" + hash))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Ms-Date", date)
	req.Header.Set("X-Ms-Content-Sha256", hash)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	var e struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(b, &e)
	return res.StatusCode, e.Error.Code, e.Error.Message
}

// TestBadRequests: each is refused with a status and a message that names what
// is wrong, and the call goes on.
func TestBadRequests(t *testing.T) {
	w := startWorld(t)
	_, call := speak(t, w)
	const version = "?api-version=2026-03-12"
	at := "/calling/callConnections/" + call
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code, word               string // word: in the message
	}{
		{"unknown call", "GET", "/calling/callConnections/no-such-call", "", 404, "8522", ""},
		{"not JSON", "POST", at + ":play", "{", 400, "", ""},
		{"empty", "POST", at + ":play", "", 400, "", ""},
		{"field missing", "POST", at + ":play", `{"playSources":[]}`, 400, "", "playSources"},
		{"file without URI", "POST", at + ":play", `{"playSources":[{"kind":"file","file":{}}]}`, 400, "", "uri"},
		{"wrong type", "POST", at + ":play", `{"playSources":7}`, 400, "", "playSources"},
		{"unknown kind", "POST", at + ":play", `{"playSources":[{"kind":"smell","file":{"uri":"http://127.0.0.1/a.wav"}}]}`, 400, "", "kind"},
		{"unknown tone", "POST", at + ":recognize", `{"recognizeInputType":"dtmf","recognizeOptions":{"targetParticipant":{"phoneNumber":{"value":"` + caller + `"}},"dtmfOptions":{"maxTonesToCollect":1,"stopTones":["boom"]}}}`, 400, "", "stopTones"},
		{"no target", "POST", at + ":recognize", `{"recognizeInputType":"dtmf","recognizeOptions":{"dtmfOptions":{"maxTonesToCollect":1}}}`, 400, "", "targetParticipant"},
		{"unknown reason", "POST", "/calling/callConnections:reject", `{"incomingCallContext":"x","callRejectReason":"mood"}`, 400, "", "callRejectReason"},
		{"unknown context", "POST", "/calling/callConnections:answer", `{"incomingCallContext":"x","callbackUri":"` + w.callback() + `"}`, 404, "8522", ""},
		{"no callback", "POST", "/calling/callConnections:answer", `{"incomingCallContext":"x"}`, 400, "", "callbackUri"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, code, message := w.send(t, c.method, c.path+version, c.body)
			if status != c.status || code == "" || c.code != "" && code != c.code || !strings.Contains(message, c.word) {
				t.Errorf("%d %s %q, want %d %s and the word %q", status, code, message, c.status, c.code, c.word)
			}
		})
	}
	if status, _, _ := w.send(t, "GET", at+version, ""); status != 200 {
		t.Errorf("the call is gone: %d", status)
	}
}

// TestWrongKey: the SDK with another key is refused.
func TestWrongKey(t *testing.T) {
	w := startWorld(t)
	w.must(t, "app", "", "connect", "endpoint=http://"+w.http+"/;accesskey="+base64.StdEncoding.EncodeToString([]byte("another key altogether")),
		map[string]any{"allowInsecureConnection": true})
	w.refused(t, 401, "7509", "connection", "some-call", "getCallConnectionProperties")
}

// TestBadPrompts: what cannot be played fails with a reason and the place of
// the source, after those before it were played.
func TestBadPrompts(t *testing.T) {
	w := startWorld(t)
	_, call := speak(t, w)
	if err := os.WriteFile(filepath.Join(w.prompts, "text.wav"), []byte(strings.Repeat("this is no sound. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	good := w.prompt(t, "good.wav", tone(8000, 440, 200*time.Millisecond))
	for _, c := range []struct{ name, file, subCode string }{
		{"missing", "missing.wav", "8536"},
		{"not sound", "text.wav", "8535"},
	} {
		w.must(t, "media", call, "playToAll", []any{good, w.file(c.file)}, map[string]any{"operationContext": c.name})
		e := w.await(t, "PlayFailed", 15*time.Second, inContext(c.name))
		if e.text("resultInformation.subCode") != c.subCode || e.text("failedPlaySourceIndex") != "1" {
			t.Errorf("%s: %v, source %s", c.name, e.get("resultInformation"), e.text("failedPlaySourceIndex"))
		}
	}
	w.must(t, "media", call, "playToAll", []any{good}, map[string]any{"operationContext": "after"})
	w.await(t, "PlayCompleted", 5*time.Second, inContext("after"))
}

// TestGarbage: what comes from strangers is dropped and counted, and a call
// works while it comes.
func TestGarbage(t *testing.T) {
	w := startWorld(t)
	_, call := speak(t, w)
	for range 20 {
		garbage(t, w.sip, "", "\x00\xff", "\r\n\r\n", "INVITE", "INVITE sip:x SIP/2.0\r\n\r\n",
			"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nContent-Length: 99999\r\n\r\nv=0",
			"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: nobody\r\nCSeq: 1 BYE\r\n\r\n",
			"SIP/2.0 200 OK\r\n\r\n", strings.Repeat("A", 60000), "INVITE sip:"+strings.Repeat("a", 50000)+" SIP/2.0\r\n\r\n")
	}
	for i := range 20 { // into the media ports, too
		garbage(t, "127.0.0.1:"+strconv.Itoa(w.media+i), "\x80", "\x80\x00\x00\x01", strings.Repeat("\x80", 1400), strings.Repeat("\xff", 3000))
	}
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "a.wav", tone(8000, 440, 300*time.Millisecond))}, map[string]any{"operationContext": "still"})
	w.await(t, "PlayCompleted", 10*time.Second, inContext("still"))
	if w.counted(t, "tipring_", "reason=") == 0 {
		t.Error("nothing was counted with a reason")
	}
	w.stop(t, 15*time.Second)
}
