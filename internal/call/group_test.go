package call_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// A group is up when the first has called it, though the answer is still on its
// way to them: an application that is there already finds nobody to transfer.
func TestTransferOfNobody(t *testing.T) {
	m := call.Machine{ID: "call", Open: "group.7"}
	answer := make(chan call.Answered, 1)
	ask := func() call.Ask {
		answer = make(chan call.Answered, 1)
		return answer
	}
	carry := func(actions []call.Action) {
		for _, a := range actions {
			if r, ok := a.(call.Reply); ok {
				r.Ask <- r.Answer
			}
		}
	}
	now := time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)
	carry(m.Step(now, call.WalkIn{Leg: 1, Who: leg.Party{ID: "8:acs:alice"}}))
	carry(m.Step(now, call.ConnectRequest{Ask: ask(), Connection: "connection"}))
	if a := <-answer; a.Err != nil {
		t.Fatal(a.Err)
	}
	carry(m.Step(now, call.Request{Ask: ask(), Connection: "connection", Command: call.Transfer{Target: "8:acs:bob"}}))
	var refused *call.Error
	if a := <-answer; !errors.As(a.Err, &refused) || refused.Code != call.Absent {
		t.Errorf("a transfer of nobody: %v", a.Err)
	}
}

// An application that leaves is told how what it began has ended, as far as it
// goes, before its last event; and nothing new begins.
func TestLeaveWithAMoveOnItsWay(t *testing.T) {
	m := call.Machine{ID: "call"}
	var told []event.Body
	var answers []error
	carry := func(in call.Input) {
		for _, a := range m.Step(time.Time{}, in) {
			switch a := a.(type) {
			case call.Reply:
				answers = append(answers, a.Answer.Err)
			case call.Publish:
				if a.Event.Connection == "other" {
					told = append(told, a.Event.Body)
				}
			}
		}
	}
	carry(call.Rang{Leg: 1, Call: leg.Call{From: leg.Party{ID: "8:acs:alice"}}})
	carry(call.AnswerRequest{Connection: "connection"})
	carry(call.AnswerDone{Leg: 1})
	carry(call.ConnectRequest{Connection: "other"})
	carry(call.Request{Connection: "other", Command: call.Move{Targets: []string{"8:acs:bob"}, From: "elsewhere"}})
	carry(call.Request{Connection: "other", Command: call.HangUp{}})
	carry(call.LegArrived{Leg: 2}) // he comes all the same
	if n := len(told); n < 2 || !reflect.DeepEqual(told[n-2:], []event.Body{
		event.MoveFailed{Participant: "8:acs:bob", From: "elsewhere"}, event.CallDisconnected{Reason: event.EndedByApp},
	}) {
		t.Errorf("the connection that left was told %v", told)
	}
	for _, err := range answers {
		if err != nil {
			t.Error(err)
		}
	}
}
