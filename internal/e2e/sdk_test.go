package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// An sdk is one of Microsoft's clients beside JavaScript's: a small app on it,
// in a folder of its own. The apps take the same few commands, and show an
// event as the models of their package hold it, under the names of the wire.
type sdk struct {
	command func(t *testing.T, caFile string) *exec.Cmd
	unknown []string // event types that came after it
	bare    []string // event types whose resultInformation its models lack
	files   string   // a host that it fetches recordings from
}

// startWorldOf runs a server and then an app, for whose handshake the server
// waits.
func startWorldOf(t *testing.T, client sdk) *world {
	t.Helper()
	addr := freeAddr(t)
	secure := freeAddr(t)
	_, securePort, _ := net.SplitHostPort(secure)
	s := startBinary(t, built(t, raceFlag), "--events=http://"+addr+"/events",
		"--https="+secure, "--public-url=https://"+net.JoinHostPort(client.files, securePort))
	s.https, s.connection = secure, "endpoint=https://localhost:"+securePort+"/;accesskey="+s.key()
	cmd := client.command(t, s.caFile)
	_, port, _ := net.SplitHostPort(addr)
	cmd.Env = append(cmd.Environ(), "PORT="+port)
	w := &world{s, runApp(t, cmd, "http://"+addr)}
	s.ready(t)
	w.await(t, "SubscriptionValidation", 15*time.Second, nil)
	return w
}

// key is the access key of the connection string.
func (s *server) key() string {
	_, key, _ := strings.Cut(s.connection, "accesskey=")
	return key
}

// told is what a command of such an app answers.
type told struct {
	CallConnectionID, ServerCallID, CorrelationID, CallbackURL, State string
	Source, RecordingID, RawID, Kind                                  string
	Targets                                                           []string
	All                                                               []told
	IsMuted                                                           *bool
	Wav                                                               []byte
}

// ask has the app do something.
func (w *world) ask(t *testing.T, call, command string, args ...any) (answer told) {
	t.Helper()
	if err := json.Unmarshal(w.must(t, "", call, command, args...), &answer); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return answer
}

// wholeCall is a call from its first ring to its end, with all that its app can
// do of itself: answer, look, play, recognize, record, hang up.
func wholeCall(t *testing.T, w *world, client sdk) {
	t.Helper()
	p := startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, w.sip)
	incoming := w.await(t, "IncomingCall", 10*time.Second, nil)
	if from, to := incoming.text("from.rawId"), incoming.text("to.rawId"); from != "4:"+caller || to != "4:"+called {
		t.Errorf("IncomingCall from %s to %s", from, to)
	}
	answered := w.ask(t, "", "answer", incoming.text("incomingCallContext"), w.callback(), "hello")
	call := answered.CallConnectionID
	connected := w.await(t, "CallConnected", 10*time.Second, of(call))
	for name, got := range map[string]string{"serverCallId": answered.ServerCallID, "correlationId": answered.CorrelationID} {
		if got == "" || connected.text(name) != got || incoming.text(name) != got {
			t.Errorf("%s: IncomingCall %q, answer %q, CallConnected %q", name, incoming.text(name), got, connected.text(name))
		}
	}
	p.await(t, "CALL_ESTABLISHED", 5*time.Second)
	w.present(t, call, answered)

	w.ask(t, call, "play", w.prompt(t, "tone.wav", tone(8000, 440, 500*time.Millisecond))["url"], "play")
	if !slices.Contains(client.unknown, "PlayStarted") {
		w.await(t, "PlayStarted", 5*time.Second, inContext("play"))
	}
	w.succeeded(t, client, "PlayCompleted", "play", "0")

	w.ask(t, call, "recognize", caller, 2, w.prompt(t, "menu.wav", tone(8000, 600, 20*time.Second))["url"], "menu")
	<-time.After(time.Second) // of the prompt: keys that come before it do not count
	p.press(t, "5#")
	done := w.succeeded(t, client, "RecognizeCompleted", "menu", "8531")
	if got := fmt.Sprint(done.get("dtmfResult.tones")); got != "[five pound]" {
		t.Errorf("recognized %s", got)
	}

	w.recordAndFetch(t, client, call, answered.ServerCallID)
	w.ask(t, call, "hangUp", true)
	p.await(t, "CALL_CLOSED", 5*time.Second)
	w.succeeded(t, client, "CallDisconnected", "hello", "7000")
	checkOrder(t, w.app, call)
	w.checkKnown(t, client)
	if heard := p.heard(t).bursts(); len(heard) == 0 || (heard[0].length()-500*time.Millisecond).Abs() > tick {
		t.Errorf("a tone of 500 ms was heard as %v", heard)
	}
	w.stop(t, 15*time.Second)
}

// succeeded waits for the event that ends an operation well.
func (w *world) succeeded(t *testing.T, client sdk, kind, context, subCode string) *event {
	t.Helper()
	e := w.await(t, kind, 10*time.Second, inContext(context))
	if bare := slices.Contains(client.bare, kind); !bare && (e.text("resultInformation.code") != "200" || e.text("resultInformation.subCode") != subCode) {
		t.Errorf("%s says %v, want 200 and %s", kind, e.get("resultInformation"), subCode)
	}
	return e
}

// present looks at a call of one caller in each way there is.
func (w *world) present(t *testing.T, call string, answered told) {
	t.Helper()
	now := w.ask(t, call, "properties")
	if now.CallConnectionID != call || now.State != "connected" || now.CallbackURL != w.callback() ||
		now.ServerCallID != answered.ServerCallID || now.Source != "4:"+caller || !slices.Contains(now.Targets, "4:"+called) {
		t.Errorf("the properties are %+v", now)
	}
	update := w.await(t, "ParticipantsUpdated", 5*time.Second, of(call))
	if who := fmt.Sprint(update.get("participants")); !strings.Contains(who, "4:"+caller) {
		t.Errorf("ParticipantsUpdated names %s", who)
	}
	all := w.ask(t, call, "participants").All
	if !slices.ContainsFunc(all, func(p told) bool { return p.RawID == "4:"+caller }) {
		t.Errorf("the participants are %+v", all)
	}
	if one := w.ask(t, call, "participant", caller); one.RawID != "4:"+caller || one.Kind != "phone_number" || one.IsMuted == nil || *one.IsMuted {
		t.Errorf("the caller is %+v", one)
	}
}

// recordAndFetch makes an unmixed recording of a while, fetches and deletes it.
func (w *world) recordAndFetch(t *testing.T, client sdk, call, serverCall string) {
	t.Helper()
	r := w.ask(t, "", "record", serverCall, w.callback())
	if r.RecordingID == "" || r.State != "active" {
		t.Fatalf("start gave %+v", r)
	}
	if now := w.ask(t, "", "recordingState", r.RecordingID); now.State != "active" {
		t.Errorf("the recording is %s", now.State)
	}
	for _, state := range []string{"active", "inactive"} {
		e := w.await(t, "RecordingStateChanged", 5*time.Second, func(e *event) bool { return e.text("recordingId") == r.RecordingID })
		if began, err := time.Parse(time.RFC3339Nano, e.text("startDateTime")); e.text("state") != state || err != nil || time.Since(began).Abs() > time.Minute {
			t.Errorf("RecordingStateChanged says %v, want %s (%v)", e.data, state, err)
		}
		if state == "active" {
			w.ask(t, call, "play", w.prompt(t, "while.wav", tone(8000, 440, 300*time.Millisecond))["url"], "while")
			w.succeeded(t, client, "PlayCompleted", "while", "0")
			w.ask(t, "", "stopRecording", r.RecordingID)
		}
	}
	f := w.recorded(t, "Unmixed")
	if all, err := channels(w.ask(t, "", "download", f.ContentLocation).Wav); err != nil || len(all) == 0 || all[0].length().Milliseconds() != f.milliseconds {
		t.Errorf("a recording of %d ms was fetched as %d channels, %v", f.milliseconds, len(all), err)
	}
	w.ask(t, "", "delete", f.DeleteLocation)
	w.refused(t, 404, "", "", "", "download", f.ContentLocation)
}

// checkKnown wants the package to have had a model, and a time, for every event
// but those that came after it.
func (w *world) checkKnown(t *testing.T, client sdk) {
	t.Helper()
	w.came(func(e *event) bool {
		if e.kind == "Unknown" && !slices.Contains(client.unknown, e.text("type")) {
			t.Errorf("the package has no model for %s", e.text("type"))
		}
		if at, err := time.Parse(time.RFC3339Nano, e.text("time")); e.cloud != nil && (err != nil || time.Since(at).Abs() > time.Minute) {
			t.Errorf("%s has the time %q", e.kind, e.text("time"))
		}
		return false
	})
}

// refusals wants the package's own exceptions for a call that is not there and
// for a wrong key.
func refusals(t *testing.T, client sdk, notFound, unauthorized string) {
	t.Helper()
	w := startWorldOf(t, client)
	for _, c := range []struct {
		key, code, exception string
		status               int
	}{
		{w.key(), "8522", notFound, 404},
		{base64.StdEncoding.EncodeToString([]byte("another key altogether")), "7509", unauthorized, 401},
	} {
		endpoint, _, _ := strings.Cut(w.connection, "accesskey=")
		w.must(t, "", "", "connect", endpoint+"accesskey="+c.key)
		_, err := w.do(t, "", "no-such-call", "properties")
		if err == nil || err.StatusCode != c.status || err.Code != c.code || err.Name != c.exception {
			t.Errorf("%v, want %s %d %s", err, c.exception, c.status, c.code)
		}
	}
}
