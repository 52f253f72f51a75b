package e2e_test

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// received are the digits that the phone has got as events so far.
func (p *phone) received() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var digits strings.Builder
	for _, e := range p.events {
		if e.Type == "CALL_DTMF_START" {
			digits.WriteString(e.Param)
		}
	}
	return digits.String()
}

// TestSendTones: digits reach a telephone as events, in order, and those that
// are canceled do not.
func TestSendTones(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)
	w.must(t, "media", call, "sendDtmfTones", []any{"one", "one", "pound", "asterisk", "d"}, phoneNumber(caller),
		map[string]any{"operationContext": "all", "operationCallbackUrl": w.url + "/elsewhere"})
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "after.wav", tone(8000, 440, 200*time.Millisecond))}, map[string]any{"operationContext": "after"})
	e := w.await(t, "SendDtmfTonesCompleted", 10*time.Second, inContext("all"))
	if e.text("path") != "/elsewhere" || e.text("resultInformation.code") != "200" || e.text("resultInformation.subCode") != "0" {
		t.Errorf("SendDtmfTonesCompleted says %v at %s", e.get("resultInformation"), e.text("path"))
	}
	const digits = "11#*D"
	eventually(t, 5*time.Second, "the phone's digits", func() bool { return len(p.received()) >= len(digits) })
	if got := p.received(); got != digits {
		t.Errorf("the phone got %s, want %s", got, digits)
	}
	w.await(t, "PlayCompleted", 5*time.Second, inContext("after")) // it had to wait
	if steps := w.steps(func(e *event) bool { return e.text("operationContext") != "" }); !strings.Contains(steps, "SendDtmfTonesCompleted all, PlayStarted after") {
		t.Errorf("the operations went on as %s", steps)
	}

	many := strings.Fields("zero one two three four five six seven eight nine zero one two three four five six seven")
	w.must(t, "media", call, "sendDtmfTones", many, phoneNumber(caller), map[string]any{"operationContext": "too many"})
	eventually(t, 5*time.Second, "the first of many digits", func() bool { return len(p.received()) > len(digits) })
	w.must(t, "media", call, "cancelAllOperations")
	if e := w.await(t, "SendDtmfTonesFailed", 5*time.Second, inContext("too many")); e.text("resultInformation.subCode") != "8508" {
		t.Errorf("SendDtmfTonesFailed says %v", e.get("resultInformation"))
	}
	w.must(t, "media", call, "sendDtmfTones", []any{"nine"}, phoneNumber(caller), map[string]any{"operationContext": "last"})
	w.await(t, "SendDtmfTonesCompleted", 5*time.Second, inContext("last"))
	eventually(t, 5*time.Second, "the last digit", func() bool { return strings.HasSuffix(p.received(), "9") })
	if got := strings.TrimPrefix(p.received(), digits); len(got) > 6 {
		t.Errorf("after the cancel the phone got %s", got)
	}

	w.refused(t, 400, "8558", "media", call, "sendDtmfTones", []any{"one"}, user("8:acs:nobody"))
	w.refused(t, 400, "8523", "media", call, "sendDtmfTones", append(many, "eight"), phoneNumber(caller))
	w.refused(t, 400, "8523", "media", call, "sendDtmfTones", []any{}, phoneNumber(caller))
	w.must(t, "connection", call, "hangUp", true)
	w.await(t, "CallDisconnected", 5*time.Second, of(call))
	checkOrder(t, w.app, call)
}

// A line is a socket that takes in the sound of a call: PCMU without RTCP.
type line struct {
	conn net.PacketConn

	mu    sync.Mutex
	heard sound
	other int // packets of another kind
}

// newLine opens one. Its port goes into an SDP.
func newLine(t *testing.T) (l *line, port string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &line{conn: conn, heard: sound{rate: 8000}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2000)
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			l.take(b[:n])
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	_, port, _ = net.SplitHostPort(conn.LocalAddr().String())
	return l, port
}

// take hears a packet: RTP with its plain header of 12 bytes.
func (l *line) take(packet []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(packet) < 12 || packet[0] != 0x80 || packet[1]&0x7f != 0 {
		l.other++
		return
	}
	for _, b := range packet[12:] {
		l.heard.pcm = append(l.heard.pcm, plain(b))
	}
}

// plain decodes a sample of µ-law (ITU-T G.711).
func plain(b byte) int16 {
	b = ^b
	v := (int16(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return -v
	}
	return v
}

// TestTonesWithoutEvents: a far end that offers no telephone-event gets digits
// as sound, which "tipring dtmf" reads.
func TestTonesWithoutEvents(t *testing.T) {
	w := startWorld(t)
	l, port := newLine(t)
	c := startCallers(t, w.server, "plain", calls{options: []string{"-key", "audio", port}})
	call, incoming := w.answer(t, "plain")
	w.must(t, "media", call, "sendDtmfTones", strings.Fields("one nine zero a pound"), phoneNumber(incoming.text("from.phoneNumber.value")), map[string]any{"operationContext": "sound"})
	w.await(t, "SendDtmfTonesCompleted", 10*time.Second, inContext("sound"))
	w.must(t, "connection", call, "hangUp", true)
	c.wait(t, 10*time.Second)

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.other > 0 {
		t.Errorf("%d packets were no PCMU", l.other)
	}
	file := filepath.Join(t.TempDir(), "heard.wav")
	l.heard.write(t, file)
	out, err := exec.CommandContext(t.Context(), built(t, raceFlag), "dtmf", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for found := range strings.Lines(string(out)) {
		digits.WriteString(strings.Fields(found)[0])
	}
	if digits.String() != "190A#" {
		t.Errorf("in the sound is %q, want 190A#:\n%s", digits.String(), out)
	}
}

// TestChoices: a choice is made by its tone, beside whatever else listens.
func TestChoices(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)
	w.must(t, "media", call, "startContinuousDtmfRecognition", phoneNumber(caller), map[string]any{"operationContext": "keys"})
	for i, c := range []struct {
		key, tone     string
		kind, subCode string
		label         string
	}{
		{"2", "two", "RecognizeCompleted", "8533", "Cancel"},
		{"9", "nine", "RecognizeFailed", "8534", ""},
		{"1", "one", "RecognizeCompleted", "8533", "Confirm"},
	} {
		name := fmt.Sprint("choice ", i+1)
		w.must(t, "media", call, "startRecognizing", phoneNumber(caller), map[string]any{
			"kind": "callMediaRecognizeChoiceOptions", "operationContext": name, "initialSilenceTimeoutInSeconds": 20, "interruptPrompt": true,
			"playPrompt": w.prompt(t, "choose.wav", tone(8000, 440, 10*time.Second)),
			"choices": []any{
				map[string]any{"label": "Confirm", "phrases": []string{"confirm", "yes"}, "tone": "one"},
				map[string]any{"label": "Cancel", "phrases": []string{"cancel"}, "tone": "two"},
			}})
		p.press(t, c.key)
		e := w.await(t, c.kind, 10*time.Second, inContext(name))
		if e.text("resultInformation.subCode") != c.subCode || e.text("choiceResult.label") != c.label || e.get("choiceResult.recognizedPhrase") != nil {
			t.Errorf("%s: %v", c.key, e.data)
		}
		k := w.await(t, "ContinuousDtmfRecognitionToneReceived", 5*time.Second, inContext("keys"))
		if k.text("tone") != c.tone || k.text("sequenceId") != fmt.Sprint(i+1) {
			t.Errorf("beside it came %s with sequenceId %s, want %s", k.text("tone"), k.text("sequenceId"), c.tone)
		}
	}
	p.hangUp(t)
	w.await(t, "CallDisconnected", 5*time.Second, of(call))
	checkOrder(t, w.app, call)
}
