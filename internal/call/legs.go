package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media/room"
)

// hangupTime is how long a leg may take to end; a telephone that has vanished
// never answers its BYE.
const hangupTime = 10 * time.Second

// dialTime is how long it may take to send an INVITE: to find the address, and
// to connect to it.
const dialTime = 10 * time.Second

// voice is a leg and where it is plugged in.
type voice struct {
	leg         leg.Leg // nil: being dialled
	participant string
	port        *room.Port // nil: not in the room

	unwanted bool               // hang it up as soon as it is there, …
	cause    leg.Cause          // … with this
	farewell chan struct{}      // closed when Hangup has returned; nil: not called
	release  context.CancelFunc // stops following its events
}

// An Invite says who is to be called, and by whom.
type Invite struct {
	Target      string // raw id
	From        leg.Party
	Headers     Headers
	Correlation string
}

func (c *Call) dialLeg(a DialLeg) {
	c.legs[a.Leg] = &voice{participant: a.Target}
	c.task(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dialTime)
		defer cancel()
		l, err := c.registry.config.Call(ctx, Invite{Target: a.Target, From: a.From, Headers: a.Headers, Correlation: c.machine.Correlation})
		if err != nil {
			c.log.Info("dial", "target", a.Target, "err", err)
		}
		c.deliver(LegArrived{Leg: a.Leg, Handle: l, Err: err})
	})
}

func (c *Call) takeLeg(a TakeLeg) {
	c.legs[a.Leg] = &voice{participant: a.Participant}
	c.task(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dialTime)
		defer cancel()
		l, err := c.registry.depart(ctx, c, a.From, a.Participant)
		c.deliver(LegArrived{Leg: a.Leg, Handle: l, Err: err})
	})
}

// deliver posts a leg that has arrived; if the call is over, it is hung up.
func (c *Call) deliver(in LegArrived) {
	select {
	case c.inbox <- in:
	case <-c.done:
		if in.Err == nil {
			c.discard(in.Handle, leg.Canceled)
		}
	}
}

// discard ends a leg that nobody wants any more.
func (c *Call) discard(l leg.Leg, cause leg.Cause) {
	ctx, cancel := context.WithTimeout(context.Background(), hangupTime)
	defer cancel()
	if err := l.Hangup(ctx, cause); err != nil {
		c.log.Warn("hang up", "cause", cause, "err", err)
	}
	c.closeLeg(l)
}

// enter takes in the leg of a WalkIn, ahead of the machine.
func (c *Call) enter(in WalkIn) WalkIn {
	in.Leg = c.machine.lastLeg + 1
	v := &voice{leg: in.Handle}
	c.legs[in.Leg] = v
	c.follow(in.Leg, v)
	return in
}

// arrive takes in the leg of a LegArrived, ahead of the machine.
func (c *Call) arrive(in LegArrived) {
	v := c.legs[in.Leg]
	switch {
	case in.Err != nil:
	case v == nil || v.unwanted:
		cause := leg.Canceled
		if v != nil {
			cause = v.cause
		}
		delete(c.legs, in.Leg)
		c.task(func() { c.discard(in.Handle, cause) })
	default:
		v.leg = in.Handle
		c.follow(in.Leg, v)
	}
}

// follow brings a leg's events in, until the leg is over, or given away.
func (c *Call) follow(id LegID, v *voice) {
	ctx, release := context.WithCancel(context.Background())
	v.release = release
	events := v.leg.Events()
	c.task(func() {
		defer release()
		for {
			select {
			case e, ok := <-events:
				if !ok {
					return
				}
				c.post(LegHappened{id, e})
			case <-ctx.Done():
				return
			case <-c.done:
				return
			}
		}
	})
}

// giveLeg takes a leg out of the room and hands it over as it is.
func (c *Call) giveLeg(a GiveLeg) {
	v := c.legs[a.Leg]
	delete(c.legs, a.Leg)
	v.release()
	c.room.Do(func(r *room.Room) {
		leaveRoom(r, v.port)
		a.Ask <- Answered{Leg: v.leg} // it has room: one answer for each Ask
	})
}

func (c *Call) transferLeg(a TransferLeg) {
	v := c.legs[a.Leg]
	t, ok := v.leg.(leg.Transferrer)
	if !ok {
		c.pending = append(c.pending, LegHappened{a.Leg, leg.Transferred{Cause: leg.Failed}})
		return
	}
	c.task(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dialTime)
		defer cancel()
		if err := t.Transfer(ctx, a.To, a.Headers.SIP); err != nil {
			c.log.Info("transfer", "target", a.To, "err", err)
			c.post(LegHappened{a.Leg, leg.Transferred{Cause: leg.CauseOf(err)}})
		}
	})
}

func (c *Call) sendDigits(a SendDigits) {
	v := c.legs[a.Leg]
	if v == nil || v.leg == nil {
		c.pending = append(c.pending, LegHappened{a.Leg, leg.DigitsSent{Err: errors.New("the leg is gone")}})
		return
	}
	c.room.Do(func(*room.Room) { v.leg.SendDigits(a.Digits) })
}

// adjust says how a participant is heard, between two ticks.
func (c *Call) adjust(a Adjust) {
	if v := c.legs[a.Leg]; v != nil && v.port != nil {
		port := v.port
		c.room.Do(func(*room.Room) { port.Muted, port.Held = a.Muted, a.Held })
	}
}

func (c *Call) answerLeg(id LegID) {
	l, ok := c.legs[id].leg.(leg.Incoming)
	if !ok {
		c.pending = append(c.pending, AnswerDone{id, fmt.Errorf("leg %d is not an incoming one", id)})
		return
	}
	c.task(func() {
		err := l.Answer(context.Background()) // the leg's own timers bound it
		c.post(AnswerDone{id, err})
	})
}

func (c *Call) hangupLeg(id LegID, cause leg.Cause) {
	v := c.legs[id]
	switch {
	case v == nil:
	case v.leg == nil:
		v.unwanted, v.cause = true, cause
	case v.farewell == nil:
		v.farewell = make(chan struct{})
		c.task(func() {
			defer close(v.farewell)
			ctx, cancel := context.WithTimeout(context.Background(), hangupTime)
			defer cancel()
			if err := v.leg.Hangup(ctx, cause); err != nil {
				c.log.Warn("hang up", "cause", cause, "err", err)
			}
		})
	}
}

// plug puts a leg into the room and behind the taps of what runs.
func (c *Call) plug(a Plug) {
	v := c.legs[a.Leg]
	v.participant = a.Participant
	v.port = &room.Port{Peer: v.leg, Taps: c.tapsFor(a.Participant)}
	port := v.port
	c.room.Do(func(r *room.Room) { r.Plug(port) })
	c.takeSeat()
}

// unplug takes a leg out of the room and closes it.
func (c *Call) unplug(id LegID) {
	v := c.legs[id]
	if v == nil || v.leg == nil {
		return
	}
	delete(c.legs, id)
	if v.port == nil {
		c.closeVoice(v)
		return
	}
	out := make(chan struct{})
	c.room.Do(func(r *room.Room) {
		leaveRoom(r, v.port)
		close(out)
	})
	c.task(func() {
		<-out
		c.closeVoice(v)
	})
}

// leaveRoom unplugs a port, and tells its taps that nothing more comes.
func leaveRoom(r *room.Room, p *room.Port) {
	r.Unplug(p)
	for _, t := range p.Taps {
		if t, ok := t.(interface{ Close() }); ok {
			t.Close()
		}
	}
	p.Taps = nil
}

// closeVoice frees a leg's sockets once nobody reads them and its far end has
// been told. A descriptor that is closed under a reader would let it hear
// another caller.
func (c *Call) closeVoice(v *voice) {
	if v.farewell == nil {
		c.closeLeg(v.leg)
		return
	}
	c.task(func() {
		<-v.farewell
		c.closeLeg(v.leg)
	})
}

// turnAwayLate ends the legs that came when the call was over.
func (c *Call) turnAwayLate() {
	for {
		select {
		case in := <-c.inbox:
			switch in := in.(type) {
			case LegArrived:
				if in.Err == nil {
					c.discard(in.Handle, leg.Canceled)
				}
			case WalkIn:
				c.discard(in.Handle, leg.Unreachable)
			}
		default:
			return
		}
	}
}

// closeLegs frees what the end of the call found still plugged in. The room
// has had its last tick.
func (c *Call) closeLegs() {
	for _, v := range c.legs {
		if v.leg != nil {
			c.closeVoice(v)
		}
	}
}

func (c *Call) closeLeg(l leg.Leg) {
	if err := l.Close(); err != nil {
		c.log.Warn("close leg", "err", err)
	}
}

func (c *Call) legAt(p *room.Port) (LegID, bool) {
	for id, v := range c.legs {
		if v.port == p {
			return id, true
		}
	}
	return 0, false
}
