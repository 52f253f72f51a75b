package e2e_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// front puts TLS before the app, with a certificate of the development CA, as
// an app has one that is to be called over HTTPS on this machine. From now on
// the app's URL is that one.
func (w *world) front(t *testing.T) {
	t.Helper()
	file := filepath.Join(w.data, "certificates", "server.pem")
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	behind := strings.TrimPrefix(w.url, "http://")
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() { join(conn, behind) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		w.app.process.kill() // the connections end with it
		open.Wait()
	})
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	w.url = "https://localhost:" + port
}

// join carries bytes between a connection and an address until either ends.
func join(conn net.Conn, addr string) {
	defer conn.Close()
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer far.Close()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(far, conn)
		far.Close()
	})
	_, _ = io.Copy(conn, far)
	conn.Close()
	back.Wait()
}

// TestWholeCall is all that one call can do, at once and over TLS both ways:
// what the caller says is recorded and streamed, its keys, sent as tones, are
// recognized and streamed, and it hears a prompt that neither of them has.
func TestWholeCall(t *testing.T) {
	w := startWorld(t)
	w.front(t)
	mic := sayings(440, 620).then(keys(8000, "42#", 100*time.Millisecond, 100*time.Millisecond))
	p, call, spoke := w.converse(t, mic, streaming(strings.Replace(w.url, "https:", "wss:", 1)+"/stream", map[string]any{"enableDtmfTones": true}))
	w.update(t, "MediaStreamingStarted", "", "subscriptionStarted")
	id := w.recording(t, map[string]any{"callConnectionId": call, "recordingChannel": "unmixed", "recordingStateCallbackEndpointUrl": w.callback()})
	w.told(t, id, "active", "/callbacks")
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "hi.wav", tone(16000, 1000, 500*time.Millisecond))}, map[string]any{"operationContext": "hi"})
	w.app.await(t, "PlayCompleted", 5*time.Second, inContext("hi"))
	until(spoke, 2750*time.Millisecond)
	w.must(t, "media", call, "startRecognizing", phoneNumber(caller), recognize(5, map[string]any{
		"stopDtmfTones": []string{"pound"}, "initialSilenceTimeoutInSeconds": 20, "operationContext": "menu"}))
	done := w.app.await(t, "RecognizeCompleted", 10*time.Second, inContext("menu"))
	if got := fmt.Sprint(done.get("dtmfResult.tones")); !strings.HasPrefix(got, "[four two") || done.text("resultInformation.subCode") != "8514" {
		t.Errorf("recognized %s, subcode %s", got, done.text("resultInformation.subCode"))
	}
	until(spoke, 5*time.Second)
	w.must(t, "connection", call, "hangUp", true)
	p.await(t, "CALL_CLOSED", 5*time.Second)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
	w.told(t, id, "inactive", "/callbacks")
	checkOrder(t, w.app, call)

	store := w.storage(t, false)
	all, _ := store.fetch(t, w.recorded(t, "Unmixed"))
	streamed, digits := joined(t, w.frames(t)[1:], 16000, false)
	if digits != "42#" {
		t.Errorf("the digits were streamed as %q", digits)
	}
	for name, s := range map[string]sound{"the recording": all[0], "the stream": streamed} {
		b := s.bursts()
		if len(b) != 5 {
			t.Fatalf("%s has %d stretches of sound, want two tones and three keys: %v", name, len(b), b)
		}
		checkTones(t, name, s.between(0, b[1].end+100*time.Millisecond), 440, 620)
		for _, k := range b[2:] {
			if off := (k.length() - 100*time.Millisecond).Abs(); off > tick {
				t.Errorf("%s: a key of 100 ms has %v", name, k.length())
			}
		}
	}
	heard := p.heard(t)
	b := checkTones(t, "what the phone heard", heard, 1000)
	if jump := heard.between(b[0].start+tick, b[0].end-tick).jump(1000); math.Abs(jump) > 0.3 {
		t.Errorf("the prompt jumps by %.2f rad", jump)
	}
	w.stop(t, 15*time.Second)
}
