package record

import (
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
)

// An ear is the sink of one channel. Its ring is all that is between the tick
// and the disk.
type ear struct {
	rec  *Recorder
	in   media.Sink // brings frames to Rate, then into ring
	ring *media.Ring

	// Of the writing goroutine only:
	head media.Frame // the oldest frame that has no row yet …
	full bool        // … if there is one
	late uint64      // frames that came when their row was written
}

func newEar(r *Recorder) *ear {
	e := &ear{rec: r, ring: media.NewRing(patience)}
	e.in = resample.NewSink(Rate, e.ring)
	return e
}

// Write takes a frame of any rate. It does not wait.
func (e *ear) Write(f *media.Frame) error {
	if e.rec.over.Load() {
		return ErrClosed
	}
	if err := e.in.Write(f); err != nil {
		return err
	}
	e.rec.hear(f.Tick)
	return nil
}

// at is the frame of a tick, nil when there is none. Ticks are asked for in
// order.
func (e *ear) at(tick uint64) *media.Frame {
	for e.peek() && e.head.Tick < tick {
		e.late++
		e.full = false
	}
	if !e.full || e.head.Tick != tick {
		return nil
	}
	e.full = false
	return &e.head
}

// forget drops what was heard before a tick.
func (e *ear) forget(tick uint64) {
	for e.peek() && e.head.Tick < tick {
		e.full = false
	}
}

func (e *ear) peek() bool {
	if !e.full {
		e.full = e.ring.TryNext(&e.head)
	}
	return e.full
}
