package call_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// world carries out a machine's actions as a network, a room and applications
// would, at random, and holds the machine to its promises.
type world struct {
	t       *rapid.T
	m       call.Machine
	now     time.Time
	pending []call.Input // what the world owes the machine, in any order

	asks       map[chan call.Answered]string
	accepted   map[string]string // operation context → kind
	promised   map[string]bool   // connections
	recorded   map[string]bool   // recordings that an application knows of
	books      *books
	crashes    int
	memo       []byte
	plugged    map[call.LegID]bool
	opened     map[string]bool // recordings
	finished   bool
	updates    map[string]int // per connection: the last sequence number
	contexts   int
	recordings int
	connected  map[string]bool // connections that "connect" has made
	lastLeg    call.LegID
}

func newWorld(t *rapid.T) *world {
	return &world{
		t: t, m: call.Machine{ID: "call", Correlation: "correlation"},
		now:  time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC),
		asks: map[chan call.Answered]string{}, books: newBooks(),
		accepted: map[string]string{}, promised: map[string]bool{}, recorded: map[string]bool{},
		plugged: map[call.LegID]bool{}, opened: map[string]bool{}, updates: map[string]int{},
		connected: map[string]bool{}, lastLeg: 1,
	}
}

func (w *world) step(in call.Input) {
	if w.finished {
		w.t.Fatalf("input %T after Finish", in)
	}
	actions := w.m.Step(w.now, in)
	var later []call.Action
	heard := 0
	for _, a := range actions { // as Call does it: what is heard, what is kept, and then the rest
		switch p, told := a.(call.Publish); {
		case told:
			w.published(p.Event)
		case call.OnlyHeard(a):
			heard++
			w.carryOut(a, false)
		default:
			if s, ok := a.(call.OpenStream); ok {
				w.books.streams[s.Connection]++
			}
			later = append(later, a)
		}
	}
	memo := w.m.Memo()
	if heard == len(actions) && !bytes.Equal(memo, w.memo) {
		w.t.Fatalf("%T is not kept, and changes\n%s\ninto\n%s", in, w.memo, memo)
	}
	w.memo = memo
	if len(actions) == 0 {
		return
	}
	if slices.ContainsFunc(later, func(a call.Action) bool { _, ok := a.(call.Reply); return ok }) {
		w.crash(fmt.Sprintf("killed when %T was kept", in))
	}
	for i, a := range later {
		w.carryOut(a, i == len(later)-1)
	}
	w.check()
	w.crash(fmt.Sprintf("killed after %T", in))
}

func (w *world) carryOut(a call.Action, last bool) {
	switch a := a.(type) {
	case call.AnswerLeg:
		var err error
		if w.chance(10, "answer fails") {
			err = errors.New("no ACK")
		}
		w.owe(call.AnswerDone{Leg: a.Leg, Err: err})
	case call.HangupLeg:
		if !w.chance(10, "leg never confirms") {
			w.owe(call.LegHappened{Leg: a.Leg, Event: leg.Ended{Cause: a.Cause}})
		}
	case call.DialLeg:
		w.lastLeg = max(w.lastLeg, a.Leg)
		if w.chance(20, "nobody of that name") {
			w.owe(call.LegArrived{Leg: a.Leg, Err: errors.New("unknown")})
			break
		}
		w.owe(call.LegArrived{Leg: a.Leg})
		if w.chance(50, "answers") {
			w.owe(call.LegHappened{Leg: a.Leg, Event: leg.Answered{}})
		} else if w.chance(50, "declines") {
			w.owe(call.LegHappened{Leg: a.Leg, Event: leg.Ended{Cause: leg.Declined, ByFarEnd: true}})
		} // else it rings until it times out
	case call.TakeLeg:
		w.lastLeg = max(w.lastLeg, a.Leg)
		in := call.LegArrived{Leg: a.Leg}
		if w.chance(30, "not there") {
			in.Err = errors.New("absent")
		}
		w.owe(in)
	case call.GiveLeg:
		delete(w.plugged, a.Leg)
		a.Ask <- call.Answered{}
	case call.TransferLeg:
		w.owe(call.LegHappened{Leg: a.Leg, Event: leg.Transferred{OK: w.chance(50, "transfer works"), Cause: leg.Busy}})
	case call.SendDigits:
		w.owe(call.LegHappened{Leg: a.Leg, Event: leg.DigitsSent{}})
	case call.Adjust:
		if !w.plugged[a.Leg] {
			w.t.Fatalf("leg %d is adjusted outside the room", a.Leg)
		}
	case call.Plug:
		if w.plugged[a.Leg] {
			w.t.Fatalf("leg %d is plugged in twice", a.Leg)
		}
		w.plugged[a.Leg] = true
	case call.Unplug:
		delete(w.plugged, a.Leg)
	case call.Load:
		in := call.Loaded{Op: a.Op}
		if w.chance(20, "prompt is missing") {
			in.Err = errors.New("not found")
		}
		w.owe(in)
	case call.StartPlay:
		if !a.Loop {
			w.owe(call.PlayEnded{Op: a.Op})
		}
	case call.OpenStream:
		if w.chance(30, "websocket unreachable") {
			w.owe(call.StreamDown{Connection: a.Connection, Err: errors.New("refused")})
		} else {
			w.owe(call.StreamUp{Connection: a.Connection})
		}
	case call.CloseStream:
		w.owe(call.StreamDown{Connection: a.Connection})
	case call.OpenRecording:
		in := call.RecordingOpened{Ask: a.Ask, ID: a.ID}
		if w.chance(20, "disk is full") {
			in.Err = errors.New("disk full")
		} else {
			w.opened[a.ID] = true
		}
		w.owe(in)
		if in.Err == nil && w.chance(20, "disk becomes full") {
			w.owe(call.RecordingBroke{ID: a.ID})
		}
	case call.TurnRecording:
		if a.Verb == call.StopRecording {
			w.owe(call.RecordingClosed{ID: a.ID, File: event.RecordingFileReady{Recording: a.ID}})
		}
	case call.Reply:
		select {
		case a.Ask <- a.Answer:
		default:
			w.t.Fatal("a question was answered twice")
		}
	case call.Finish:
		if !last {
			w.t.Fatal("an action came after Finish")
		}
		w.finished = true
	}
}

func (w *world) owe(in call.Input)             { w.pending = append(w.pending, in) }
func (w *world) chance(pct int, s string) bool { return rapid.IntRange(1, 100).Draw(w.t, s) <= pct }

// published holds an event against the promises: numbered without a gap,
// nothing after CallDisconnected, one end for each operation.
func (w *world) published(e event.Event) {
	if wrong := w.books.write(e, w.accepted); wrong != "" {
		w.t.Fatalf("%T %+v: %s", e.Body, e, wrong)
	}
	if w.books.ended[e.Context] > 1 {
		w.t.Fatalf("%q ended twice", e.Context)
	}
	if body, ok := e.Body.(event.ParticipantsUpdated); ok {
		if past := w.updates[e.Connection]; body.Sequence <= past {
			w.t.Fatalf("ParticipantsUpdated %d after %d", body.Sequence, past)
		}
		w.updates[e.Connection] = body.Sequence
	}
}

// check looks at the answers that have come.
func (w *world) check() {
	for ask, context := range w.asks {
		select {
		case a := <-ask:
			if a.Err != nil {
				delete(w.accepted, context)
				if w.books.ended[context] > 0 {
					w.t.Fatalf("%q was refused and ended", context)
				}
			} else if id, ok := strings.CutPrefix(context, "connection "); ok {
				w.promised[id] = true
			} else if id, ok := strings.CutPrefix(context, "recording "); ok {
				w.recorded[id] = true
			}
			delete(w.asks, ask)
		default:
		}
	}
}

func (w *world) ask(context, kind string) call.Ask {
	ch := make(chan call.Answered, 1)
	w.asks[ch] = context
	if kind != "" {
		w.accepted[context] = kind
	}
	return ch
}

func (w *world) command(kind string, make func(call.Operation) call.Command) {
	w.contexts++
	context := fmt.Sprintf("%s-%d", kind, w.contexts)
	connection := "connection"
	if w.chance(20, "the other connection") {
		connection = "other"
	}
	w.step(call.Request{
		Ask: w.ask(context, kind), Connection: connection,
		Command: make(call.Operation{Context: context}),
	})
}

func (w *world) someone() string {
	return rapid.SampledFrom([]string{"8:acs:alice", "8:acs:bob", "8:acs:carol"}).Draw(w.t, "someone")
}

func (w *world) prompts(least int) []call.Prompt {
	n := rapid.IntRange(least, 2).Draw(w.t, "prompts")
	return []call.Prompt{{URI: "http://a/1.wav"}, {URI: "http://a/2.wav"}}[:n]
}

// moves are what the world can do to the machine at any moment.
func (w *world) moves() map[string]func(*rapid.T) {
	moves := map[string]func(*rapid.T){
		"answer": func(*rapid.T) {
			w.step(call.AnswerRequest{Ask: w.ask("connection connection", ""), Connection: "connection", Answer: call.Answer{
				Callback: "http://app/cb", Context: "answer",
				Streaming: &call.Streaming{URL: "ws://app", Digits: true, StartAtOnce: w.chance(50, "at once")},
			}})
		},
		"reject": func(*rapid.T) {
			if w.chance(5, "really") {
				w.step(call.RejectRequest{Ask: w.ask("", ""), Cause: leg.Busy})
			}
		},
		"play": func(*rapid.T) {
			w.command("play", func(op call.Operation) call.Command {
				return call.Play{Sources: w.prompts(1), Loop: w.chance(20, "loop"), Interrupt: w.chance(20, "interrupt"), Operation: op}
			})
		},
		"recognize": func(*rapid.T) {
			w.command("recognize", func(op call.Operation) call.Command {
				return call.Recognize{
					Target: "8:acs:alice", Prompts: w.prompts(0), BargeIn: w.chance(50, "barge-in"),
					InitialSilence: 5 * time.Second, InterTone: 2 * time.Second, MaxTones: 2, StopTones: "#",
					Interrupt: w.chance(20, "interrupt"), Operation: op,
				}
			})
		},
		"press": func(*rapid.T) { w.step(call.Pressed{Leg: 1, Digit: "12#"[rapid.IntRange(0, 2).Draw(w.t, "digit")]}) },
		"listen": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command { return call.ListenTones{Target: "8:acs:alice", Operation: op} })
		},
		"stop listening": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command { return call.StopTones{Target: "8:acs:alice", Operation: op} })
		},
		"cancel": func(*rapid.T) { w.command("", func(call.Operation) call.Command { return call.CancelAll{} }) },
		"start stream": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command { return call.StartStreaming{Operation: op} })
		},
		"stop stream": func(*rapid.T) {
			w.command("", func(op call.Operation) call.Command { return call.StopStreaming{Operation: op} })
		},
		"record": func(*rapid.T) {
			w.recordings++
			id := fmt.Sprint("recording-", w.recordings)
			w.step(call.RecordRequest{Ask: w.ask("recording "+id, ""), ID: id, Record: call.Record{Callback: "http://app/rec"}})
		},
		"turn recording": func(*rapid.T) {
			w.step(call.RecordingRequest{
				Ask: w.ask("", ""), ID: fmt.Sprint("recording-", rapid.IntRange(1, 3).Draw(w.t, "recording")),
				Verb: call.RecordingVerb(rapid.IntRange(0, 3).Draw(w.t, "verb")),
			})
		},
		"hang up": func(*rapid.T) {
			if w.chance(10, "really") {
				w.command("", func(call.Operation) call.Command { return call.HangUp{ForEveryone: w.chance(50, "for everyone")} })
			}
		},
		"caller hangs up": func(*rapid.T) {
			if w.chance(10, "really") {
				w.step(call.LegHappened{Leg: 1, Event: leg.Ended{ByFarEnd: true}})
			}
		},
		"port fails": func(*rapid.T) {
			if w.chance(5, "really") {
				w.step(call.PortFailed{Leg: 1, Err: errors.New("silent for 30 s")})
			}
		},
		"world answers": func(*rapid.T) { w.settle(rapid.IntRange(0, 1<<20).Draw(w.t, "which")) },
		"time passes": func(*rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 40_000).Draw(w.t, "ms")) * time.Millisecond)
			w.step(call.Due{})
		},
	}
	maps.Copy(moves, w.peopleMoves())
	for name, move := range moves {
		moves[name] = func(t *rapid.T) {
			if !w.finished {
				move(t)
			}
		}
	}
	return moves
}

// begin begins the call in one of its three ways.
func (w *world) begin() {
	switch rapid.SampledFrom([]string{"rang", "created", "entered"}).Draw(w.t, "begins") {
	case "rang":
		w.step(call.Rang{Leg: 1, Token: "token", Call: leg.Call{From: leg.Party{ID: "8:acs:alice"}, To: leg.Party{ID: "8:acs:bot"}}})
	case "created":
		w.step(call.CreateRequest{Ask: w.ask("connection connection", ""), Connection: "connection", Create: call.Create{
			Targets: []string{"8:acs:alice", "8:acs:bob"}, From: "8:acs:bot", Callback: "http://app/cb",
		}})
	case "entered":
		w.m.Open = "group.1"
		w.step(call.WalkIn{Leg: 1, Who: leg.Party{ID: "8:acs:alice"}})
	}
}

// TestMachineKeepsItsPromises: whatever happens in whatever order, an operation
// that was accepted ends exactly once, every question is answered, events are
// numbered without a gap and end with CallDisconnected, and the call is over.
// The same holds when the process is killed at any moment, and started again.
func TestMachineKeepsItsPromises(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // not asked for another number
		if err := f.Value.Set("10000"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.begin()
		t.Repeat(w.moves())
		if !w.finished {
			w.step(call.Shutdown{})
		}
		for range 200 { // the world pays its debts, and time passes
			if w.finished {
				break
			}
			w.settle(0)
			if len(w.pending) == 0 && !w.finished {
				w.now = w.now.Add(time.Minute)
				w.step(call.Due{})
			}
		}
		if !w.finished {
			t.Fatal("the call never finished")
		}
		if len(w.asks) > 0 {
			t.Fatalf("%d questions were never answered", len(w.asks))
		}
		w.even(w.books, "at the end")
	})
}
