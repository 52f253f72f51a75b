package metronome

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// tooLate is when a tick counts as late.
const tooLate = 5 * time.Millisecond

// A worker ticks the seats of its slots, on one goroutine.
type worker struct {
	slots   [][]*Seat
	taken   int // seats in all slots
	beat    beat
	sleep   func(time.Duration) // may be nil
	late    *metric.Counter
	skipped *metric.Counter

	mu   sync.Mutex // over box and over; between two ticks the worker only tries it
	box  []letter
	over bool
	mail atomic.Bool // box is not empty
	wake chan struct{}

	busy   time.Duration // in ticks, since …
	since  time.Duration // … when the share was last told
	shared atomic.Uint64 // the share, as bits of a float64
}

// A letter asks a worker to seat somebody, or to let them go.
type letter struct {
	seat  *Seat
	joins bool
	done  func()
}

func newWorker(step time.Duration, slots int, late, skipped *metric.Counter) *worker {
	return &worker{
		slots: make([][]*Seat, slots),
		beat:  beat{step: int64(step), slots: int64(slots)},
		late:  late, skipped: skipped,
		wake: make(chan struct{}, 1),
	}
}

// post leaves a letter, unless the worker has ended.
func (w *worker) post(l letter) bool {
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return false
	}
	w.box = append(w.box, l)
	w.mail.Store(true)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// run ticks until ctx is done, then closes what is left.
func (w *worker) run(ctx context.Context, start time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for w.wait(ctx, start, timer) {
		now := time.Since(start)
		w.leaveOut(now)
		w.turn(start, now)
		w.beat.k++
	}
	w.end()
}

// wait reads letters and returns when the next step with a seat is due; false
// says that ctx is done.
func (w *worker) wait(ctx context.Context, start time.Time, timer *time.Timer) bool {
	for ctx.Err() == nil {
		now := int64(time.Since(start))
		w.letters(now)
		var due <-chan time.Time // never, without seats
		if w.taken > 0 {
			k := w.next()
			left := k*w.beat.step - now
			if left <= 0 {
				w.beat.k = k
				return true
			}
			if w.sleep != nil {
				w.sleep(time.Duration(left))
				continue
			}
			timer.Reset(time.Duration(left))
			due = timer.C
		} else {
			w.shared.Store(0)
		}
		select {
		case <-due:
		case <-w.wake:
		case <-ctx.Done():
		}
	}
	return false
}

// letters reads the box. While somebody is writing, a worker with seats comes
// back later.
func (w *worker) letters(now int64) {
	switch {
	case !w.mail.Load():
		return
	case w.taken == 0:
		w.mu.Lock()
		w.beat.resume(now)
		w.busy, w.since = 0, time.Duration(now)
	case !w.mu.TryLock():
		return
	}
	// Steps that had nobody are over; a newcomer does not begin with them.
	for len(w.slots[w.beat.slot()]) == 0 && w.beat.due() < now {
		w.beat.k++
	}
	w.read()
}

// next is the next step that has a seat.
func (w *worker) next() int64 {
	b := w.beat
	for len(w.slots[b.slot()]) == 0 {
		b.k++
	}
	return b.k
}

// read does what the letters say, and unlocks.
func (w *worker) read() {
	box := w.box
	w.box = nil
	w.mail.Store(false)
	w.mu.Unlock()
	for _, l := range box {
		if l.joins {
			w.slots[l.seat.slot] = append(w.slots[l.seat.slot], l.seat)
			w.taken++
		} else {
			w.release(l)
		}
	}
}

func (w *worker) release(l letter) {
	slot := &w.slots[l.seat.slot]
	if i := slices.Index(*slot, l.seat); i >= 0 {
		*slot = slices.Delete(*slot, i, i+1)
		w.taken--
		l.seat.close()
	}
	if l.done != nil {
		l.done()
	}
}

// leaveOut skips ticks when too many are due at once.
func (w *worker) leaveOut(now time.Duration) {
	n := w.beat.skip(int64(now))
	if n == 0 {
		return
	}
	w.skipped.Add(n * uint64(w.taken))
	for _, slot := range w.slots {
		for _, s := range slot {
			if s.skipper != nil {
				s.skipper.Skip(n)
			}
		}
	}
}

// turn ticks the seats of one slot.
func (w *worker) turn(start time.Time, began time.Duration) {
	late, now, due := uint64(0), began, time.Duration(w.beat.due())
	for _, s := range w.slots[w.beat.slot()] {
		if now-due > tooLate {
			late++
		}
		s.ticker.Tick()
		now = time.Since(start)
	}
	if late > 0 {
		w.late.Add(late)
	}
	w.busy += now - began
	if span := now - w.since; span >= time.Second {
		w.shared.Store(math.Float64bits(w.busy.Seconds() / span.Seconds()))
		w.busy, w.since = 0, now
	}
}

// share is the share of the last second that was spent in ticks.
func (w *worker) share() float64 { return math.Float64frombits(w.shared.Load()) }

// end closes every seat, and answers the letters that came meanwhile.
func (w *worker) end() {
	w.mu.Lock()
	w.over = true
	w.read()
	for _, slot := range w.slots {
		for _, s := range slot {
			s.close()
		}
	}
	w.slots, w.taken = nil, 0
}
