package e2e_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	caller = "+15550100" // who calls
	called = "+15550199" // whom
)

// tick is the grain of all sound in a call.
const tick = 20 * time.Millisecond

// speak answers a phone's call: a world with one call in it.
func speak(t *testing.T, w *world) (p *phone, call string) {
	t.Helper()
	p = startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, w.sip)
	call, _ = w.answer(t, "talk")
	p.await(t, "CALL_ESTABLISHED", 5*time.Second)
	return p, call
}

// recognize is what startRecognizing takes, for keys.
func recognize(tones int, more map[string]any) map[string]any {
	options := map[string]any{"kind": "callMediaRecognizeDtmfOptions", "maxTonesToCollect": tones}
	for k, v := range more {
		options[k] = v
	}
	return options
}

// TestCall is the whole of a first call, by Microsoft's client over each
// transport: a telephone rings, is answered, hears sound, presses keys, and is
// hung up.
func TestCall(t *testing.T) {
	for _, transport := range []string{"https", "http"} {
		t.Run(transport, func(t *testing.T) {
			w := startWorldWith(t, built(t, raceFlag), transport == "http")
			p := startPhone(t, caller, silence(8000, time.Second))
			p.dial(t, called, w.sip)
			call, incoming := w.answer(t, "hello")
			p.await(t, "CALL_ESTABLISHED", 5*time.Second)
			for path, want := range map[string]string{"from.rawId": "4:" + caller, "to.rawId": "4:" + called, "from.kind": "phoneNumber"} {
				if got := incoming.text(path); got != want {
					t.Errorf("IncomingCall %s is %q, want %q", path, got, want)
				}
			}
			properties := string(w.must(t, "connection", call, "getCallConnectionProperties"))
			for _, want := range []string{`"callConnectionState":"connected"`, caller} {
				if !strings.Contains(properties, want) {
					t.Errorf("properties lack %s: %s", want, properties)
				}
			}

			w.must(t, "media", call, "playToAll", []any{w.prompt(t, "second.wav", tone(8000, 440, time.Second))}, map[string]any{"operationContext": "play"})
			w.await(t, "PlayStarted", 5*time.Second, inContext("play"))
			w.await(t, "PlayCompleted", 5*time.Second, inContext("play"))

			w.must(t, "media", call, "startRecognizing", phoneNumber(caller), recognize(3, map[string]any{
				"playPrompt": w.prompt(t, "menu.wav", tone(8000, 600, 20*time.Second)), "interruptPrompt": true, "operationContext": "menu"}))
			w.await(t, "Fetched", 5*time.Second, func(e *event) bool { return e.text("name") == "menu.wav" })
			<-time.After(500 * time.Millisecond) // of the prompt
			p.press(t, "12#")
			done := w.await(t, "RecognizeCompleted", 10*time.Second, inContext("menu"))
			if got := fmt.Sprint(done.get("dtmfResult.tones")); got != "[one two pound]" || done.text("resultInformation.subCode") != "8531" {
				t.Errorf("recognized %s, subcode %s", got, done.text("resultInformation.subCode"))
			}

			w.must(t, "connection", call, "hangUp", true)
			p.await(t, "CALL_CLOSED", 5*time.Second)
			end := w.await(t, "CallDisconnected", 5*time.Second, of(call))
			if end.text("resultInformation.subCode") != "7000" || end.text("operationContext") != "hello" {
				t.Errorf("CallDisconnected says %v", end.data)
			}
			checkOrder(t, w.app, call)

			heard := p.heard(t)
			first := heard.bursts()
			if len(first) == 0 {
				t.Fatal("the phone heard nothing")
			}
			if off := (first[0].length() - time.Second).Abs(); off > tick {
				t.Errorf("a tone of 1 s was heard for %v", first[0].length())
			}
			if hz := heard.between(first[0].start, first[0].end).pitch(); math.Abs(hz-440) > 1 {
				t.Errorf("a tone of 440 Hz was heard at %.1f Hz", hz)
			}
			w.stop(t, 15*time.Second)
		})
	}
}

// checkOrder wants a connection's events to begin and end as a call does, each
// understood by the SDK.
func checkOrder(t *testing.T, a *app, call string) {
	t.Helper()
	kinds := a.came(of(call))
	if len(kinds) < 3 || !slices.Contains(kinds[:2], "CallConnected") || !slices.Contains(kinds[:2], "ParticipantsUpdated") || kinds[len(kinds)-1] != "CallDisconnected" {
		t.Errorf("the events of the call came as %v", kinds)
	}
	if bad := a.came(func(e *event) bool { return e.kind == "Unparsable" || e.kind == "BadRequest" }); bad != nil {
		t.Errorf("the SDK could not read %d of the server's requests", len(bad))
	}
}

// TestPlay plays what a person might: several files of several kinds, one of
// them to one participant, and a loop without a seam.
func TestPlay(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)

	sources := []any{
		w.prompt(t, "telephone.wav", tone(8000, 400, 300*time.Millisecond)),
		w.prompt(t, "studio.wav", tone(44100, 800, 300*time.Millisecond)),
		w.prompt(t, "wide.wav", tone(16000, 1200, 300*time.Millisecond)),
	}
	w.must(t, "media", call, "play", sources, []any{phoneNumber(caller)}, map[string]any{"operationContext": "three"})
	w.await(t, "PlayCompleted", 10*time.Second, inContext("three"))

	// 11 periods of 440 Hz are 200 samples; 8200 samples are no whole number of ticks.
	loop := w.prompt(t, "loop.wav", tone(8000, 440, 1025*time.Millisecond))
	w.must(t, "media", call, "playToAll", []any{loop}, map[string]any{"loop": true, "operationContext": "loop"})
	started := w.await(t, "PlayStarted", 5*time.Second, inContext("loop")).at
	<-time.After(time.Until(started.Add(3500 * time.Millisecond))) // three seams
	w.must(t, "media", call, "cancelAllOperations")
	if e := w.await(t, "PlayCanceled", 5*time.Second, inContext("loop")); e.text("resultInformation.subCode") != "8508" {
		t.Errorf("PlayCanceled says %v", e.get("resultInformation"))
	}
	w.must(t, "connection", call, "hangUp", false)
	p.await(t, "CALL_CLOSED", 5*time.Second)

	heard := p.heard(t)
	all := heard.bursts()
	if len(all) != 2 {
		t.Fatalf("heard %d stretches of sound, want the three files as one and the loop: %v", len(all), all)
	}
	if off := (all[0].length() - 900*time.Millisecond).Abs(); off > tick {
		t.Errorf("three files of 300 ms were heard for %v", all[0].length())
	}
	for i, hz := range []float64{400, 800, 1200} {
		from := all[0].start + time.Duration(i)*300*time.Millisecond
		if got := heard.between(from+50*time.Millisecond, from+250*time.Millisecond).pitch(); math.Abs(got-hz) > 3 {
			t.Errorf("file %d of %.0f Hz was heard at %.1f Hz", i, hz, got)
		}
	}
	looped := heard.between(all[1].start+tick, all[1].end-tick)
	if looped.length() < 2500*time.Millisecond { // two seams at least; a busy machine skips ticks
		t.Errorf("the loop was heard for %v", looped.length())
	}
	if jump := looped.jump(440); jump > 0.3 {
		t.Errorf("the looped tone jumps by %.2f rad", jump)
	}
}

// TestRecognize collects keys in each way that ends a collection.
func TestRecognize(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)
	listen := func(name string, tones int, more map[string]any) {
		more["operationContext"] = name
		w.must(t, "media", call, "startRecognizing", phoneNumber(caller), recognize(tones, more))
	}

	listen("stop", 10, map[string]any{"stopDtmfTones": []string{"pound"}, "initialSilenceTimeoutInSeconds": 20})
	p.press(t, "42#")
	if e := w.await(t, "RecognizeCompleted", 10*time.Second, inContext("stop")); e.text("resultInformation.subCode") != "8514" || !strings.HasPrefix(fmt.Sprint(e.get("dtmfResult.tones")), "[four two") {
		t.Errorf("stop tone: %v", e.data)
	}

	listen("hesitant", 4, map[string]any{"interToneTimeoutInSeconds": 1, "initialSilenceTimeoutInSeconds": 20})
	p.press(t, "9")
	if e := w.await(t, "RecognizeFailed", 10*time.Second, inContext("hesitant")); e.text("resultInformation.subCode") != "8532" {
		t.Errorf("inter-tone: %v", e.data)
	}

	before := time.Now()
	listen("silent", 1, map[string]any{"initialSilenceTimeoutInSeconds": 1, "playPrompt": w.prompt(t, "ask.wav", tone(8000, 500, time.Second))})
	e := w.await(t, "RecognizeFailed", 10*time.Second, inContext("silent"))
	if took := e.at.Sub(before); e.text("resultInformation.subCode") != "8510" || took < 1900*time.Millisecond {
		t.Errorf("initial silence after %v, with a prompt of 1 s before it: %v", took, e.data)
	}

	listen("canceled", 1, map[string]any{"initialSilenceTimeoutInSeconds": 60})
	w.must(t, "media", call, "cancelAllOperations")
	w.await(t, "RecognizeCanceled", 5*time.Second, inContext("canceled"))

	// The caller presses a key into a long prompt: silence at once.
	listen("barge", 1, map[string]any{"initialSilenceTimeoutInSeconds": 20, "interruptPrompt": true,
		"playPrompt": w.prompt(t, "long.wav", tone(8000, 700, time.Minute))})
	w.await(t, "Fetched", 5*time.Second, func(e *event) bool { return e.text("name") == "long.wav" })
	<-time.After(time.Second) // of the prompt
	p.press(t, "5")
	w.await(t, "RecognizeCompleted", 5*time.Second, inContext("barge"))
	w.must(t, "connection", call, "hangUp", true)
	w.await(t, "CallDisconnected", 5*time.Second, of(call))
	heard := p.heard(t).bursts()
	if n := len(heard); n != 2 || heard[1].length() > 1800*time.Millisecond {
		t.Errorf("heard %v, want the question of 1 s and a second or so of the long prompt", heard)
	}
}

// TestContinuousDigits reports every key of a caller, in order, beside whatever
// else goes on.
func TestContinuousDigits(t *testing.T) {
	w := startWorld(t)
	p, call := speak(t, w)
	w.must(t, "media", call, "startContinuousDtmfRecognition", phoneNumber(caller), map[string]any{"operationContext": "keys"})
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "hum.wav", tone(8000, 440, 5*time.Second))})
	p.press(t, "1234567890*#")
	want := strings.Fields("one two three four five six seven eight nine zero asterisk pound")
	for i, name := range want {
		e := w.await(t, "ContinuousDtmfRecognitionToneReceived", 10*time.Second, inContext("keys"))
		if e.text("tone") != name || e.text("sequenceId") != fmt.Sprint(i+1) {
			t.Errorf("tone %d is %s with sequenceId %s, want %s", i+1, e.text("tone"), e.text("sequenceId"), name)
		}
	}
	w.must(t, "media", call, "stopContinuousDtmfRecognition", phoneNumber(caller), map[string]any{"operationContext": "enough"})
	w.await(t, "ContinuousDtmfRecognitionStopped", 5*time.Second, of(call))
	p.hangUp(t)
	w.await(t, "CallDisconnected", 5*time.Second, of(call))
	if more := w.came(func(e *event) bool { return e.kind == "ContinuousDtmfRecognitionToneReceived" }); len(more) != len(want) {
		t.Errorf("%d tones were reported for %d keys", len(more), len(want))
	}
}

// TestEventsSurviveARefusal has the app refuse callbacks for a while: every
// event comes all the same, in order, once accepted.
func TestEventsSurviveARefusal(t *testing.T) {
	w := startWorld(t)
	p := startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, w.sip)
	w.must(t, "app", "", "refuse", 2)
	call, _ := w.answer(t, "stubborn")
	w.must(t, "connection", call, "hangUp", true)
	w.await(t, "CallDisconnected", 30*time.Second, of(call))
	checkOrder(t, w.app, call)
	if n := len(w.came(func(e *event) bool { return e.kind == "Refused" })); n != 2 {
		t.Errorf("%d callbacks were refused, want 2", n)
	}
}

// TestDigitsInTheSound: a phone that plays its keys as tones, without events.
func TestDigitsInTheSound(t *testing.T) {
	w := startWorld(t)
	mic := silence(8000, 3*time.Second).then(keys(8000, "147*", 100*time.Millisecond, 100*time.Millisecond))
	p := startPhone(t, caller, mic)
	p.dial(t, called, w.sip)
	call, _ := w.answer(t, "tones")
	w.must(t, "media", call, "startRecognizing", phoneNumber(caller), recognize(4, map[string]any{"initialSilenceTimeoutInSeconds": 20, "operationContext": "sound"}))
	e := w.await(t, "RecognizeCompleted", 15*time.Second, inContext("sound"))
	if got := fmt.Sprint(e.get("dtmfResult.tones")); got != "[one four seven asterisk]" {
		t.Errorf("recognized %s", got)
	}
}
