package media

import (
	"context"
	"io"
	"sync/atomic"
)

// A Ring takes frames out of the tick to somebody slow: a recorder, a socket, a
// recognizer. One goroutine writes, one reads. The writer never waits, locks or
// allocates; when the reader has fallen behind by the ring's length, the oldest
// frame is dropped and counted.
//
// How it works: every slot holds a pointer to a cell, and a cell changes hands
// by an atomic swap. The writer fills the cell it owns, swaps it into its slot
// and owns what was there: an empty cell, or a frame that was never read (the
// drop). The reader swaps its empty cell for the frame in the same way. So no
// cell is ever in two hands.
type Ring struct {
	slots   []atomic.Pointer[cell]
	write   atomic.Uint64 // number of the newest frame
	mine    *cell         // the writer's empty cell
	dropped atomic.Uint64
	closed  atomic.Bool

	read    uint64 // next number to read; reader only
	theirs  *cell  // the reader's empty cell
	ahead   *cell  // a frame read too early, after the writer lapped the reader
	waiting atomic.Bool
	wake    chan struct{}
}

// A cell is a frame and its number, counted from 1; 0 is an empty cell.
type cell struct {
	number uint64
	frame  Frame
}

// NewRing makes a ring of n frames: n × 20 ms of patience.
func NewRing(n int) *Ring {
	if n < 1 {
		panic("media: a ring needs at least one slot")
	}
	r := &Ring{
		slots:  make([]atomic.Pointer[cell], n),
		mine:   new(cell),
		theirs: new(cell),
		wake:   make(chan struct{}, 1),
	}
	for i := range r.slots {
		r.slots[i].Store(new(cell))
	}
	return r
}

// Write copies f into the ring. It implements Sink and never fails.
func (r *Ring) Write(f *Frame) error {
	number := r.write.Load() + 1
	r.mine.number = number
	r.mine.frame.CopyFrom(f)
	r.mine = r.slots[number%uint64(len(r.slots))].Swap(r.mine)
	r.write.Store(number)
	if r.mine.number != 0 {
		r.dropped.Add(1)
	}
	r.rouse()
	return nil
}

// Close ends the ring: Next gives what is left, then reports false. Only the
// writing side may call it.
func (r *Ring) Close() {
	r.closed.Store(true)
	r.rouse()
}

func (r *Ring) rouse() {
	if r.waiting.Load() {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Dropped is how many frames the reader has missed so far.
func (r *Ring) Dropped() uint64 { return r.dropped.Load() }

// Next waits for a frame and copies it into f. When the ring is closed and
// empty it returns io.EOF; when ctx is done first, the cause of that.
func (r *Ring) Next(ctx context.Context, f *Frame) error {
	for {
		if r.TryNext(f) {
			return nil
		}
		r.waiting.Store(true)
		closed := r.closed.Load()
		if r.TryNext(f) { // written between the look and the raised hand
			r.waiting.Store(false)
			return nil
		}
		if closed {
			return io.EOF
		}
		select {
		case <-r.wake:
			r.waiting.Store(false)
		case <-ctx.Done():
			r.waiting.Store(false)
			return context.Cause(ctx)
		}
	}
}

// TryNext copies the next frame into f if there is one.
func (r *Ring) TryNext(f *Frame) bool {
	for {
		r.catchUp()
		want := r.read + 1
		if r.ahead != nil && r.ahead.number == want {
			r.take(r.ahead, f)
			r.theirs, r.ahead = r.ahead, nil
			return true
		}
		got := r.slots[want%uint64(len(r.slots))].Swap(r.theirs)
		switch {
		case got.number == want:
			r.take(got, f)
			r.theirs = got
			return true
		case got.number > want: // the writer lapped us: this one comes after those still in the ring
			if r.ahead == nil {
				r.ahead, r.theirs = got, new(cell)
			} else { // lapped while an earlier lap is in hand: the older one is lost
				r.ahead.number = 0
				r.theirs, r.ahead = r.ahead, got
				r.dropped.Add(1)
			}
			r.read = max(r.read, got.number-uint64(len(r.slots)))
		case r.ahead != nil: // dropped before we came: go on to the next number
			r.theirs = got
			r.read++
		default:
			r.theirs = got
			return false
		}
	}
}

// catchUp passes over the frames that were overwritten before the reader came.
func (r *Ring) catchUp() {
	newest, size := r.write.Load(), uint64(len(r.slots))
	if newest <= r.read+size {
		return
	}
	r.read = newest - size
	if r.ahead != nil && r.ahead.number <= r.read {
		r.ahead = nil
		r.dropped.Add(1)
	}
}

// take copies a cell's frame out and leaves the cell empty.
func (r *Ring) take(c *cell, f *Frame) {
	f.CopyFrom(&c.frame)
	r.read, c.number = c.number, 0
}
