package call_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
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
