package e2e_test

import (
	"strings"
	"testing"
	"time"
)

// A method is one of the SDK's that needs a call.
type method struct {
	on, name string
	args     []any
}

// commands are the SDK's methods on a call that stands, with arguments that
// would do. who is a participant, other is not.
func (w *world) commands(who, other map[string]any) []method {
	file := w.file("any.wav")
	return []method{
		{"connection", "addParticipant", []any{invite(other)}},
		{"connection", "transferCallToParticipant", []any{other}},
		{"connection", "removeParticipant", []any{who}},
		{"connection", "muteParticipant", []any{who}},
		{"connection", "cancelAddParticipantOperation", []any{"no-such-invitation"}},
		{"connection", "moveParticipants", []any{[]any{other}, "no-such-call"}},
		{"media", "play", []any{[]any{file}, []any{who}}},
		{"media", "playToAll", []any{[]any{file}}},
		{"media", "startRecognizing", []any{who, recognize(1, nil)}},
		{"media", "startContinuousDtmfRecognition", []any{who}},
		{"media", "stopContinuousDtmfRecognition", []any{who}},
		{"media", "sendDtmfTones", []any{[]any{"one"}, who}},
		{"media", "hold", []any{who}},
		{"media", "unhold", []any{who}},
		{"media", "cancelAllOperations", nil},
		{"media", "startMediaStreaming", nil},
		{"media", "stopMediaStreaming", nil},
	}
}

// TestNoSuchCall: every method on a call that is not there, or not any more.
func TestNoSuchCall(t *testing.T) {
	w := startWorld(t)
	p, ended := speak(t, w)
	p.hangUp(t)
	w.over(t, ended, "540000")
	for _, call := range []string{"no-such-call", ended} {
		for _, m := range append(w.commands(alice, bob),
			method{"connection", "getCallConnectionProperties", nil},
			method{"connection", "hangUp", []any{false}},
			method{"connection", "hangUp", []any{true}},
			method{"connection", "listParticipants", nil},
			method{"connection", "getParticipant", []any{alice}},
			method{"recording", "start", []any{map[string]any{"callConnectionId": call}}},
		) {
			w.refused(t, 404, "8522", m.on, call, m.name, m.args...)
		}
	}
	token := w.taken(t, "IncomingCall").text("incomingCallContext")
	for _, context := range []string{"no such context", token} {
		w.refused(t, 404, "8522", "client", "", "answerCall", context, w.callback())
		w.refused(t, 404, "8522", "client", "", "redirectCall", context, invite(bob))
		w.refused(t, 404, "8522", "client", "", "rejectCall", context)
	}
	for _, kind := range []string{"serverCallLocator", "groupCallLocator", "roomCallLocator"} {
		w.refused(t, 404, "8522", "client", "", "connectCall", map[string]any{"kind": kind, "id": "none"}, w.callback())
	}
	for _, name := range []string{"getState", "pause", "resume", "stop"} {
		w.refused(t, 404, "8522", "recording", "", name, "no-such-recording")
	}
	w.refused(t, 404, "8522", "recording", "", "start", map[string]any{"callLocator": map[string]any{"kind": "serverCallLocator", "id": "none"}})
	for _, m := range []method{
		{"media", "startTranscription", nil},
		{"media", "stopTranscription", nil},
		{"media", "updateTranscription", []any{"en-US"}},
	} {
		w.refused(t, 405, "8520", m.on, ended, m.name, m.args...)
	}
}

// taken is an event that a test has awaited before.
func (a *app) taken(t *testing.T, kind string) *event {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e.kind == kind {
			return e
		}
	}
	t.Fatalf("no %s has come", kind)
	return nil
}

// TestNotEstablished: what needs a call that stands is refused while it rings;
// it can be looked at, and hung up.
func TestNotEstablished(t *testing.T) {
	w := startWorld(t)
	rings := startCallees(t, "rings", calls{})
	w.register(t, "dora", rings.addr)
	dora := user("8:acs:dora")
	call := w.create(t, dora, "ring")
	for _, m := range w.commands(dora, bob) {
		w.refused(t, 400, "8501", m.on, call, m.name, m.args...)
	}
	w.refused(t, 400, "8501", "recording", "", "start", map[string]any{"callConnectionId": call})
	if list := string(w.must(t, "connection", call, "listParticipants")); strings.Contains(list, "dora") {
		t.Errorf("while it rings the participants are %s", list)
	}
	w.refused(t, 404, "8522", "connection", call, "getParticipant", dora)
	w.must(t, "connection", call, "hangUp", false)
	w.says(t, w.await(t, "CreateCallFailed", 10*time.Second, of(call)), "487", "8542")
	rings.wait(t, 10*time.Second)
	if all := w.came(of(call)); len(all) != 1 {
		t.Errorf("the call has the events %v", all)
	}
}

// TestWrongParticipants: who is not in the call, who is in it already, and who
// is somebody else altogether.
func TestWrongParticipants(t *testing.T) {
	w := startWorld(t)
	p := startPhone(t, caller, silence(8000, time.Second))
	incoming := w.rings(t, p, called)
	call := w.accept(t, incoming, "talk")
	for _, name := range []string{"answerCall", "redirectCall", "rejectCall"} { // too late
		args := map[string][]any{"answerCall": {w.callback()}, "redirectCall": {invite(bob)}}[name]
		w.refused(t, 409, "8519", "client", "", name, append([]any{incoming.text("incomingCallContext")}, args...)...)
	}
	for _, m := range w.commands(bob, alice) { // neither is where it should be
		switch m.name {
		case "addParticipant", "moveParticipants":
			w.refused(t, 400, "8559", m.on, call, m.name, m.args...)
		case "removeParticipant", "muteParticipant", "play", "startRecognizing", "startContinuousDtmfRecognition", "sendDtmfTones", "hold", "unhold":
			w.refused(t, 400, "8558", m.on, call, m.name, m.args...)
		case "startMediaStreaming": // it was answered without mediaStreamingOptions
			w.refused(t, 400, "8523", m.on, call, m.name, m.args...)
		case "stopContinuousDtmfRecognition", "stopMediaStreaming":
			w.refused(t, 400, "8585", m.on, call, m.name, m.args...)
		}
	}
	w.refused(t, 400, "8558", "connection", call, "transferCallToParticipant", carol, map[string]any{"transferee": bob})
	w.must(t, "connection", call, "cancelAddParticipantOperation", "no-such-invitation", map[string]any{"operationContext": "none"})
	w.says(t, w.await(t, "CancelAddParticipantFailed", 5*time.Second, inContext("none")), "400", "8585")
	w.refused(t, 400, "8523", "client", "", "createGroupCall", []any{bob, bob}, w.callback())
	w.hangs(t, call)
	closed(t, p)
}

// TestInjection: nothing that an app's user may have written gets a line of its
// own into a SIP message.
func TestInjection(t *testing.T) {
	w := startWorld(t)
	_, call := speak(t, w)
	const evil = "x\r\nX-Evil: yes"
	for name, custom := range map[string]map[string]any{
		"value":        {"kind": "sipx", "key": "k", "value": evil},
		"key":          {"kind": "sipx", "key": evil, "value": "v"},
		"colon":        {"kind": "sipx", "key": "k: v", "value": "v"},
		"user to user": {"kind": "sipuui", "value": evil},
		"VoIP value":   {"kind": "voip", "key": "k", "value": evil},
		"VoIP key":     {"kind": "voip", "key": evil, "value": "v"},
		"too long":     {"kind": "sipx", "key": "k", "value": strings.Repeat("v", 257)},
	} {
		t.Run(name, func(t *testing.T) {
			context := []any{custom}
			w.refused(t, 400, "8523", "connection", call, "addParticipant", map[string]any{"targetParticipant": bob, "customCallingContext": context})
			w.refused(t, 400, "8523", "connection", call, "transferCallToParticipant", bob, map[string]any{"customCallingContext": context})
		})
	}
	for name, who := range map[string]map[string]any{"user": user("8:acs:b\r\nX-Evil: yes"), "number": phoneNumber("+1\r\nX-Evil: yes")} {
		t.Run(name, func(t *testing.T) {
			w.refused(t, 400, "8523", "connection", call, "addParticipant", invite(who))
			w.refused(t, 400, "8523", "connection", call, "transferCallToParticipant", who)
			w.refused(t, 400, "8523", "client", "", "createCall", invite(who), w.callback())
		})
	}
	w.refused(t, 400, "8523", "client", "", "createCall", map[string]any{"targetParticipant": bob, "sourceDisplayName": evil}, w.callback())
	status, code, message := w.send(t, "POST", "/calling/callConnections?api-version=2026-03-12",
		`{"callbackUri":"`+w.callback()+`","targets":[{"communicationUser":{"id":"8:acs:bob"}}],"customCallingContext":{"sipHeaders":{"X-a":"x\r\nX-Evil: yes"}}}`)
	if status != 400 || code != "8523" || !strings.Contains(message, "sipHeaders") {
		t.Errorf("createCall: %d %s %s", status, code, message)
	}
}
