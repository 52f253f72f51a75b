package call_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// The Event Grid subscribers are told of a call's life once each: who began it,
// who came and went, how long it took and who ended it. One who declines is
// never said to have been there.
func TestSubscribersAreToldOfACall(t *testing.T) {
	s := newSubscribers()
	s.answered()
	s.command(call.Add{Target: bob})
	s.step(call.LegHappened{Leg: 2, Event: leg.Answered{}})
	s.command(call.Add{Target: carol})
	s.step(call.LegHappened{Leg: 3, Event: leg.Ended{Cause: leg.Declined, ByFarEnd: true}})
	s.step(call.LegHappened{Leg: 2, Event: leg.Ended{ByFarEnd: true}})
	s.now = s.now.Add(time.Minute)
	s.step(call.LegHappened{Leg: 1, Event: leg.Ended{ByFarEnd: true}})
	s.were(t,
		event.IncomingCall{From: alice, To: "8:acs:bot", DisplayName: "Alice", Token: "token"},
		event.CallStarted{StartedBy: alice, TwoParty: true},
		event.ParticipantAdded{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.ParticipantAdded{Participant: bob, StartedBy: alice, TwoParty: true},
		event.ParticipantRemoved{Participant: bob, StartedBy: alice, TwoParty: true},
		event.ParticipantRemoved{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.CallEnded{StartedBy: alice, TwoParty: true, Duration: time.Minute, EndedBy: alice, Reason: event.EndedByCaller},
	)
}

// When the application ends the call, each who was in it is said to have left.
func TestSubscribersAreToldOfAllWhoLeave(t *testing.T) {
	s := newSubscribers()
	s.answered()
	s.command(call.Add{Target: bob})
	s.step(call.LegHappened{Leg: 2, Event: leg.Answered{}})
	s.command(call.HangUp{ForEveryone: true})
	s.step(call.LegHappened{Leg: 1, Event: leg.Ended{}})
	s.step(call.LegHappened{Leg: 2, Event: leg.Ended{}})
	s.were(t,
		event.IncomingCall{From: alice, To: "8:acs:bot", DisplayName: "Alice", Token: "token"},
		event.CallStarted{StartedBy: alice, TwoParty: true},
		event.ParticipantAdded{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.ParticipantAdded{Participant: bob, StartedBy: alice, TwoParty: true},
		event.ParticipantRemoved{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.ParticipantRemoved{Participant: bob, StartedBy: alice, TwoParty: true},
		event.CallEnded{StartedBy: alice, TwoParty: true, Reason: event.EndedByApp},
	)
}

const (
	alice = "8:acs:alice"
	bob   = "8:acs:bob"
	carol = "8:acs:carol"
)

// subscribers are those of Event Grid, and a call they are told of.
type subscribers struct {
	machine call.Machine
	now     time.Time
	told    []event.Body
}

func newSubscribers() *subscribers {
	return &subscribers{machine: call.Machine{ID: "call", Correlation: "correlation"}, now: time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)}
}

func (s *subscribers) step(in call.Input) {
	for _, a := range s.machine.Step(s.now, in) {
		if p, ok := a.(call.Publish); ok && p.Event.Callback == "" {
			s.told = append(s.told, p.Event.Body)
		}
	}
}

func (s *subscribers) ask() call.Ask { return make(chan call.Answered, 1) }

func (s *subscribers) command(c call.Command) {
	s.step(call.Request{Ask: s.ask(), Connection: "connection", Command: c})
}

// answered begins a call of Alice's.
func (s *subscribers) answered() {
	s.step(call.Rang{Leg: 1, Token: "token", Call: leg.Call{From: leg.Party{ID: alice, Display: "Alice"}, To: leg.Party{ID: "8:acs:bot"}}})
	s.step(call.AnswerRequest{Ask: s.ask(), Connection: "connection", Answer: call.Answer{Callback: "http://app/cb"}})
	s.step(call.AnswerDone{Leg: 1})
}

func (s *subscribers) were(t *testing.T, want ...event.Body) {
	t.Helper()
	if !slices.EqualFunc(s.told, want, func(a, b event.Body) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("told\n%+v\nwant\n%+v", s.told, want)
	}
}
