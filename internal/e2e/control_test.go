package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rings has a phone call the app, which does not answer yet.
func (w *world) rings(t *testing.T, p *phone, number string) *event {
	t.Helper()
	p.dial(t, number, w.sip)
	return w.await(t, "IncomingCall", 10*time.Second, nil)
}

// closed waits until these phones have ended a call each.
func closed(t *testing.T, phones ...*phone) {
	t.Helper()
	for _, p := range phones {
		p.await(t, "CALL_CLOSED", 10*time.Second)
	}
}

// TestRedirect: the caller gets another telephone instead of the app, and they
// talk until one of them hangs up.
func TestRedirect(t *testing.T) {
	w := startWorld(t)
	dan := startRegistered(t, w.server, "bob", "manual", hum(8000, bobHz, time.Minute))
	p := startPhone(t, caller, hum(8000, aliceHz, time.Minute))

	for name, end := range map[string]*phone{"the caller ends it": p, "the target ends it": dan} {
		t.Run(name, func(t *testing.T) {
			incoming := w.rings(t, p, called)
			w.must(t, "client", "", "redirectCall", incoming.text("incomingCallContext"), invite(bob))
			w.refused(t, 409, "8519", "client", "", "answerCall", incoming.text("incomingCallContext"), w.callback())
			dan.pickUp(t)
			p.await(t, "CALL_ESTABLISHED", 10*time.Second)
			p.catches(t, "the caller", bobHz)
			dan.catches(t, "the target", aliceHz)
			end.hangUp(t)
			closed(t, p, dan)
		})
	}
	for name, c := range map[string]struct{ who, why string }{
		"busy":        {"bob", "486"},
		"unreachable": {"stranger", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			incoming := w.rings(t, p, called)
			w.must(t, "client", "", "redirectCall", incoming.text("incomingCallContext"), invite(user("8:acs:"+c.who)))
			if c.who == "bob" {
				dan.await(t, "CALL_INCOMING", 10*time.Second)
				dan.hangUp(t)
			}
			if e := p.await(t, "CALL_CLOSED", 10*time.Second); !strings.Contains(e.Param, c.why) {
				t.Errorf("the caller is told %q, want %s", e.Param, c.why)
			}
		})
	}
	// The app never had the call: it hears nothing of it.
	if all := w.came(func(e *event) bool { return e.get("callConnectionId") != nil }); all != nil {
		t.Errorf("the app was sent %v", all)
	}
}

// TestParticipants adds, lists and removes people.
func TestParticipants(t *testing.T) {
	w := startWorld(t)
	dan := startRegistered(t, w.server, "bob", "manual", hum(8000, bobHz, time.Minute))
	p := startPhone(t, caller, hum(8000, aliceHz, time.Minute))
	p.dial(t, called, w.sip)
	call, _ := w.answer(t, "talk")
	w.shows(t, call, aliceID)
	add := func(context string) (invitation string) {
		t.Helper()
		var r struct{ InvitationID string }
		if err := json.Unmarshal(w.must(t, "connection", call, "addParticipant", invite(bob), map[string]any{
			"operationContext": context, "invitationTimeoutInSeconds": 30, "operationCallbackUrl": w.url + "/elsewhere"}), &r); err != nil || r.InvitationID == "" {
			t.Fatalf("addParticipant gave no invitation: %v", err)
		}
		return r.InvitationID
	}

	t.Run("add", func(t *testing.T) {
		add("add")
		w.refused(t, 400, "8559", "connection", call, "addParticipant", invite(bob)) // he rings
		dan.pickUp(t)
		e := w.await(t, "AddParticipantSucceeded", 10*time.Second, inContext("add"))
		if e.text("participant.communicationUserId") != bobID || e.text("path") != "/elsewhere" {
			t.Errorf("AddParticipantSucceeded says %v", e.data)
		}
		w.shows(t, call, aliceID, bobID)
		w.refused(t, 400, "8559", "connection", call, "addParticipant", invite(bob)) // he is there
		p.catches(t, "alice", bobHz)
		dan.catches(t, "bob", aliceHz)
	})
	t.Run("list", func(t *testing.T) {
		var list struct{ Values any }
		if err := json.Unmarshal(w.must(t, "connection", call, "listParticipants"), &list); err != nil {
			t.Fatal(err)
		}
		if got := people(t, list.Values); fmt.Sprint(got) != fmt.Sprint([]string{aliceID, bobID}) {
			t.Errorf("listed are %v", got)
		}
		for _, who := range []map[string]any{alice, bob} {
			one := people(t, []json.RawMessage{w.must(t, "connection", call, "getParticipant", who)})
			if len(one) != 1 || !slices.Contains([]string{aliceID, bobID}, one[0]) {
				t.Errorf("getParticipant of %v gives %v", who, one)
			}
		}
		w.refused(t, 404, "8522", "connection", call, "getParticipant", carol)
	})
	t.Run("remove", func(t *testing.T) {
		w.must(t, "connection", call, "removeParticipant", bob, map[string]any{"operationContext": "remove"})
		closed(t, dan)
		e := w.await(t, "RemoveParticipantSucceeded", 10*time.Second, inContext("remove"))
		if e.text("participant.communicationUserId") != bobID {
			t.Errorf("RemoveParticipantSucceeded says %v", e.data)
		}
		w.shows(t, call, aliceID)
		w.refused(t, 400, "8558", "connection", call, "removeParticipant", bob)
		p.catches(t, "alice") // nobody
	})
	t.Run("take an invitation back", func(t *testing.T) {
		id := add("short")
		dan.await(t, "CALL_INCOMING", 10*time.Second)
		w.must(t, "connection", call, "cancelAddParticipantOperation", id, map[string]any{"operationContext": "back"})
		e := w.await(t, "CancelAddParticipantSucceeded", 10*time.Second, inContext("back"))
		if e.text("invitationId") != id {
			t.Errorf("CancelAddParticipantSucceeded says %v, want invitation %s", e.data, id)
		}
		w.says(t, w.await(t, "AddParticipantFailed", 10*time.Second, inContext("short")), "487", "8542")
		closed(t, dan) // it stops ringing
		w.must(t, "connection", call, "cancelAddParticipantOperation", id, map[string]any{"operationContext": "again"})
		w.says(t, w.await(t, "CancelAddParticipantFailed", 10*time.Second, inContext("again")), "400", "8585")
	})
	t.Run("nobody picks up", func(t *testing.T) {
		w.must(t, "connection", call, "addParticipant", invite(bob), map[string]any{"operationContext": "patience", "invitationTimeoutInSeconds": 1})
		w.says(t, w.await(t, "AddParticipantFailed", 10*time.Second, inContext("patience")), "480", "8541")
		closed(t, dan)
	})
	t.Run("remove the last", func(t *testing.T) {
		w.must(t, "connection", call, "removeParticipant", alice, map[string]any{"operationContext": "all"})
		w.await(t, "RemoveParticipantSucceeded", 10*time.Second, inContext("all"))
		closed(t, p)
		w.over(t, call, "5002")
	})
	if all := w.came(func(e *event) bool { return e.kind == "AddParticipantSucceeded" }); len(all) != 1 {
		t.Errorf("%d were reported as added", len(all))
	}
}

// TestMove takes a participant out of one call into another.
func TestMove(t *testing.T) {
	w := startWorld(t)
	dan := startRegistered(t, w.server, "bob", "auto", hum(8000, bobHz, time.Minute))
	p := startPhone(t, caller, hum(8000, aliceHz, time.Minute))
	p.dial(t, called, w.sip)
	from, _ := w.answer(t, "from")
	to := w.create(t, bob, "to")
	w.up(t, to)
	w.loop(t, from, musicHz)
	p.catches(t, "alice", musicHz)

	w.refused(t, 404, "8522", "connection", "no-such-call", "moveParticipants", []any{alice}, from)
	w.refused(t, 400, "8559", "connection", to, "moveParticipants", []any{bob}, from)
	for name, where := range map[string]string{"no such call": "no-such-call", "not there": from} {
		who := alice
		if where == from {
			who = carol
		}
		w.must(t, "connection", to, "moveParticipants", []any{who}, where, map[string]any{"operationContext": name})
		w.says(t, w.await(t, "MoveParticipantFailed", 10*time.Second, inContext(name)), "400", "8558")
	}

	w.must(t, "connection", to, "moveParticipants", []any{alice}, from, map[string]any{"operationContext": "move"})
	e := w.await(t, "MoveParticipantSucceeded", 10*time.Second, inContext("move"))
	if e.text("participant.phoneNumber") != caller || e.text("callConnectionId") != to {
		t.Errorf("MoveParticipantSucceeded says %v", e.data)
	}
	w.shows(t, to, aliceID, bobID)
	w.over(t, from, "5001")
	p.catches(t, "alice", bobHz)
	dan.catches(t, "bob", aliceHz)
	p.hangUp(t)
	closed(t, p)
	w.shows(t, to, bobID)
	w.hangs(t, to)
	closed(t, dan)
}
