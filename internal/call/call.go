package call

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/room"
)

// A Call is one running call: the goroutine that owns its Machine.
type Call struct {
	registry *Registry
	config   *Config
	log      *slog.Logger
	machine  Machine
	room     *room.Room

	inbox   chan Input
	pending []Input // results of actions that were carried out on the spot
	done    chan struct{}
	tasks   sync.WaitGroup // goroutines that end before Run does

	legs       map[LegID]*voice
	sounds     map[uint64]*sound
	streams    map[string]*streamTap
	recordings map[string]*recordTap
	seat       *metronome.Seat // nil: nothing has been plugged in yet
	began      time.Time       // of tick 0
	finished   bool

	memo  []byte    // as it is kept
	stale bool      // … or is not: Keep has failed
	again time.Time // when to try that again

	known []entry // where the registry has it
}

func newCall(r *Registry, id, correlation string) *Call {
	return &Call{
		registry:   r,
		config:     &r.config,
		log:        r.config.Log.With("call", id, "correlation", correlation),
		machine:    Machine{ID: id, Correlation: correlation},
		room:       room.New(),
		inbox:      make(chan Input, 64),
		done:       make(chan struct{}),
		legs:       map[LegID]*voice{},
		sounds:     map[uint64]*sound{},
		streams:    map[string]*streamTap{},
		recordings: map[string]*recordTap{},
	}
}

// ring takes in the leg that began the call. It comes before Run.
func (c *Call) ring(l leg.Incoming, token string) {
	c.legs[1] = &voice{leg: l}
	c.pending = append(c.pending, Rang{Leg: 1, Call: l.Call(), Token: token})
}

// Run is the call's life. It returns when the call is over and everything that
// it started has ended. When ctx is done the call is ended as a Shutdown.
func (c *Call) Run(ctx context.Context) {
	for id, v := range c.legs {
		c.follow(id, v)
	}
	shutdown := ctx.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !c.finished {
		for len(c.pending) > 0 && !c.finished {
			in := c.pending[0]
			c.pending = c.pending[1:]
			c.step(in)
		}
		if c.finished {
			break
		}
		if at, ok := c.wakes(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case in := <-c.inbox:
			c.step(in)
		case <-c.room.Notices().C():
			c.hearNotices()
		case <-timer.C:
			c.keepAgain()
			c.step(Due{})
		case <-shutdown:
			shutdown = nil
			c.step(Shutdown{})
		}
	}
	c.leaveSeat()
	c.closeLegs()
	close(c.done) // whoever waits to be heard goes home
	c.tasks.Wait()
	c.turnAwayLate()
}

// wakes is when something falls due; false for never.
func (c *Call) wakes() (time.Time, bool) {
	at, ok := c.machine.Deadline()
	if c.stale && (!ok || c.again.Before(at)) {
		return c.again, true
	}
	return at, ok
}

// takeSeat has the room ticked, from the first leg that is plugged in.
func (c *Call) takeSeat() {
	if c.seat == nil {
		c.began = time.Now()
		c.seat = c.config.Ticks.Add(c.room)
	}
}

// leaveSeat returns when the room has had its last tick, and all that it was
// asked between two.
func (c *Call) leaveSeat() {
	if c.seat == nil {
		c.room.Close()
		return
	}
	gone := make(chan struct{})
	c.seat.Remove(func() { close(gone) })
	<-gone
}

// step asks the machine what to do about in, and does it.
func (c *Call) step(in Input) {
	if c.log.Enabled(context.Background(), slog.LevelDebug) {
		c.log.Debug("input", "input", inputName(in))
	}
	switch with := in.(type) {
	case LegArrived:
		c.arrive(with)
	case WalkIn:
		in = c.enter(with)
	}
	c.carryAll(c.machine.Step(time.Now(), in))
}

// send gives the machine an input from outside and waits for its answer.
func (c *Call) send(ctx context.Context, in func(Ask) Input) (Answered, error) {
	ask := make(chan Answered, 1)
	select {
	case c.inbox <- in(ask):
	case <-c.done:
		return Answered{}, Errorf(NotFound, "The call has ended.")
	case <-ctx.Done():
		return Answered{}, context.Cause(ctx)
	}
	select {
	case a := <-ask:
		return a, a.Err
	case <-c.done:
		select {
		case a := <-ask: // answered with its last breath
			return a, a.Err
		default:
			return Answered{}, Errorf(NotFound, "The call has ended.")
		}
	case <-ctx.Done():
		return Answered{}, context.Cause(ctx)
	}
}

// post gives the machine an input from one of the call's own goroutines.
func (c *Call) post(in Input) {
	select {
	case c.inbox <- in:
	case <-c.done:
	}
}

// task runs f on a goroutine that ends before the call does.
func (c *Call) task(f func()) {
	c.tasks.Add(1)
	go func() {
		defer c.tasks.Done()
		f()
	}()
}

// hearNotices brings in what the room has noticed.
func (c *Call) hearNotices() {
	for !c.finished {
		n, ok := c.room.Notices().Next()
		if !ok {
			return
		}
		switch n.Kind {
		case room.Digit:
			if id, ok := c.legAt(n.Port); ok {
				c.step(Pressed{Leg: id, Digit: n.Digit.Symbol})
			}
		case room.PlayEnded:
			in := PlayEnded{Op: n.Token, Err: n.Err}
			var of *sourceError
			if errors.As(n.Err, &of) {
				in.Index, in.Err = of.index, of.err
			}
			c.step(in)
		case room.PortFailed:
			if id, ok := c.legAt(n.Port); ok {
				c.step(PortFailed{Leg: id, Err: n.Err})
			}
		}
	}
}

// newID makes an identifier that holds no ':' (routes end at the first one).
func newID() string { return uuid.NewString() }

// A Sound is a prompt that is loading or loaded. package prompt makes them.
type Sound interface {
	// Ready waits for the first sample and says why there will be none.
	Ready(ctx context.Context) error
	// Source plays it from its beginning; Looped, over and over.
	Source() media.Source
	Looped() media.Source
}

// NoSound is a Sound that could not even begin to load.
func NoSound(err error) Sound { return noSound{err} }

type noSound struct{ err error }

func (n noSound) Ready(context.Context) error { return n.err }
func (n noSound) Source() media.Source {
	return media.SourceFunc(func(*media.Frame) (int, error) { return 0, n.err })
}
func (n noSound) Looped() media.Source { return n.Source() }
