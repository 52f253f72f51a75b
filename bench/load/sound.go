package load

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/rtp"
)

// steps is how many parts a period has: one of a millisecond.
const steps = 20

// A sound is the loop that all lines speak and hear in.
type sound struct {
	mu    sync.Mutex // over all below, and what the lines hold
	lines [steps][]*line
	late  uint64 // steps that began more than 5 ms after their time
	worst time.Duration
}

// run ticks every line every 20 ms until ctx is done.
func (s *sound) run(ctx context.Context) {
	runtime.LockOSThread()
	b := rtp.NewBatch()
	start := time.Now()
	for k := 0; ctx.Err() == nil; k++ {
		due := time.Duration(k) * time.Millisecond
		for left := due - time.Since(start); left > 0; left = due - time.Since(start) {
			metronome.Nanosleep(left)
		}
		s.mu.Lock()
		if late := time.Since(start) - due; late > 5*time.Millisecond {
			s.late++
			s.worst = max(s.worst, late)
		}
		for _, l := range s.lines[k%steps] {
			l.tick(b)
		}
		s.mu.Unlock()
	}
}

// add puts a line where the fewest are.
func (s *sound) add(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := 0
	for i := range s.lines {
		if len(s.lines[i]) < len(s.lines[best]) {
			best = i
		}
	}
	s.lines[best] = append(s.lines[best], l)
}

// remove takes a line out and closes its socket.
func (s *sound) remove(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.lines {
		s.lines[i] = slices.DeleteFunc(s.lines[i], func(other *line) bool { return other == l })
	}
	_ = l.conn.Close()
}

// with runs f while no line ticks.
func (s *sound) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// each runs f for every line while none ticks.
func (s *sound) each(f func(*line)) {
	s.with(func() {
		for _, lines := range s.lines {
			for _, l := range lines {
				f(l)
			}
		}
	})
}
