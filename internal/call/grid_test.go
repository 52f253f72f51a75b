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
	m := call.Machine{ID: "call", Correlation: "correlation"}
	now := time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	var told []event.Body
	step := func(in call.Input) {
		for _, a := range m.Step(now, in) {
			if p, ok := a.(call.Publish); ok && p.Event.Callback == "" {
				told = append(told, p.Event.Body)
			}
		}
	}
	ask := func() call.Ask { return make(chan call.Answered, 1) }
	alice, bob, carol := "8:acs:alice", "8:acs:bob", "8:acs:carol"
	add := func(target string) {
		step(call.Request{Ask: ask(), Connection: "connection", Command: call.Add{Target: target}})
	}

	step(call.Rang{Leg: 1, Token: "token", Call: leg.Call{From: leg.Party{ID: alice, Display: "Alice"}, To: leg.Party{ID: "8:acs:bot"}}})
	step(call.AnswerRequest{Ask: ask(), Connection: "connection", Answer: call.Answer{Callback: "http://app/cb"}})
	step(call.AnswerDone{Leg: 1})
	add(bob)
	step(call.LegHappened{Leg: 2, Event: leg.Answered{}})
	add(carol)
	step(call.LegHappened{Leg: 3, Event: leg.Ended{Cause: leg.Declined, ByFarEnd: true}})
	step(call.LegHappened{Leg: 2, Event: leg.Ended{ByFarEnd: true}})
	now = now.Add(time.Minute)
	step(call.LegHappened{Leg: 1, Event: leg.Ended{ByFarEnd: true}})

	want := []event.Body{
		event.IncomingCall{From: alice, To: "8:acs:bot", DisplayName: "Alice", Token: "token"},
		event.CallStarted{StartedBy: alice, TwoParty: true},
		event.ParticipantAdded{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.ParticipantAdded{Participant: bob, StartedBy: alice, TwoParty: true},
		event.ParticipantRemoved{Participant: bob, StartedBy: alice, TwoParty: true},
		event.ParticipantRemoved{Participant: alice, StartedBy: alice, Display: "Alice", TwoParty: true},
		event.CallEnded{StartedBy: alice, TwoParty: true, Duration: time.Minute, EndedBy: alice, Reason: event.EndedByCaller},
	}
	if !slices.EqualFunc(told, want, func(a, b event.Body) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("told\n%+v\nwant\n%+v", told, want)
	}
}
