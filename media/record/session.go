package record

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/media"
)

// heard is what the tick tells the writing goroutine, beside the rings.
type heard struct {
	first atomic.Uint64 // the first tick that was heard
	until atomic.Uint64 // the tick behind the last; 0: none yet
	over  atomic.Bool   // the recording is over
	due   uint64        // when to wake the next time; of the ticking goroutine
	wake  chan struct{}
}

// hear notes that a frame of a tick is in its ring.
func (h *heard) hear(tick uint64) {
	until := h.until.Load()
	if tick < until {
		return
	}
	if until == 0 {
		h.first.Store(tick)
	}
	h.until.Store(tick + 1)
	if tick >= h.due {
		h.due = tick + batch
		h.rouse()
	}
}

func (h *heard) rouse() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// span is the first tick heard, and the tick up to which every ear has had its
// turn: the last one's ears may still be about to. When a stop was asked for,
// nothing more is waited for.
func (r *Recorder) span() (first, complete uint64, any bool) {
	if until := r.until.Load(); until > 0 {
		first, complete, any = r.first.Load(), until-1, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.marks); n > 0 && r.marks[n-1].to == stopped {
		complete = max(complete, r.marks[n-1].tick)
	}
	return first, complete, any
}

// control is what the owner tells the writing goroutine, and the other way.
type control struct {
	mu     sync.Mutex
	marks  []mark
	report Report
}

// A mark is a change of state at a tick.
type mark struct {
	tick   uint64
	to     state
	starts bool
}

// put appends a mark. Nothing comes after a stop, and a stop takes the place of
// what was to come later.
func (c *control) put(m mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.marks); n > 0 && c.marks[n-1].to == stopped {
		return
	}
	if m.to == stopped {
		if len(c.marks) > 0 && c.marks[0].starts { // and has not: an empty recording
			m.tick = max(m.tick, c.marks[0].tick)
		}
		c.marks = slices.DeleteFunc(c.marks, func(o mark) bool { return o.tick > m.tick })
	}
	c.marks = append(c.marks, m)
}

// mark is the next mark, if there is one; unmark takes it away.
func (c *control) mark() (mark, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.marks) == 0 {
		return mark{}, false
	}
	return c.marks[0], true
}

func (c *control) unmark() {
	c.mu.Lock()
	c.marks = slices.Delete(c.marks, 0, 1)
	c.mu.Unlock()
}

func (c *control) tell(r Report) {
	r.Pauses = slices.Clone(r.Pauses)
	c.mu.Lock()
	c.report = r
	c.mu.Unlock()
}

// Start sets where the recording begins. Without it, it begins with the first
// tick that is heard. Call it before any ear hears.
func (r *Recorder) Start(tick uint64) { r.put(mark{tick, running, true}) }

// Pause keeps what is heard from a tick on out of the file. The tick of this
// and the others is room.Now() or, where no room is at hand, r.Now(); one that
// was written already means the next.
func (r *Recorder) Pause(tick uint64) { r.put(mark{tick, paused, false}) }

// Resume ends a pause: what is heard from that tick on is written, right behind
// what was before the pause.
func (r *Recorder) Resume(tick uint64) { r.put(mark{tick, running, false}) }

// Stop ends the recording at a tick, which must not be later than the room's
// present one: the file is filled up to it, and Run returns.
func (r *Recorder) Stop(tick uint64) {
	r.put(mark{tick, stopped, false})
	r.rouse()
}

// Now is the tick behind the last that was heard.
func (r *Recorder) Now() uint64 { return r.until.Load() }

// Report is how far the recording has come.
func (r *Recorder) Report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report
}

// quiet is how long nothing may be heard until the rings are looked into all the
// same: nobody has an ear plugged in any more.
const quiet = batch * media.Period

// Run writes until Stop and returns nil, or until ctx is done and returns its
// cause, or until the writer fails. In each case the file is closed as far as
// it got, and the ears refuse from then on. It can be run once.
func (r *Recorder) Run(ctx context.Context) error {
	defer r.over.Store(true)
	beat := time.NewTicker(quiet)
	defer beat.Stop()
	var cause error
	for {
		if err := r.Drain(); err != nil {
			return r.close(err)
		}
		if r.state == stopped {
			return r.close(cause)
		}
		select {
		case <-r.wake:
			beat.Reset(quiet)
		case <-beat.C:
		case <-ctx.Done():
			cause = context.Cause(ctx)
			r.Stop(r.Now())
		}
	}
}

// close ends the file, and keeps the first error.
func (r *Recorder) close(err error) error {
	if e := r.out.Close(); err == nil && e != nil {
		err = fmt.Errorf("close recording: %w", e)
	}
	if e := r.sync(); err == nil {
		err = e
	}
	return err
}
