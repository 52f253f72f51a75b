package e2e_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sayings is a phone that says one tone after another: the first after 2 s,
// each for 500 ms, a second from one beginning to the next. 0 Hz is silence.
func sayings(hz ...float64) sound {
	mic := silence(8000, 2*time.Second)
	for _, f := range hz {
		mic = mic.then(tone(8000, f, 500*time.Millisecond)).then(silence(8000, 500*time.Millisecond))
	}
	return mic
}

// converse has a phone call and say mic, and the app answer with options. spoke
// is when mic began.
func (w *world) converse(t *testing.T, mic sound, options map[string]any) (p *phone, call string, spoke time.Time) {
	t.Helper()
	p = startPhone(t, caller, mic)
	p.dial(t, called, w.sip)
	incoming := w.await(t, "IncomingCall", 10*time.Second, nil)
	var result struct {
		CallConnectionProperties struct{ CallConnectionID string }
	}
	if options == nil {
		options = map[string]any{}
	}
	raw := w.must(t, "client", "", "answerCall", incoming.text("incomingCallContext"), w.callback(), options)
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatal(err)
	}
	call = result.CallConnectionProperties.CallConnectionID
	p.await(t, "CALL_ESTABLISHED", 10*time.Second)
	spoke = time.Now()
	w.app.await(t, "CallConnected", 10*time.Second, of(call))
	return p, call, spoke
}

// until waits for a moment of a call.
func until(began time.Time, d time.Duration) { <-time.After(time.Until(began.Add(d))) }

// recording starts one and gives its id.
func (w *world) recording(t *testing.T, options map[string]any) string {
	t.Helper()
	var r struct{ RecordingID, RecordingState, RecordingKind string }
	raw := w.must(t, "recording", "", "start", options)
	if err := json.Unmarshal(raw, &r); err != nil || r.RecordingID == "" || r.RecordingKind != "azureCommunicationServices" {
		t.Fatalf("start gave %s (%v)", raw, err)
	}
	if want := map[bool]string{false: "active", true: "inactive"}[options["pauseOnStart"] == true]; r.RecordingState != want {
		t.Errorf("the recording began %s, want %s", r.RecordingState, want)
	}
	return r.RecordingID
}

// state wants a recording to be active or inactive.
func (w *world) state(t *testing.T, recording, want string) {
	t.Helper()
	if raw := w.must(t, "recording", "", "getState", recording); !strings.Contains(string(raw), `"recordingState":"`+want+`"`) {
		t.Errorf("getState says %s, want %s", raw, want)
	}
}

// told waits for the next RecordingStateChanged, sent to path.
func (w *world) told(t *testing.T, recording, state, path string) {
	t.Helper()
	e := w.app.await(t, "RecordingStateChanged", 5*time.Second, func(e *event) bool { return e.text("recordingId") == recording })
	if e.text("state") != state || e.text("path") != path || e.text("startDateTime") == "" || e.text("recordingKind") != "azureCommunicationServices" {
		t.Errorf("RecordingStateChanged says %v, want %s at %s", e.data, state, path)
	}
}

// checkTones wants a sound to be tones of 500 ms, to a tick and what bursts can
// tell, and nothing else.
func checkTones(t *testing.T, name string, s sound, hz ...float64) []burst {
	t.Helper()
	all := s.bursts()
	if len(all) != len(hz) {
		t.Fatalf("%s has %d stretches of sound, want %d: %v", name, len(all), len(hz), all)
	}
	for i, b := range all {
		period := time.Duration(float64(time.Second) / hz[i])
		if off := (b.length() - 500*time.Millisecond).Abs(); off > tick+period {
			t.Fatalf("%s: a tone of 500 ms has %v", name, b.length())
		}
		if got := s.between(b.start+tick, b.end-tick).pitch(); math.Abs(got-hz[i]) > 1 {
			t.Errorf("%s: a tone of %.0f Hz has %.1f Hz", name, hz[i], got)
		}
	}
	return all
}

// TestRecording is an unmixed recording from its start to its deletion, over
// each transport and by each name of the call: what the caller says is on the
// caller's channel, but for the tone during the pause.
func TestRecording(t *testing.T) {
	const place = 2 // the caller's channel
	me := map[string]any{"phoneNumber": caller}
	for _, transport := range []string{"https", "http"} {
		t.Run(transport, func(t *testing.T) {
			w := startWorldWith(t, built(t, raceFlag), transport == "http")
			p, call, spoke := w.converse(t, sayings(440, 620, 880), nil)
			options := map[string]any{
				"recordingChannel": "unmixed", "recordingContent": "audio", "recordingFormat": "wav",
				"recordingStateCallbackEndpointUrl": w.url + "/callbacks/recording",
				"channelAffinity":                   []any{map[string]any{"channel": place, "targetParticipant": me}},
			}
			if transport == "http" {
				var properties struct{ ServerCallID string }
				_ = json.Unmarshal(w.must(t, "connection", call, "getCallConnectionProperties"), &properties)
				options["callLocator"] = map[string]any{"kind": "serverCallLocator", "id": properties.ServerCallID}
			} else {
				options["callConnectionId"] = call
			}
			id := w.recording(t, options)
			w.told(t, id, "active", "/callbacks/recording")
			w.state(t, id, "active")

			until(spoke, 2750*time.Millisecond) // after the first tone
			w.must(t, "recording", "", "pause", id)
			w.told(t, id, "inactive", "/callbacks/recording")
			w.state(t, id, "inactive")
			until(spoke, 3750*time.Millisecond) // after the second
			w.must(t, "recording", "", "resume", id)
			w.told(t, id, "active", "/callbacks/recording")
			until(spoke, 4750*time.Millisecond)
			w.must(t, "recording", "", "stop", id)
			w.told(t, id, "inactive", "/callbacks/recording")
			f := w.recorded(t, "Unmixed")
			w.refused(t, 404, "8522", "recording", "", "getState", id)
			if status, _, _ := w.send(t, "GET", "/calling/callConnections/"+call+"?api-version=2026-03-12", ""); status != 200 {
				t.Errorf("the call ended with its recording: %d", status)
			}

			store := w.storage(t, transport == "http")
			all, m := store.fetch(t, f)
			if len(m.Participants) != 1 || m.Participants[0].ParticipantID != "4:"+caller || m.Participants[0].Channel == nil || *m.Participants[0].Channel != place {
				t.Errorf("the metadata's participants are %+v", m.Participants)
			}
			for i, s := range all {
				if i != place && slices.ContainsFunc(s.pcm, func(v int16) bool { return v != 0 }) {
					t.Errorf("there is something on channel %d", i)
				}
			}
			said := checkTones(t, "the caller's channel", all[place], 440, 880)
			if len(m.PauseResumeIntervals) != 1 {
				t.Fatalf("the metadata has the pauses %v", m.PauseResumeIntervals)
			}
			pause := time.Duration(m.PauseResumeIntervals[0].Duration) * time.Millisecond
			if apart := said[1].start - said[0].start + pause; (apart - 2*time.Second).Abs() > 5*tick { // a command takes a moment
				t.Errorf("the tones were said 2 s apart; recorded, with the pause: %v", apart)
			}
			store.remove(t, f)
			w.must(t, "connection", call, "hangUp", true)
			p.await(t, "CALL_CLOSED", 5*time.Second)
		})
	}
}

// TestMixedRecording: one channel has what the caller says and what is played
// to everybody. It begins with a pause, and ends with the call.
func TestMixedRecording(t *testing.T) {
	w := startWorld(t)
	p, call, spoke := w.converse(t, sayings(440), nil)
	id := w.recording(t, map[string]any{"callConnectionId": call, "recordingChannel": "mixed", "recordingFormat": "wav",
		"recordingStateCallbackEndpointUrl": w.callback(), "pauseOnStart": true})
	until(spoke, 1500*time.Millisecond)
	w.must(t, "recording", "", "resume", id)
	until(spoke, 2750*time.Millisecond)
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "p.wav", tone(8000, 1000, 500*time.Millisecond))}, map[string]any{"operationContext": "play"})
	w.app.await(t, "PlayCompleted", 5*time.Second, inContext("play"))
	p.hangUp(t)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
	f := w.recorded(t, "Mixed")
	var states []string
	w.came(func(e *event) bool {
		if e.kind == "RecordingStateChanged" {
			states = append(states, e.text("state"))
		}
		return false
	})
	if got := strings.Join(states, " "); got != "inactive active inactive" {
		t.Errorf("the states were %s", got)
	}
	store := w.storage(t, false)
	all, m := store.fetch(t, f)
	if len(all) != 1 {
		t.Fatalf("a mixed recording has %d channels", len(all))
	}
	checkTones(t, "the mix", all[0], 440, 1000)
	if ids := fmt.Sprint(m.Participants); !strings.Contains(ids, caller) {
		t.Errorf("the metadata's participants are %s", ids)
	}
}

// TestRecordingNobodyResumed has no file.
func TestRecordingNobodyResumed(t *testing.T) {
	w := startWorld(t)
	_, call, _ := w.converse(t, sayings(440), nil)
	id := w.recording(t, map[string]any{"callConnectionId": call, "recordingChannel": "unmixed", "pauseOnStart": true})
	w.state(t, id, "inactive")
	w.must(t, "recording", "", "stop", id)
	w.must(t, "connection", call, "hangUp", true)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))
	eventually(t, 5*time.Second, "the recordings' folder to be empty", func() bool {
		found, _ := filepath.Glob(filepath.Join(w.data, "recordings", "*"))
		return len(found) == 0
	})
}

// TestShutdownClosesRecordings: SIGTERM in mid-recording leaves a whole file,
// and the app is told where, before the process ends with 0. Another run serves
// it.
func TestShutdownClosesRecordings(t *testing.T) {
	w := startWorld(t, "--drain=100ms")
	p, call, spoke := w.converse(t, sayings(440), nil)
	id := w.recording(t, map[string]any{"callConnectionId": call, "recordingChannel": "unmixed", "recordingStateCallbackEndpointUrl": w.callback()})
	w.told(t, id, "active", "/callbacks")
	until(spoke, 2750*time.Millisecond)
	w.signal(t, syscall.SIGTERM)
	p.await(t, "CALL_CLOSED", 5*time.Second)
	if code := w.exit(t, 15*time.Second); code != 0 {
		t.Errorf("exit status %d", code)
	}
	w.told(t, id, "inactive", "/callbacks")
	f := w.recorded(t, "Unmixed")
	found, _ := filepath.Glob(filepath.Join(w.data, "recordings", f.DocumentID+"*"))
	if len(found) != 2 || strings.Contains(fmt.Sprint(found), ".part") {
		t.Fatalf("left behind: %v", found)
	}
	b, err := os.ReadFile(filepath.Join(w.data, "recordings", f.DocumentID+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := channels(b)
	if err != nil {
		t.Fatal(err)
	}
	checkTones(t, "the caller's channel", all[0], 440)
}

// TestRecordingsRefused: each mistake has its status and a message that names
// what is wrong.
func TestRecordingsRefused(t *testing.T) {
	w := startWorld(t)
	_, call, _ := w.converse(t, sayings(440), nil)
	unmixed := map[string]any{"callConnectionId": call, "recordingChannel": "unmixed"}

	const version = "?api-version=2026-03-12"
	of := `{"callConnectionId":"` + call + `",`
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		code, word               string
	}{
		{"unknown recording", "GET", "/none", "", 404, "8522", "none"},
		{"pause of none", "POST", "/none:pause", "", 404, "8522", "none"},
		{"resume of none", "POST", "/none:resume", "", 404, "8522", "none"},
		{"stop of none", "DELETE", "/none", "", 404, "8522", "none"},
		{"nothing", "POST", "", "", 400, "8523", "body"},
		{"no call", "POST", "", `{}`, 400, "8523", "callLocator"},
		{"unknown connection", "POST", "", `{"callConnectionId":"nobody"}`, 404, "8522", "nobody"},
		{"unknown call", "POST", "", `{"callLocator":{"kind":"serverCallLocator","serverCallId":"bm9ib2R5"}}`, 404, "8522", ""},
		{"mp3", "POST", "", of + `"recordingFormatType":"mp3","recordingChannelType":"mixed"}`, 400, "8523", "recordingFormatType"},
		{"unmixed mp3", "POST", "", of + `"recordingFormatType":"mp3","recordingChannelType":"unmixed"}`, 400, "8523", "recordingFormatType"},
		{"video", "POST", "", of + `"recordingContentType":"audioVideo","recordingFormatType":"mp4"}`, 405, "8520", "recordingContentType"},
		{"unknown channel", "POST", "", of + `"recordingChannelType":"stereo"}`, 400, "8523", "recordingChannelType"},
		{"callback", "POST", "", of + `"recordingStateCallbackUri":"ftp://127.0.0.1/"}`, 400, "8523", "recordingStateCallbackUri"},
		{"blob storage", "POST", "", of + `"externalStorage":{"recordingStorageKind":"azureBlobStorage","recordingDestinationContainerUrl":"https://a.blob.core.windows.net/c"}}`, 405, "8520", "externalStorage"},
		{"channel", "POST", "", of + `"channelAffinity":[{"channel":9,"participant":{"phoneNumber":{"value":"+1"}}}]}`, 400, "8523", "channelAffinity[0].channel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, code, message := w.send(t, c.method, "/calling/recordings"+c.path+version, c.body)
			if status != c.status || code != c.code || !strings.Contains(message, c.word) {
				t.Errorf("%d %s %q, want %d %s and the word %q", status, code, message, c.status, c.code, c.word)
			}
		})
	}

	id := w.recording(t, unmixed)
	w.refused(t, 409, "8553", "recording", "", "start", unmixed)
	w.refused(t, 400, "8573", "recording", "", "resume", id)
	w.must(t, "recording", "", "pause", id)
	w.refused(t, 400, "8573", "recording", "", "pause", id)
	w.must(t, "recording", "", "stop", id)
	w.refused(t, 404, "8522", "recording", "", "stop", id)
	w.refused(t, 404, "8522", "recording", "", "resume", id)

	store := w.storage(t, false)
	for _, document := range []string{"none", "..%2f..%2fcertificates", id} {
		for _, rest := range []string{"", "/content/audio", "/content/acsmetadata"} {
			method := map[bool]string{true: "DELETE", false: "GET"}[rest == ""]
			if status, _, body := store.ask(t, method, "https://"+w.https+"/v1/objects/"+document+rest, ""); status != 404 || len(body) != 0 {
				t.Errorf("%s %s%s: %d %q, want 404 and nothing", method, document, rest, status, body)
			}
		}
	}
	store.key = []byte("another key")
	if status, _, body := store.ask(t, "GET", "https://"+w.https+"/v1/objects/none/content/audio", ""); status != 401 || len(body) != 0 {
		t.Errorf("with a wrong key: %d %q, want 401 and nothing", status, body)
	}

	w.must(t, "connection", call, "hangUp", true)
	w.app.await(t, "CallDisconnected", 5*time.Second, func(e *event) bool { return e.text("callConnectionId") == call })
	w.refused(t, 404, "8522", "recording", "", "start", unmixed)
}
