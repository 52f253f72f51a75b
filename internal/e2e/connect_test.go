package e2e_test

import (
	"testing"
	"time"
)

// connect is one more connection to a call, named by kind and id.
func (w *world) connect(t *testing.T, kind, id, context string) (call string) {
	t.Helper()
	call = begun(t, w.must(t, "client", "", "connectCall", map[string]any{"kind": kind, "id": id},
		w.url+"/callbacks/"+context, map[string]any{"operationContext": context}))
	e := w.up(t, call)
	if e.text("operationContext") != context || e.text("path") != "/callbacks/"+context {
		t.Errorf("CallConnected says %v", e.data)
	}
	return call
}

// TestConnect: several connections to one call, each with its own events.
func TestConnect(t *testing.T) {
	w := startWorld(t)
	p, first := speak(t, w)
	w.shows(t, first, aliceID)
	begin := w.await(t, "CallStarted", 5*time.Second, nil)
	server := begin.text("serverCallId")

	second := w.connect(t, "serverCallLocator", server, "second")
	w.shows(t, second, aliceID)
	third := w.connect(t, "serverCallLocator", server, "third")
	if first == second || second == third {
		t.Fatal("two connections have one id")
	}
	file := w.prompt(t, "short.wav", tone(8000, 440, 200*time.Millisecond))
	w.must(t, "media", second, "playToAll", []any{file}, map[string]any{"operationContext": "mine"})
	if e := w.await(t, "PlayCompleted", 5*time.Second, inContext("mine")); e.text("callConnectionId") != second || e.text("path") != "/callbacks/second" {
		t.Errorf("PlayCompleted says %v", e.data)
	}

	w.must(t, "connection", second, "hangUp", false) // it leaves, the others stay
	w.over(t, second, "7000")
	w.refused(t, 404, "8522", "connection", second, "getCallConnectionProperties")
	w.must(t, "media", third, "playToAll", []any{file}, map[string]any{"operationContext": "still"})
	w.await(t, "PlayCompleted", 5*time.Second, inContext("still"))

	w.must(t, "connection", third, "hangUp", true) // for all
	w.over(t, first, "7000")
	w.over(t, third, "7000")
	closed(t, p)
	for call, played := range map[string]int{first: 0, second: 1, third: 1} {
		if all := w.came(func(e *event) bool { return e.kind == "PlayCompleted" && of(call)(e) }); len(all) != played {
			t.Errorf("a connection was told of %d plays, has played %d", len(all), played)
		}
	}
	w.refused(t, 404, "8522", "client", "", "connectCall", map[string]any{"kind": "serverCallLocator", "id": server}, w.callback())
}

// TestGroup: telephones enter a group by calling it; an app joins them, and when
// it leaves they go on.
func TestGroup(t *testing.T) {
	w := startWorld(t)
	for kind, name := range map[string]string{"groupCallLocator": "group.choir", "roomCallLocator": "room.42"} {
		t.Run(kind, func(t *testing.T) {
			id := name[len(name)-len("choir"):]
			if kind == "roomCallLocator" {
				id = "42"
			}
			w.refused(t, 404, "8522", "client", "", "connectCall", map[string]any{"kind": kind, "id": id}, w.callback())
			p := startPhone(t, caller, hum(8000, aliceHz, time.Minute))
			p.dial(t, name, w.sip)
			p.await(t, "CALL_ESTABLISHED", 10*time.Second)
			call := w.connect(t, kind, id, "one-"+id)
			w.shows(t, call, aliceID)
			dan := startPhone(t, "+15550102", hum(8000, bobHz, time.Minute))
			dan.dial(t, name, w.sip)
			w.shows(t, call, aliceID, "4:+15550102")
			p.catches(t, "one", bobHz)
			dan.catches(t, "the other", aliceHz)

			other := w.connect(t, kind, id, "two-"+id)
			w.must(t, "connection", other, "hangUp", false)
			w.over(t, other, "7000")
			w.must(t, "connection", call, "hangUp", false)
			w.over(t, call, "7000")
			p.catches(t, "one", bobHz) // they talk on
			dan.catches(t, "the other", aliceHz)

			again := w.connect(t, kind, id, "again-"+id)
			w.must(t, "connection", again, "hangUp", true)
			w.over(t, again, "7000")
			closed(t, p, dan)
		})
	}
}

// TestLeave: when the app leaves a call of two, they talk on; the call ends with
// one of them.
func TestLeave(t *testing.T) {
	w := startWorld(t)
	dan := startRegistered(t, w.server, "bob", "auto", hum(8000, bobHz, time.Minute))
	eve := startRegistered(t, w.server, "+15550103", "auto", hum(8000, carolHz, time.Minute))
	call := w.createGroup(t, "two", bob, carol)
	w.shows(t, call, bobID, carolID)
	w.must(t, "connection", call, "hangUp", false)
	w.over(t, call, "7000")
	dan.catches(t, "bob", carolHz)
	eve.catches(t, "carol", bobHz)
	dan.hangUp(t)
	closed(t, dan, eve)
	if n := w.counted(t, "tipring_calls", ""); n == 0 {
		t.Error("no calls were counted")
	}
	eventually(t, 5*time.Second, "the call's end", func() bool { return w.metrics(t)["tipring_calls"] == 0 })
}
