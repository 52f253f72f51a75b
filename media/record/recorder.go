package record

import (
	"errors"
	"fmt"

	"github.com/tipring/tipring/media"
)

// Rate is the rate of every recording.
const Rate = media.Rate16k

const (
	patience  = 100 // ticks that a ring holds: what a slow disk is given
	batch     = 25  // ticks between two looks into the rings, and so between two flushes
	syncAfter = 50  // rows between two syncs
)

// ErrClosed is what a channel's ear says once the recording is over.
var ErrClosed = errors.New("record: the recording is over")

// A Writer is where a recording goes: a wav.Writer, say, made for Rate and for
// as many channels as the Recorder has.
type Writer interface {
	// WriteSamples takes rows of interleaved samples: channel 0, 1, … of one
	// instant, then of the next.
	WriteSamples(pcm []int16) error
	// Flush makes what was written so far a whole file.
	Flush() error
	// Close does the same for the last time.
	Close() error
}

// A Recorder writes channels in step. Make one with Unmixed or Mixed.
type Recorder struct {
	// Sync, if set, is called after a Flush of the writer, about once for each
	// second of sound, and after its Close: a file's Sync, say. An error ends
	// the recording. Set it before Run.
	Sync func() error

	out  Writer
	ears []*ear
	heard
	control

	// Of the writing goroutine only:
	state   state
	next    uint64  // the tick that comes next
	rows    []int16 // what is to be written
	flushed uint64  // of Report.Samples, how many are in a whole file …
	synced  uint64  // … and how many were synced
	written Report
}

// Unmixed makes a recorder with a channel for each of so many participants. How
// many a file has is fixed at its beginning; those nobody speaks on are silent.
func Unmixed(out Writer, channels int) *Recorder {
	r := &Recorder{
		out:   out,
		rows:  make([]int16, 0, batch*channels*Rate.Samples()),
		heard: heard{wake: make(chan struct{}, 1)},
	}
	for range channels {
		r.ears = append(r.ears, newEar(r))
	}
	return r
}

// Mixed makes a recorder with one channel, Channel(0).
func Mixed(out Writer) *Recorder { return Unmixed(out, 1) }

// Channels is how many channels there are.
func (r *Recorder) Channels() int { return len(r.ears) }

// Channel is the ear of channel i, from 0: a sink for frames of any rate. All
// ears of a recorder must be written to by the same goroutine, that of their
// room. An ear may go from one port to another, but serves one at a time: of
// two frames of one tick the second is dropped. The ear of a channel that does
// not exist refuses everything.
func (r *Recorder) Channel(i int) media.Sink {
	if i < 0 || i >= len(r.ears) {
		return media.SinkFunc(func(*media.Frame) error { return ErrClosed })
	}
	return r.ears[i]
}

// state is where the writing is.
type state uint8

const (
	waiting state = iota // nothing heard yet
	running
	paused
	stopped
)

// Drain writes all rows that are complete. Run does it whenever there are some;
// a test in virtual time may do it by itself, at least every 100 ticks.
func (r *Recorder) Drain() error {
	if r.state == stopped {
		return nil
	}
	err := r.drain()
	if err == nil {
		err = r.flush()
	}
	if err != nil {
		r.state = stopped
	}
	r.written.Dropped = 0
	for _, e := range r.ears {
		r.written.Dropped += e.late + e.ring.Dropped()
	}
	r.written.Paused = r.state == paused
	r.tell(r.written)
	return err
}

func (r *Recorder) drain() error {
	for {
		m, marked := r.mark()
		first, complete, any := r.span()
		if r.state == waiting {
			if !any && !marked {
				return nil
			}
			if marked && (m.starts || !any || m.tick < first) {
				first = m.tick
			}
			r.begin(first)
		}
		if !marked || m.tick > complete {
			return r.advance(complete)
		}
		if err := r.advance(m.tick); err != nil {
			return err
		}
		r.turn(m.to)
		r.unmark()
		if r.state == stopped {
			for _, e := range r.ears {
				e.at(r.next) // counts what came too late
			}
			return nil
		}
	}
}

// begin starts time at a tick.
func (r *Recorder) begin(first uint64) {
	for _, e := range r.ears {
		e.forget(first)
	}
	r.state, r.next = running, first
	r.written.Start = first
}

// turn goes over to another state, at r.next, and remembers the pauses.
func (r *Recorder) turn(to state) {
	if to == r.state {
		return
	}
	if r.state == paused {
		r.written.Pauses[len(r.written.Pauses)-1].To = r.next
	}
	if to == paused {
		r.written.Pauses = append(r.written.Pauses, Interval{From: r.next})
	}
	r.state = to
}

// advance lets time go on to a tick: running, by a row for each tick; paused,
// by dropping what was heard.
func (r *Recorder) advance(to uint64) error {
	if r.state == paused {
		for _, e := range r.ears {
			e.forget(to)
		}
		r.next = max(r.next, to)
	}
	for ; r.next < to; r.next++ {
		if len(r.rows) == cap(r.rows) {
			if err := r.write(); err != nil {
				return err
			}
		}
		r.row()
	}
	return r.write()
}

// write hands out the rows that are there.
func (r *Recorder) write() error {
	r.written.Stop = r.next
	if len(r.rows) == 0 {
		return nil
	}
	samples := len(r.rows) / len(r.ears)
	err := r.out.WriteSamples(r.rows)
	r.rows = r.rows[:0]
	if err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	r.written.Samples += uint64(samples)
	return nil
}

// flush brings what was written into the file, and once a second to the disk.
func (r *Recorder) flush() error {
	if r.written.Samples == r.flushed {
		return nil
	}
	r.flushed = r.written.Samples
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("flush recording: %w", err)
	}
	if r.flushed-r.synced < uint64(syncAfter*Rate.Samples()) {
		return nil
	}
	r.synced = r.flushed
	return r.sync()
}

func (r *Recorder) sync() error {
	if r.Sync == nil {
		return nil
	}
	if err := r.Sync(); err != nil {
		return fmt.Errorf("sync recording: %w", err)
	}
	return nil
}

// row adds the row of the next tick.
func (r *Recorder) row() {
	samples, channels := Rate.Samples(), len(r.ears)
	at := len(r.rows)
	r.rows = r.rows[:at+samples*channels]
	row := r.rows[at:]
	clear(row)
	for c, e := range r.ears {
		f := e.at(r.next)
		if f == nil {
			continue
		}
		for i, v := range f.PCM() {
			row[i*channels+c] = v
		}
	}
}
