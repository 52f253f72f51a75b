package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain lets the test's program be the server, as bench's is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// few is a setting that disturbs nobody.
var few = setting{ServerCore: -1, LoadCore: -1, KeyEvery: time.Second, Rate: 20, JSON: true}

// TestAFewLegs holds some legs for a moment: nothing is lost, every key comes
// back once, and nothing is left behind. A key that is in the sound cannot
// survive a machine that stands still in its middle: then it is tried again.
func TestAFewLegs(t *testing.T) {
	const legs = 10
	for range 4 {
		r, err := few.climb(t.Context(), "hold", []int{legs}, 3*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		h, s, c := r.Steps[0].Heard, r.Story, r.Counts
		if h.Legs != legs || h.All.Packets == 0 || h.All.Lost != 0 || h.All.Duplicates != 0 || s.Mixed != 0 {
			t.Errorf("%d legs heard %d packets, %d lost, %d twice, %d of others", h.Legs, h.All.Packets, h.All.Lost, h.All.Duplicates, s.Mixed)
		}
		checkLeftovers(t, r)
		if c.Concealed+c.Dropped+c.Skipped > 0 {
			t.Logf("the machine stood still: %.0f ticks skipped, %.0f periods concealed, %.0f packets too late", c.Skipped, c.Concealed, c.Dropped)
			continue
		}
		if h.All.Silent != 0 {
			t.Errorf("%d packets of a prompt without a pause are silent", h.All.Silent)
		}
		if s.Pressed < 2*legs || s.Came != s.Pressed || s.Wrong != 0 {
			t.Errorf("%d keys pressed, %d came back, %d others", s.Pressed, s.Came, s.Wrong)
		}
		return
	}
}

// TestAFewCalls lets short calls come and go.
func TestAFewCalls(t *testing.T) {
	r, err := few.churn(t.Context(), 10, 40, 0)
	if err != nil {
		t.Fatal(err)
	}
	checkLeftovers(t, r)
}

// TestEventsOfAFewCalls finds a time for each act.
func TestEventsOfAFewCalls(t *testing.T) {
	c := eventsCmd{setting: few, Legs: 4, Calls: 20, For: time.Second}
	c.Sync = true
	r, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"INVITE → IncomingCall", "answer → CallConnected", "play → PlayStarted", "mute → ParticipantsUpdated", "terminate → CallDisconnected"} {
		if w := r.Calm[name]; w.Count == 0 || w.Median <= 0 {
			t.Errorf("%s: %+v", name, w)
		}
	}
	if n := r.Full["mute → ParticipantsUpdated"].Count; n < 20 || r.Events <= 0 {
		t.Errorf("%d events, %.0f a second", n, r.Events)
	}
	if r.Journal["tipring_journal_commits_total"] == 0 {
		t.Error("nothing was counted of the journal")
	}
}

// TestTheReturnOfAKilledServer: every call of it ends, for the app and for the
// phone.
func TestTheReturnOfAKilledServer(t *testing.T) {
	const legs = 10
	c := restartCmd{setting: few, Legs: legs, Wait: time.Minute}
	r, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := r.Ends; e.Calls != legs || e.Disconnected != legs || e.Byed != legs || e.Failed < legs || r.Left != 0 {
		t.Errorf("%+v, %.0f calls left", e, r.Left)
	}
	if r.Ready < r.Listening || r.Data == 0 {
		t.Errorf("%+v", r)
	}
}

// TestSigningBesideAFewTicks: all that it takes to measure is there.
func TestSigningBesideAFewTicks(t *testing.T) {
	c := rsaCmd{Core: -1, Rooms: 20, Signers: []int{1}, For: 500 * time.Millisecond}
	_, all, err := c.measure(t.Context(), guards)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(guards)+2 {
		t.Errorf("%d measurements", len(all))
	}
	for _, l := range all {
		if l.Ticks == 0 || (l.Signed > 0) != (l.Signers > 0) {
			t.Errorf("%+v", l)
		}
	}
}

// checkLeftovers allows for the connections to the app that are kept open: two
// goroutines and a descriptor for each.
func checkLeftovers(t *testing.T, r result) {
	t.Helper()
	const kept = 10
	if n := r.After.Metrics["tipring_calls"] + r.After.Metrics["tipring_tickers"]; n != 0 {
		t.Errorf("%v calls and rooms are left", n)
	}
	if b, a := r.Before.Metrics["go_goroutines"], r.After.Metrics["go_goroutines"]; a > b+2*kept {
		t.Errorf("%v goroutines became %v", b, a)
	}
	if b, a := r.Before.Descriptors, r.After.Descriptors; a > b+kept || runtime.GOOS == "linux" && b == 0 {
		t.Errorf("%d descriptors became %d", b, a)
	}
}
