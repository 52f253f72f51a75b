package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// number is another telephone's.
const number = "+15550177"

// invite is a CallInvite as the SDK takes it.
func invite(who map[string]any) map[string]any { return map[string]any{"targetParticipant": who} }

// begun gives the connection that createCall, createGroupCall or connectCall
// has made.
func begun(t *testing.T, result json.RawMessage) string {
	t.Helper()
	var r struct {
		CallConnectionProperties struct{ CallConnectionID string }
	}
	if err := json.Unmarshal(result, &r); err != nil || r.CallConnectionProperties.CallConnectionID == "" {
		t.Fatalf("no connection in %s: %v", result, err)
	}
	return r.CallConnectionProperties.CallConnectionID
}

// create calls somebody.
func (w *world) create(t *testing.T, who map[string]any, context string) (call string) {
	t.Helper()
	return begun(t, w.must(t, "client", "", "createCall", invite(who), w.callback(), map[string]any{"operationContext": context}))
}

// createGroup calls several.
func (w *world) createGroup(t *testing.T, context string, who ...any) (call string) {
	t.Helper()
	return begun(t, w.must(t, "client", "", "createGroupCall", who, w.callback(), map[string]any{"operationContext": context}))
}

// up waits until a connection is connected.
func (w *world) up(t *testing.T, call string) *event {
	t.Helper()
	return w.await(t, "CallConnected", 10*time.Second, of(call))
}

// over waits until a connection is disconnected, for this reason, and wants its
// events in order.
func (w *world) over(t *testing.T, call, subCode string) *event {
	t.Helper()
	e := w.await(t, "CallDisconnected", 10*time.Second, of(call))
	w.says(t, e, "200", subCode)
	checkOrder(t, w.app, call)
	return e
}

// says wants an event to have this result.
func (w *world) says(t *testing.T, e *event, code, subCode string) {
	t.Helper()
	if e.text("resultInformation.code") != code || e.text("resultInformation.subCode") != subCode {
		t.Errorf("%s says %v, want %s/%s", e.kind, e.get("resultInformation"), code, subCode)
	}
}

// hangs has the app end a call for everybody, and waits until it has.
func (w *world) hangs(t *testing.T, call string) {
	t.Helper()
	w.must(t, "connection", call, "hangUp", true)
	w.over(t, call, "7000")
}

// loop plays a steady tone into a call, until it is canceled.
func (w *world) loop(t *testing.T, call string, hz int) {
	t.Helper()
	w.must(t, "media", call, "playToAll", []any{w.prompt(t, "loop.wav", hum(8000, hz, 400*time.Millisecond))}, map[string]any{"loop": true})
}

// TestCreateCall calls telephones that are registered: one, and several.
func TestCreateCall(t *testing.T) {
	w := startWorld(t)
	dan := startRegistered(t, w.server, "bob", "manual", hum(8000, bobHz, time.Minute))
	eve := startRegistered(t, w.server, "+15550103", "auto", hum(8000, carolHz, time.Minute))

	t.Run("one", func(t *testing.T) {
		call := w.create(t, bob, "one")
		if state := string(w.must(t, "connection", call, "getCallConnectionProperties")); !strings.Contains(state, `"connecting"`) {
			t.Errorf("while it rings the call is %s", state)
		}
		dan.pickUp(t)
		if e := w.up(t, call); e.text("operationContext") != "one" {
			t.Errorf("CallConnected says %v", e.data)
		}
		w.shows(t, call, bobID)
		w.loop(t, call, musicHz)
		dan.catches(t, "bob", musicHz)
		w.must(t, "media", call, "cancelAllOperations")
		dan.hangUp(t)
		dan.await(t, "CALL_CLOSED", 5*time.Second)
		w.over(t, call, "540000")
	})
	t.Run("by number", func(t *testing.T) {
		call := begun(t, w.must(t, "client", "", "createCall", map[string]any{
			"targetParticipant": carol, "sourceCallIdNumber": phoneNumber(caller), "sourceDisplayName": "The bank"}, w.callback()))
		w.up(t, call)
		if line := eve.await(t, "CALL_ESTABLISHED", 5*time.Second); !strings.Contains(line.PeerURI, caller) || line.PeerDisplayName != "The bank" {
			t.Errorf("the phone is called by %+v", line)
		}
		w.loop(t, call, newsHz)
		eve.catches(t, "carol", newsHz)
		w.hangs(t, call)
		eve.await(t, "CALL_CLOSED", 5*time.Second)
	})
	t.Run("group", func(t *testing.T) {
		call := w.createGroup(t, "both", bob, carol)
		w.up(t, call)
		w.shows(t, call, carolID) // she is there, he still rings
		dan.pickUp(t)
		w.shows(t, call, bobID, carolID)
		dan.catches(t, "bob", carolHz)
		eve.catches(t, "carol", bobHz)
		w.hangs(t, call)
		dan.await(t, "CALL_CLOSED", 5*time.Second)
	})
	t.Run("canceled", func(t *testing.T) {
		call := w.create(t, bob, "never mind")
		dan.await(t, "CALL_INCOMING", 10*time.Second)
		w.must(t, "connection", call, "hangUp", true)
		w.says(t, w.await(t, "CreateCallFailed", 5*time.Second, of(call)), "487", "8542")
		dan.await(t, "CALL_CLOSED", 5*time.Second)
	})
	t.Run("two phones of one name", func(t *testing.T) {
		twin := startRegistered(t, w.server, "bob", "manual", hum(8000, aliceHz, time.Minute))
		call := w.create(t, bob, "twins")
		dan.await(t, "CALL_INCOMING", 10*time.Second)
		twin.pickUp(t)
		w.up(t, call)
		dan.await(t, "CALL_CLOSED", 5*time.Second) // it stops ringing
		w.shows(t, call, bobID)
		w.loop(t, call, musicHz)
		twin.catches(t, "the twin", musicHz)
		w.hangs(t, call)
		twin.await(t, "CALL_CLOSED", 5*time.Second)
	})
}

// TestCallsThatFail: a call that nobody takes says why, and nothing else; an
// invitation to a call likewise.
func TestCallsThatFail(t *testing.T) {
	w := startWorld(t)
	declines := startCallees(t, "refuses", calls{number: 3, status: 603})
	w.register(t, "decliner", declines.addr)
	engaged := startRegistered(t, w.server, "engaged", "manual", silence(8000, time.Second))
	p, call := speak(t, w)
	for _, c := range []struct {
		name, who, code, subCode string
	}{
		{"declined", "decliner", "603", "8538"},
		{"busy", "engaged", "486", "8539"},
		{"unreachable", "stranger", "404", "8544"},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := user("8:acs:" + c.who)
			mine := w.create(t, who, c.name)
			w.must(t, "connection", call, "addParticipant", invite(who), map[string]any{"operationContext": c.name})
			if c.who == "engaged" {
				for range 2 {
					engaged.await(t, "CALL_INCOMING", 10*time.Second)
					engaged.hangUp(t)
					engaged.await(t, "CALL_CLOSED", 10*time.Second)
				}
			}
			w.says(t, w.await(t, "CreateCallFailed", 10*time.Second, of(mine)), c.code, c.subCode)
			e := w.await(t, "AddParticipantFailed", 10*time.Second, inContext(c.name))
			w.says(t, e, c.code, c.subCode)
			if e.text("participant.communicationUserId") != "8:acs:"+c.who {
				t.Errorf("AddParticipantFailed says %v", e.data)
			}
			if all := w.came(of(mine)); len(all) != 1 {
				t.Errorf("the call that failed has the events %v", all)
			}
			w.refused(t, 404, "8522", "connection", mine, "getCallConnectionProperties")
		})
	}
	t.Run("several", func(t *testing.T) { // one comes: the others do not matter
		eve := startRegistered(t, w.server, "+15550103", "auto", silence(8000, time.Second))
		mine := w.createGroup(t, "several", user("8:acs:decliner"), user("8:acs:stranger"), carol)
		w.up(t, mine)
		w.shows(t, mine, carolID)
		declines.wait(t, 10*time.Second)
		eve.hangUp(t)
		w.over(t, mine, "540000")
	})
	p.hangUp(t)
	w.over(t, call, "540000")
	if all := w.came(func(e *event) bool { return e.kind == "AddParticipantSucceeded" }); all != nil {
		t.Errorf("%d were reported as added", len(all))
	}
}

// TestTrunk calls numbers that nobody is registered under: they go to the trunk,
// which wants to know who calls. What is played comes back from there.
func TestTrunk(t *testing.T) {
	for name, status := range map[string]int{"401": 401, "407": 407} {
		t.Run(name, func(t *testing.T) {
			trunk := startCallees(t, "trunk", calls{status: status, options: []string{"-rtp_echo"}})
			w := startWorld(t, "--trunk=sip:house:secret@"+trunk.addr)
			call := begun(t, w.must(t, "client", "", "createCall", map[string]any{
				"targetParticipant": phoneNumber(number), "sourceCallIdNumber": phoneNumber(caller)}, w.callback()))
			w.up(t, call)
			w.shows(t, call, "4:"+number)
			w.must(t, "media", call, "startContinuousDtmfRecognition", phoneNumber(number), map[string]any{"operationContext": "echo"})
			w.must(t, "media", call, "playToAll", []any{w.prompt(t, "keys.wav",
				silence(8000, 300*time.Millisecond).then(keys(8000, "42#", 150*time.Millisecond, 150*time.Millisecond)))})
			for _, want := range []string{"four", "two", "pound"} {
				if e := w.await(t, "ContinuousDtmfRecognitionToneReceived", 10*time.Second, inContext("echo")); e.text("tone") != want {
					t.Errorf("%s came back for %s", e.text("tone"), want)
				}
			}
			w.hangs(t, call)
			trunk.wait(t, 10*time.Second)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		trunk := startCallees(t, "trunk", calls{status: 401})
		w := startWorld(t, "--trunk=sip:house:guess@"+trunk.addr)
		call := w.create(t, phoneNumber(number), "wrong")
		w.says(t, w.await(t, "CreateCallFailed", 10*time.Second, of(call)), "603", "8538")
	})
}

// shows waits for a ParticipantsUpdated of a connection; see party.shows.
func (w *world) shows(t *testing.T, call string, who ...string) {
	t.Helper()
	(&party{world: w, call: call}).shows(t, who...)
}

// catches waits until a phone hears these tones and no others: in two ears'
// time, one after the other.
func (p *phone) catches(t *testing.T, who string, hz ...int) {
	t.Helper()
	begin := p.now()
	last := "nothing"
	found := within(8*time.Second, func() bool {
		all := p.since(begin)
		n := all.length()
		if n < 2*ear {
			return false
		}
		one, two := all.between(n-2*ear, n-ear), all.between(n-ear, n)
		last = pitchesIn(two)
		return pure(one, hz) && pure(two, hz)
	})
	if !found {
		t.Errorf("%s hears %s, want %v", who, last, hz)
	}
}
