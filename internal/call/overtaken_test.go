package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/leg"
)

// TestTheEndOvertakesTheAnswer: a caller who hangs up in the moment of the
// answer has been answered. Its leg says so in order; the result of the answer
// comes from another goroutine, and may be later than the end.
func TestTheEndOvertakesTheAnswer(t *testing.T) {
	m := call.Machine{ID: "c", Correlation: "k"}
	var told []string
	step := func(in call.Input) {
		for _, a := range m.Step(time.Unix(1e9, 0), in) {
			if p, ok := a.(call.Publish); ok {
				told = append(told, strings.TrimPrefix(fmt.Sprintf("%T", p.Event.Body), "event."))
			}
		}
	}
	step(call.Rang{Leg: 1, Call: leg.Call{From: leg.Party{ID: "8:acs:bob"}, To: leg.Party{ID: "4:+15550100"}}})
	step(call.AnswerRequest{Ask: make(chan call.Answered, 1), Connection: "x", Answer: call.Answer{Callback: "http://app"}})
	step(call.LegHappened{Leg: 1, Event: leg.Answered{}})
	step(call.LegHappened{Leg: 1, Event: leg.Ended{Cause: leg.Normal, ByFarEnd: true}})
	step(call.AnswerDone{Leg: 1})
	got := strings.Join(told, " ")
	if strings.Contains(got, "AnswerFailed") || !strings.Contains(got, "CallConnected") || !strings.Contains(got, "CallDisconnected") {
		t.Errorf("told %s", got)
	}
}
