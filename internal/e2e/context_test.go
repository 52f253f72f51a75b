package e2e_test

import (
	"fmt"
	"maps"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// customHeaders are the User-To-User and X- headers of the first INVITE to user
// in a trace of sipp's; nil if there is none.
func customHeaders(t *testing.T, trace, user string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	_, message, ok := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "INVITE sip:"+user+"@")
	if !ok {
		return nil
	}
	head, _, _ := strings.Cut(message, "\n\n")
	found := map[string]string{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		if name = textproto.TrimString(name); strings.EqualFold(name, "User-To-User") || strings.HasPrefix(strings.ToUpper(name), "X-") {
			found[name] = textproto.TrimString(value)
		}
	}
	return found
}

// TestCustomContext follows an app's own headers: those of a caller to the app,
// those of the app to a telephone and to a trunk.
func TestCustomContext(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "messages.log")
	callees := startCallees(t, "answers", calls{number: 2, options: []string{"-trace_msg", "-message_file", trace}})
	w := startWorld(t, "--trunk=sip:"+callees.addr)
	w.register(t, "dora", callees.addr)

	_, port := newLine(t)
	caller := startCallers(t, w.server, "plain", calls{options: []string{"-key", "audio", port}})
	call, incoming := w.answer(t, "context")
	for name, want := range map[string]map[string]any{
		"sipHeaders":  {"userToUser": "616d617a6f6e5f6368696;encoding=hex", "X-MS-Custom-Account": "35567842", "X-Language": "cy"},
		"voipHeaders": {"tier": "gold"},
	} {
		if got, _ := incoming.get("customContext." + name).(map[string]any); !maps.Equal(got, want) {
			t.Errorf("customContext.%s of IncomingCall is %v, want %v", name, got, want)
		}
	}

	custom := []any{
		map[string]any{"kind": "sipuui", "key": "", "value": "56a390f3;encoding=hex"},
		map[string]any{"kind": "sipx", "key": "Queue", "value": "billing, second line: \"§\""},
		map[string]any{"kind": "sipx", "key": "Agent", "value": "7", "sipHeaderPrefix": "X-"},
		map[string]any{"kind": "voip", "key": "tier", "value": "gold"},
	}
	add := func(who map[string]any, context string, custom []any) {
		w.must(t, "connection", call, "addParticipant", map[string]any{"targetParticipant": who, "customCallingContext": custom}, map[string]any{"operationContext": context})
		w.await(t, "AddParticipantSucceeded", 10*time.Second, inContext(context))
	}
	add(user("8:acs:dora"), "telephone", custom)
	add(phoneNumber("+15550150"), "trunk", custom)
	var six []any
	for i := range 6 {
		six = append(six, map[string]any{"kind": "sipx", "key": fmt.Sprint("k", i), "value": "v"})
	}
	for name, custom := range map[string][]any{
		"line break":           {map[string]any{"kind": "sipx", "key": "Queue", "value": "x\r\nX-Evil: 1"}},
		"line break in a name": {map[string]any{"kind": "sipx", "key": "Queue: x\r\nX-Evil", "value": "1"}},
		"line break for users": {map[string]any{"kind": "voip", "key": "tier", "value": "x\r\nX-Evil: 1"}},
		"long value":           {map[string]any{"kind": "sipx", "key": "Queue", "value": strings.Repeat("x", 257)}},
		"too many":             six,
	} {
		t.Run(name, func(t *testing.T) {
			w.refused(t, 400, "8523", "connection", call, "addParticipant", map[string]any{"targetParticipant": user("8:acs:dora"), "customCallingContext": custom})
		})
	}
	w.must(t, "connection", call, "hangUp", true)
	w.await(t, "CallDisconnected", 5*time.Second, of(call))
	caller.wait(t, 10*time.Second)
	callees.wait(t, 10*time.Second)

	sip := map[string]string{"User-To-User": "56a390f3;encoding=hex", "X-MS-Custom-Queue": "billing, second line: \"§\"", "X-Agent": "7"}
	if got := customHeaders(t, trace, "+15550150"); !maps.Equal(got, sip) {
		t.Errorf("the trunk got %v, want %v", got, sip)
	}
	sip["X-MS-VoIP-tier"] = "gold"
	if got := customHeaders(t, trace, "dora"); !maps.Equal(got, sip) {
		t.Errorf("the telephone got %v, want %v", got, sip)
	}
}

// TestGridOfACall: the Event Grid subscribers hear when a call begins and ends,
// and who comes and goes; never of somebody who did not come.
func TestGridOfACall(t *testing.T) {
	w := startWorld(t)
	shy := startRegistered(t, w.server, "bob", "manual", silence(8000, time.Second))
	startRegistered(t, w.server, "+15550103", "auto", silence(8000, time.Second))
	for _, c := range []struct {
		name, reason string
		end          func(p *phone, call string)
	}{
		{"hung up by the caller", "540000", func(p *phone, _ string) { p.hangUp(t) }},
		{"ended by the app", "7000", func(_ *phone, call string) { w.must(t, "connection", call, "hangUp", true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, call := speak(t, w)
			began := time.Now()
			add := func(who map[string]any, outcome string) {
				w.must(t, "connection", call, "addParticipant", map[string]any{"targetParticipant": who}, map[string]any{"operationContext": outcome})
				if outcome == "AddParticipantFailed" {
					shy.await(t, "CALL_INCOMING", 10*time.Second)
					shy.hangUp(t)
				}
				w.await(t, outcome, 10*time.Second, inContext(outcome))
			}
			add(bob, "AddParticipantFailed")
			add(carol, "AddParticipantSucceeded")
			w.must(t, "connection", call, "removeParticipant", carol, map[string]any{"operationContext": "remove"})
			w.await(t, "RemoveParticipantSucceeded", 5*time.Second, inContext("remove"))
			c.end(p, call)
			last := w.await(t, "CallDisconnected", 5*time.Second, of(call))
			w.await(t, "CallEnded", 5*time.Second, nil)
			w.checkGrid(t, last.text("serverCallId"), last.text("correlationId"), c.reason, time.Since(began))
		})
	}
}

// checkGrid wants the life of a call in which Alice called, bob declined, and
// carol came and went.
func (w *world) checkGrid(t *testing.T, server, correlation, reason string, lasted time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var life []string
	var end *event
	for _, e := range w.events {
		if e.grid == nil || e.text("serverCallId") != server {
			continue
		}
		end = e
		life = append(life, strings.TrimSpace(e.kind+" "+e.text("participantId")))
		if e.text("correlationId") != correlation || e.grid["topic"] == "" || e.grid["id"] == "" || e.grid["dataVersion"] != "1.0" {
			t.Errorf("%s came as %v", e.kind, e.grid)
		}
		if at, _ := e.grid["eventTime"].(string); len(at) != len("2026-09-15T11:36:07.9937574Z") {
			t.Errorf("%s came at %q", e.kind, at)
		}
		if e.kind != "IncomingCall" && (e.text("startedBy.rawId") != aliceID || e.text("startedBy.communicationIdentifier.phoneNumber.value") != caller || e.get("isTwoParty") != true || e.get("isRoomsCall") != false) {
			t.Errorf("%s says %v", e.kind, e.data)
		}
		if who := e.text("participantId"); who != "" && (e.text("user.rawId") != who || e.text("user.communicationIdentifier.rawId") != who || !strings.HasSuffix(fmt.Sprint(e.grid["subject"]), who)) {
			t.Errorf("%s of %s says %v, of the subject %v", e.kind, who, e.get("user"), e.grid["subject"])
		}
	}
	want := []string{"IncomingCall", "CallStarted", "CallParticipantAdded " + aliceID, "CallParticipantAdded " + carolID,
		"CallParticipantRemoved " + carolID, "CallParticipantRemoved " + aliceID, "CallEnded"}
	if !slices.Equal(life, want) {
		t.Fatalf("the subscribers heard %q, want %q", life, want)
	}
	by := map[string]string{"540000": aliceID, "7000": ""}[reason] // the app is no participant
	if end.text("endedBy.communicationIdentifier.rawId") != by || end.text("reason.code") != "200" || end.text("reason.subCode") != reason {
		t.Errorf("CallEnded says %v", end.data)
	}
	for _, name := range []string{"durationOfCall", "callDurationInSeconds"} {
		if got, _ := end.get(name).(float64); got <= 0 || got > lasted.Seconds()+1 {
			t.Errorf("CallEnded %s is %v of a call of %v", name, got, lasted)
		}
	}
}
