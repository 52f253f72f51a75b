package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// A recording lives through its call: what is asked of it at the wrong moment
// is refused by a code of its own.
func TestRecordingIsRefused(t *testing.T) {
	m := call.Machine{ID: "call"}
	var reply error
	step := func(in call.Input) {
		for _, a := range m.Step(time.Now(), in) {
			if r, ok := a.(call.Reply); ok {
				reply = r.Answer.Err
			}
		}
	}
	want := func(what string, code call.Code, in call.Input) {
		t.Helper()
		reply = nil
		step(in)
		if reply == nil || call.CodeOf(reply) != code {
			t.Errorf("%s: %v, want code %d", what, reply, code)
		}
	}
	start := func(id string) call.Input {
		return call.RecordRequest{ID: id, Record: call.Record{Connection: "connection"}}
	}
	turn := func(verb call.RecordingVerb) call.Input { return call.RecordingRequest{ID: "first", Verb: verb} }

	step(call.Rang{Leg: 1, Call: leg.Call{From: leg.Party{ID: "8:acs:alice"}}})
	step(call.AnswerRequest{Connection: "connection", Answer: call.Answer{Callback: "http://app/"}})
	want("before the call stands", call.WrongState, start("early"))
	step(call.AnswerDone{Leg: 1})
	step(start("first"))
	step(call.RecordingOpened{ID: "first"})
	want("a second one", call.Duplicate, start("second"))
	want("resumed while it runs", call.NotPausable, turn(call.ResumeRecording))
	step(turn(call.PauseRecording))
	want("paused twice", call.NotPausable, turn(call.PauseRecording))

	step(call.Request{Connection: "connection", Command: call.HangUp{ForEveryone: true}})
	want("while the call ends", call.Gone, start("late"))
	step(call.LegHappened{Leg: 1, Event: leg.Ended{Cause: leg.Normal}})
	want("after CallDisconnected, while its file is closed", call.NotFound, start("later"))
	want("stopped twice", call.NotFound, turn(call.StopRecording))
	step(call.RecordingClosed{ID: "first", File: event.RecordingFileReady{}})
}

// A recording that breaks is said to be over, once, and its file follows.
func TestRecordingBreaks(t *testing.T) {
	m := call.Machine{ID: "call"}
	var said []string
	step := func(in call.Input) {
		for _, a := range m.Step(time.Now(), in) {
			switch a := a.(type) {
			case call.Publish:
				switch b := a.Event.Body.(type) {
				case event.RecordingStateChanged:
					said = append(said, fmt.Sprintf("active=%v", b.Active))
				case event.RecordingFileReady:
					said = append(said, "file")
				}
			case call.TurnRecording:
				said = append(said, "stop")
			}
		}
	}
	step(call.Rang{Leg: 1, Call: leg.Call{From: leg.Party{ID: "8:acs:alice"}}})
	step(call.AnswerRequest{Connection: "connection", Answer: call.Answer{Callback: "http://app/"}})
	step(call.AnswerDone{Leg: 1})
	step(call.RecordRequest{ID: "tape", Record: call.Record{Connection: "connection", Callback: "http://app/"}})
	step(call.RecordingOpened{ID: "tape"})
	step(call.RecordingBroke{ID: "tape"})
	step(call.RecordingBroke{ID: "tape"})
	step(call.RecordingClosed{ID: "tape", File: event.RecordingFileReady{Recording: "tape"}})
	if got := strings.Join(said, " "); got != "active=true stop active=false file" {
		t.Errorf("%s", got)
	}
}
