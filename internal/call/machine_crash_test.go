package call_test

import (
	"bytes"
	"maps"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
)

// lastWord is the kind of operation that an event ends; "" for none.
func lastWord(b event.Body) string {
	switch b.(type) {
	case event.PlayCompleted, event.PlayFailed, event.PlayCanceled:
		return "play"
	case event.RecognizeCompleted, event.RecognizeFailed, event.RecognizeCanceled:
		return "recognize"
	case event.AddSucceeded, event.AddFailed:
		return "add"
	case event.CancelAddSucceeded, event.CancelAddFailed:
		return "cancel-add"
	case event.RemoveSucceeded, event.RemoveFailed:
		return "remove"
	case event.MoveSucceeded, event.MoveFailed:
		return "move"
	case event.TransferAccepted, event.TransferFailed:
		return "transfer"
	case event.TonesSent, event.TonesFailed:
		return "tones"
	}
	return ""
}

// farewell reports whether an event is the last of its connection.
func farewell(b event.Body) bool {
	switch b.(type) {
	case event.CallDisconnected, event.AnswerFailed, event.CreateCallFailed:
		return true
	}
	return false
}

// books are what has been said of a call, as far as it must come out even.
type books struct {
	ended     map[string]int // operation context → last events
	numbers   map[string]uint64
	over      map[string]int // connection → last events
	streams   map[string]int // connection → how many run
	files     map[string]int // recording → how often it was said to be complete
	active    map[string]bool
	present   map[string]int // participant → how often, by Event Grid
	lifetimes int            // CallStarted without CallEnded
}

func newBooks() *books {
	return &books{
		ended: map[string]int{}, numbers: map[string]uint64{}, over: map[string]int{}, streams: map[string]int{},
		files: map[string]int{}, active: map[string]bool{}, present: map[string]int{},
	}
}

// write notes an event, and says what is wrong with it.
func (b *books) write(e event.Event, accepted map[string]string) string {
	if kind := lastWord(e.Body); kind != "" {
		if accepted[e.Context] != kind {
			return "it ends what is no " + kind
		}
		b.ended[e.Context]++
	}
	if e.Connection != "" {
		if b.over[e.Connection] > 0 {
			return "its connection is over"
		}
		if b.numbers[e.Connection]++; e.Seq != b.numbers[e.Connection] {
			return "its number is not the next one"
		}
	}
	if farewell(e.Body) {
		b.over[e.Connection]++
	}
	switch body := e.Body.(type) {
	case event.MediaStreamingStopped, event.MediaStreamingFailed:
		b.streams[e.Connection]--
	case event.RecordingFileReady:
		b.files[body.Recording]++
	case event.RecordingStateChanged:
		b.active[body.Recording] = body.Active
	case event.CallStarted:
		b.lifetimes++
	case event.CallEnded:
		if b.lifetimes--; body.Duration < 0 {
			return "it took less than no time"
		}
	case event.ParticipantAdded:
		b.present[body.Participant]++
	case event.ParticipantRemoved:
		b.present[body.Participant]--
	}
	return ""
}

func (b *books) copy() *books {
	return &books{
		ended: maps.Clone(b.ended), numbers: maps.Clone(b.numbers), over: maps.Clone(b.over), streams: maps.Clone(b.streams),
		files: maps.Clone(b.files), active: maps.Clone(b.active), present: maps.Clone(b.present), lifetimes: b.lifetimes,
	}
}

// crash kills the process at this moment, in a world apart, and starts it again
// from what was kept: everything that was promised must come out even.
func (w *world) crash(when string) {
	memo := w.m.Memo()
	b := w.books.copy()
	for restarts := 0; memo != nil; restarts++ {
		m, err := call.Restore("call", memo)
		if err != nil {
			w.t.Fatalf("%s: %v", when, err)
		}
		if again := m.Memo(); !bytes.Equal(memo, again) {
			w.t.Fatalf("%s: kept\n%s\nrestored\n%s", when, memo, again)
		}
		told := call.Restarted{Files: w.completed()}
		if w.crashes++; restarts == 0 && w.crashes%5 == 0 { // no room on the disk for now
			told.Unfinished = map[string]bool{}
			for id := range told.Files {
				told.Unfinished[id] = true
			}
		}
		for _, a := range m.Step(w.now.Add(time.Duration(w.crashes%3-1)*time.Hour), told) {
			switch a := a.(type) {
			case call.Publish:
				if wrong := b.write(a.Event, w.accepted); wrong != "" {
					w.t.Fatalf("%s: a restart says %T %+v: %s", when, a.Event.Body, a.Event, wrong)
				}
			case call.Finish:
			default:
				w.t.Fatalf("%s: a restart wants %T", when, a)
			}
		}
		if memo = m.Memo(); memo != nil && (restarts > 0 || len(told.Unfinished) == 0) {
			w.t.Fatalf("%s: after the restart there is still %s", when, memo)
		}
	}
	w.even(b, when)
}

// completed are the recordings of which a restart finds a file.
func (w *world) completed() map[string]event.RecordingFileReady {
	files := map[string]event.RecordingFileReady{}
	for id := range w.opened {
		if w.books.files[id] == 0 {
			files[id] = event.RecordingFileReady{Recording: id, Chunks: []event.RecordingChunk{{Document: id + "-0"}}}
		}
	}
	return files
}

// even says what of the books does not come out even. What was asked and not
// answered yet may end or not.
func (w *world) even(b *books, when string) {
	open := map[string]bool{}
	for _, context := range w.asks {
		open[context] = true
	}
	for context, kind := range w.accepted {
		if n := b.ended[context]; n != 1 && (n != 0 || !open[context]) {
			w.t.Fatalf("%s: %s %q ended %d times", when, kind, context, n)
		}
	}
	for id := range w.promised {
		if b.over[id] != 1 {
			w.t.Fatalf("%s: connection %s ended %d times", when, id, b.over[id])
		}
	}
	for id, n := range b.streams {
		if n != 0 {
			w.t.Fatalf("%s: of the streams of %s %d are left", when, id, n)
		}
	}
	for id := range w.recorded {
		if b.files[id] != 1 {
			w.t.Fatalf("%s: recording %s was complete %d times", when, id, b.files[id])
		}
	}
	for id, active := range b.active {
		if active {
			w.t.Fatalf("%s: recording %s is said to go on", when, id)
		}
	}
	for id, n := range b.present {
		if n != 0 {
			w.t.Fatalf("%s: subscribers think that %s is there %d times", when, id, n)
		}
	}
	if b.lifetimes != 0 {
		w.t.Fatalf("%s: the call began %d times more often than it ended", when, b.lifetimes)
	}
}
