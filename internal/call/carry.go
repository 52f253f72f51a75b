package call

import (
	"context"
	"fmt"
	"strings"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
)

// carryAll does what the machine wants. What is heard in the room alone comes
// first and never waits for the disk. Then the step is made durable. Only after
// that anything leaves the house: answers, events, and what telephones and
// websockets are told. A process that is killed in between has promised nothing
// that it does not remember.
func (c *Call) carryAll(actions []Action) {
	var events []event.Event
	heard := 0
	for _, a := range actions {
		if p, ok := a.(Publish); ok {
			p.Event.ID = newID()
			events = append(events, p.Event)
		} else if onlyHeard(a) {
			heard++
			c.carryOut(a)
		}
	}
	if heard == len(actions) {
		return // a step that is heard at most changes nothing in the memo
	}
	c.keep(events)
	for _, a := range actions {
		if !onlyHeard(a) {
			c.carryOut(a)
		}
	}
}

// onlyHeard reports whether an action is nothing but sound: who hears whom, what
// is played, what a recording leaves out, digits that are no longer sent. To
// fetch a prompt promises nothing either. All else waits until its step is kept,
// because it shows what the call has decided, or cannot be taken back:
//
//   - Reply, GiveLeg: a promise.
//   - DialLeg, AnswerLeg, HangupLeg, TransferLeg, TakeLeg, SendDigits: a far end
//     is told. Digits are worse sent twice than late.
//   - OpenStream, CloseStream: a websocket is told.
//   - OpenRecording, TurnRecording{StopRecording}: a file begins, or is complete.
//   - Unplug, because it closes a leg: it stays behind HangupLeg and GiveLeg.
//   - Finish: nothing comes after it.
func onlyHeard(a Action) bool {
	switch a := a.(type) {
	case Plug, Load, StartPlay, Drop, Adjust, StopDigits, StreamDigit:
		return true
	case TurnRecording:
		return a.Verb != StopRecording
	}
	return false
}

// carryOut does what the machine wants. It never waits: what takes time is a
// task whose end is an input.
func (c *Call) carryOut(a Action) {
	switch a := a.(type) {
	case Reply:
		a.Ask <- a.Answer
	case Publish: // with what was kept
	case DialLeg:
		c.dialLeg(a)
	case TakeLeg:
		c.takeLeg(a)
	case GiveLeg:
		c.giveLeg(a)
	case TransferLeg:
		c.transferLeg(a)
	case SendDigits:
		c.sendDigits(a)
	case StopDigits:
		if v := c.legs[a.Leg]; v != nil && v.leg != nil {
			c.room.Do(func(*room.Room) { v.leg.StopDigits() })
		}
	case Adjust:
		c.adjust(a)
	case AnswerLeg:
		c.answerLeg(a.Leg)
	case HangupLeg:
		c.hangupLeg(a.Leg, a.Cause)
	case Plug:
		c.plug(a)
	case Unplug:
		c.unplug(a.Leg)
	case Load:
		c.load(a)
	case StartPlay:
		c.startPlay(a)
	case Drop:
		c.drop(a.Op)
	case OpenStream:
		c.openStream(a)
	case CloseStream:
		c.closeStream(a.Connection)
	case StreamDigit:
		c.streamDigit(a)
	case OpenRecording:
		c.openRecording(a)
	case TurnRecording:
		c.turnRecording(a)
	case Finish:
		c.finished = true
	}
}

// sound is an operation's prompts, and the gate that ends them.
type sound struct {
	prompts []Sound
	stop    media.Gate
	cancel  context.CancelFunc
}

// load fetches prompts. The first must have begun to arrive before the
// operation starts; the others go on loading behind it.
func (c *Call) load(a Load) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sound{cancel: cancel}
	c.sounds[a.Op] = s
	for _, p := range a.Prompts {
		s.prompts = append(s.prompts, c.config.Fetch(ctx, p.URI, p.CacheID))
	}
	c.task(func() {
		c.post(Loaded{Op: a.Op, Err: s.prompts[0].Ready(ctx)})
	})
}

// sourceError says which of an operation's sources failed.
type sourceError struct {
	index int
	err   error
}

func (e *sourceError) Error() string { return fmt.Sprintf("source %d: %v", e.index, e.err) }
func (e *sourceError) Unwrap() error { return e.err }

// source is an operation's prompts as one voice.
func (s *sound) source(loop bool) media.Source {
	if loop && len(s.prompts) == 1 {
		return s.prompts[0].Looped()
	}
	once := func() media.Source {
		sources := make([]media.Source, len(s.prompts))
		for i, p := range s.prompts {
			sources[i] = blame(i, p.Source())
		}
		return media.Concat(sources...)
	}
	if loop {
		return media.Loop(once)
	}
	return once()
}

// blame marks a source's failure with its index.
func blame(index int, s media.Source) media.Source {
	return media.SourceFunc(func(f *media.Frame) (int, error) {
		n, err := s.Read(f)
		if err != nil && !isEOF(err) {
			err = &sourceError{index, err}
		}
		return n, err
	})
}

func (c *Call) startPlay(a StartPlay) {
	s := c.sounds[a.Op]
	if s == nil {
		return
	}
	src := media.Until(s.source(a.Loop), &s.stop)
	var target, barge *room.Port
	if v := c.legs[a.Leg]; v != nil {
		target = v.port
	}
	if v := c.legs[a.Barge]; v != nil {
		barge = v.port
	}
	c.room.Do(func(r *room.Room) {
		if barge != nil {
			barge.Barge = new(media.Gate)
			src = media.Until(src, barge.Barge)
		}
		src = r.Announce(a.Op, src)
		if target != nil {
			target.Play = src
		} else {
			r.Play = src
		}
	})
}

func (c *Call) drop(op uint64) {
	s := c.sounds[op]
	if s == nil {
		return
	}
	delete(c.sounds, op)
	s.stop.Open()
	s.cancel()
}

// inputName is an input's type, for the log.
func inputName(in Input) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", in), "call.")
}
