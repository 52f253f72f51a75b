package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheLedgerSeesWhatIsWrong: a storm proves nothing by a ledger that is
// blind.
func TestTheLedgerSeesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		attempts string // the first letter of what came, and - for refused, ~ for under way
		want     string // a part of the only fault
	}{
		"as it should be":             {"C U S P D", ""},
		"refused, and sent again":     {"C- C U S- S- S P D", ""},
		"accepted, and sent again":    {"C C U- U U- S P D D", ""},
		"canceled":                    {"C U S X D", ""},
		"canceled before it began":    {"C U X D", ""},
		"completed and canceled":      {"C U S P X D", "events: "},
		"never ended":                 {"C U S D", "events: "},
		"lost":                        {"C S P D", "events: "},
		"lost at the end":             {"C U S P", "events: "},
		"out of order":                {"C U P S D", "events: "},
		"given up":                    {"C U S- P D", "PlayCompleted came, and PlayStarted before it was never accepted"},
		"the last never accepted":     {"C U S P D-", "CallDisconnected was never accepted"},
		"again after its successor":   {"C U S P S D", "PlayStarted came again after PlayCompleted"},
		"after the end":               {"C U S P D D2", "events: "},
		"another, twice":              {"C U S S2 P D", "events: "},
		"older than the one before":   {"C U S P< D", "PlayCompleted is older than PlayStarted"},
		"the sequence falls":          {"C U0 S P D", "ParticipantsUpdated 0 came after 0"},
		"another call's operation":    {"C U S? P D", "PlayStarted has the context"},
		"two at one time":             {"C U S~ P D", "PlayCompleted of call came while PlayStarted was under way"},
		"at somebody else's endpoint": {"C U S! P D", "PlayStarted of call came to another in place of here"},
	} {
		t.Run(name, func(t *testing.T) {
			r := written(c.attempts).report()
			if c.want == "" && len(r.Faults) > 0 || c.want != "" && (len(r.Faults) != 1 || !strings.Contains(r.Faults[0], c.want)) {
				t.Errorf("%q: %q", c.attempts, r.Faults)
			}
			if ends := c.attempts[strings.LastIndexByte(c.attempts, ' ')+1:]; (r.Over == 1) != (strings.HasPrefix(ends, "D") && ends != "D-") {
				t.Errorf("%q: %d over", c.attempts, r.Over)
			}
		})
	}
}

// written is a ledger of one call's attempts.
func written(attempts string) *ledger {
	l := new(ledger)
	began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	kinds := map[byte]string{'C': "CallConnected", 'U': "ParticipantsUpdated", 'S': "PlayStarted", 'P': "PlayCompleted", 'X': "PlayCanceled", 'D': "CallDisconnected"}
	for i, text := range strings.Fields(attempts) {
		said, at := began.Add(time.Duration(i)*time.Second), "here"
		n := note{id: text[:1], kind: kinds[text[0]], lane: "call", sequence: 1, context: "play call"}
		how := text[1:]
		switch how {
		case "2":
			n.id = text
		case "0":
			n.sequence = 0
		case "<":
			said = began
		case "?":
			n.context = "play another"
		case "!":
			at = "another"
		}
		n.said, n.came = said.UnixNano(), said.UnixNano()+5_000_000
		if it, _ := l.arrive(at, n); how != "~" {
			l.settle(it, how != "-")
		} else {
			it.answered = true
		}
	}
	return l
}

func TestACallWithoutAPlay(t *testing.T) {
	for attempts, faults := range map[string]int{"C U D": 0, "C U S P D": 1, "C U X D": 1} {
		l := written(attempts)
		l.silence("here", "call")
		if r := l.report(); r.FaultCount != faults || r.Endpoints["here"].Cut == 0 {
			t.Errorf("%q: %+v", attempts, r)
		}
	}
}

func TestTheLedgerCounts(t *testing.T) {
	l := written("C- C U S P D D")
	r := l.report()
	if a := r.Endpoints["here"]; a.Events != 5 || a.Attempts != 7 || a.Again != 1 || a.P50 != 5 || a.Max != 5 || a.Drained != 6 {
		t.Errorf("%+v", a)
	}
	if callbacks, grid := l.over(); callbacks != 1 || grid != 0 {
		t.Errorf("%d and %d over", callbacks, grid)
	}
}

func TestNoMoodRefusesForEver(t *testing.T) {
	for _, m := range moods {
		var seen []reaction
		for nth := range 12 {
			if r := m.mood.react(nth, patience); !r.accepts() {
				t.Errorf("%s: refused for the third time", m.name)
			}
			seen = append(seen, m.mood.react(nth, 0))
		}
		bad := slices.ContainsFunc(seen, func(r reaction) bool { return r != take })
		if bad == (m.name == "healthy" || m.name == "dead") {
			t.Errorf("%s: %v", m.name, seen)
		}
	}
}

func TestBothKindsOfEventsAreRead(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`[{"id":"1","type":"Microsoft.Communication.PlayStarted","time":"2026-11-01T00:00:00.5+00:00","data":{"callConnectionId":"c","serverCallId":"s","operationContext":"x"}}]`,
			"1 PlayStarted c x 500ms"},
		{`[{"id":"2","eventType":"Microsoft.Communication.CallStarted","eventTime":"2026-11-01T00:00:01Z","data":{"serverCallId":"s"}}]`, "2 CallStarted s  1s"},
	} {
		n, err := read([]byte(c.body))
		got := fmt.Sprint(n.id, " ", n.kind, " ", n.lane, " ", n.context, " ", time.Unix(0, n.said).Sub(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)))
		if err != nil || got != c.want {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}
	for _, bad := range []string{"", "{}", "[]", `[{},{}]`} {
		if _, err := read([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
