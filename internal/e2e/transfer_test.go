package e2e_test

import (
	"testing"
	"time"
)

// transfer has the app transfer a call.
func (w *world) transfer(t *testing.T, call, context string, target map[string]any, more map[string]any) {
	t.Helper()
	options := map[string]any{"operationContext": context}
	for k, v := range more {
		options[k] = v
	}
	w.must(t, "connection", call, "transferCallToParticipant", target, options)
}

// TestTransfer: the caller is sent to another telephone, and talks to it without
// us. A target that does not come leaves the call as it was.
func TestTransfer(t *testing.T) {
	w := startWorld(t)
	refuses := startCallees(t, "refuses", calls{number: 2, status: 486})
	w.register(t, "engaged", refuses.addr)
	dan := startRegistered(t, w.server, "bob", "manual", hum(8000, bobHz, time.Minute))
	eve := startRegistered(t, w.server, "+15550103", "auto", hum(8000, carolHz, time.Minute))
	p := startPhone(t, caller, hum(8000, aliceHz, time.Minute))

	p.dial(t, called, w.sip)
	call, _ := w.answer(t, "talk")
	w.shows(t, call, aliceID)
	t.Run("busy", func(t *testing.T) {
		w.transfer(t, call, "busy", user("8:acs:engaged"), nil)
		w.says(t, w.await(t, "CallTransferFailed", 10*time.Second, inContext("busy")), "486", "8539")
		closed(t, p) // the call that did not come about
	})
	t.Run("unreachable", func(t *testing.T) {
		w.transfer(t, call, "unreachable", user("8:acs:stranger"), nil)
		w.says(t, w.await(t, "CallTransferFailed", 10*time.Second, inContext("unreachable")), "404", "8544")
	})
	t.Run("to a phone", func(t *testing.T) {
		w.loop(t, call, musicHz)
		p.catches(t, "alice", musicHz) // she is still here
		w.transfer(t, call, "go", bob, map[string]any{"operationCallbackUrl": w.url + "/elsewhere"})
		dan.await(t, "CALL_INCOMING", 10*time.Second)
		w.refused(t, 409, "8607", "connection", call, "transferCallToParticipant", carol)
		dan.tell(t, "accept", "")
		e := w.await(t, "CallTransferAccepted", 10*time.Second, inContext("go"))
		if e.text("path") != "/elsewhere" || e.text("transferTarget.rawId") != bobID || e.text("transferee.rawId") != aliceID {
			t.Errorf("CallTransferAccepted says %v", e.data)
		}
		w.over(t, call, "5001")
		closed(t, p) // her call to us
		p.catches(t, "alice", bobHz)
		dan.catches(t, "bob", aliceHz)
		w.refused(t, 404, "8522", "connection", call, "transferCallToParticipant", bob)
		dan.hangUp(t)
		closed(t, p, dan)
	})
	t.Run("one of a group", func(t *testing.T) {
		p.dial(t, called, w.sip)
		call, _ := w.answer(t, "group")
		w.must(t, "connection", call, "addParticipant", invite(bob))
		dan.pickUp(t)
		w.shows(t, call, aliceID, bobID)
		w.refused(t, 400, "8523", "connection", call, "transferCallToParticipant", carol) // who?
		w.refused(t, 400, "8558", "connection", call, "transferCallToParticipant", carol, map[string]any{"transferee": user("8:acs:stranger")})
		w.transfer(t, call, "still busy", user("8:acs:engaged"), map[string]any{"transferee": bob})
		w.says(t, w.await(t, "CallTransferFailed", 10*time.Second, inContext("still busy")), "486", "8539")
		closed(t, dan)
		w.transfer(t, call, "one", carol, map[string]any{"transferee": bob})
		e := w.await(t, "CallTransferAccepted", 10*time.Second, inContext("one"))
		if e.text("transferee.rawId") != bobID || e.text("transferTarget.rawId") != carolID {
			t.Errorf("CallTransferAccepted says %v", e.data)
		}
		w.shows(t, call, aliceID)
		dan.catches(t, "bob", carolHz)
		eve.catches(t, "carol", bobHz)
		w.loop(t, call, newsHz)
		p.catches(t, "alice", newsHz)
		w.hangs(t, call)
		refuses.wait(t, 10*time.Second)
	})
}
