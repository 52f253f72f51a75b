package metronome

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
)

// A Ticker is what a metronome ticks: a room. Tick must neither block nor
// panic. Two more methods are called if it has them:
//
//	Skip(n uint64)  n ticks were left out, before the next one
//	Close()         there will be no more ticks
//
// All are called on one and the same goroutine.
type Ticker interface{ Tick() }

type skipper interface{ Skip(n uint64) }

type closer interface{ Close() }

// Config is how a metronome is built. Its zero value is a good one.
type Config struct {
	// Workers is how many threads tick; 0: as many as run Go code
	// (GOMAXPROCS).
	Workers int
	// Slots is how many parts a period has; 0: four of 5 ms.
	Slots int
	// Nice is added to the nice value of the workers' threads, where the system
	// allows it; 0: -10. A positive value lowers their priority.
	Nice int
	// Sleep, if set, is how a worker with seats waits for its next step; nil is a
	// timer of package time. Nanosleep is ten times as exact and holds up better
	// beside goroutines that need the processor; it is what a server wants. It
	// may return early.
	Sleep func(time.Duration)
	// Metrics gets ticks_late_total, ticks_skipped_total, tickers and
	// tick_busy_share. It may be nil.
	Metrics *metric.Set
}

// A Metronome ticks what is added to it. Make one with New.
type Metronome struct {
	workers []*worker
	step    time.Duration
	nice    int
	started atomic.Bool

	mu    sync.Mutex // over the choice of a seat
	seats []int      // how many of them each slot has: worker × slots + slot
	slots int
}

// New makes a metronome. It ticks nothing until Run.
func New(c Config) *Metronome {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Slots <= 0 {
		c.Slots = 4
	}
	if c.Nice == 0 {
		c.Nice = -10
	}
	m := &Metronome{
		step:  media.Period / time.Duration(c.Slots),
		nice:  c.Nice,
		seats: make([]int, c.Workers*c.Slots),
		slots: c.Slots,
	}
	late := c.Metrics.Counter("ticks_late_total", "", "", "ticks that began more than 5 ms after their time")
	skipped := c.Metrics.Counter("ticks_skipped_total", "", "", "ticks that were left out because a worker was too late")
	for i := range c.Workers {
		w := newWorker(m.step, c.Slots, late, skipped)
		w.sleep = c.Sleep
		m.workers = append(m.workers, w)
		c.Metrics.Gauge("tick_busy_share", "worker", strconv.Itoa(i),
			"share of the last second that a worker has spent in ticks", w.share)
	}
	c.Metrics.Gauge("tickers", "", "", "rooms that are being ticked", func() float64 { return float64(m.Len()) })
	return m
}

// Run ticks until ctx is done. Then everything that still has a seat gets its
// Close, and Run returns nil. It can be run once.
func (m *Metronome) Run(ctx context.Context) error {
	if m.started.Swap(true) {
		return errors.New("metronome: it has run before")
	}
	start := time.Now()
	var all sync.WaitGroup
	for _, w := range m.workers {
		all.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its priority
			prefer(m.nice)
			w.run(ctx, start)
		})
	}
	all.Wait()
	return nil
}

// Len is how many seats are taken.
func (m *Metronome) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, taken := range m.seats {
		n += taken
	}
	return n
}

// Add seats t: from its next slot on, at most a period from now, it is ticked
// every 20 ms. When the metronome has ended, t is closed at once, on the
// caller's goroutine.
func (m *Metronome) Add(t Ticker) *Seat {
	m.mu.Lock()
	place := m.place()
	m.seats[place]++
	m.mu.Unlock()
	s := &Seat{ticker: t, metronome: m, worker: m.workers[place/m.slots], place: place, slot: place % m.slots}
	s.skipper, _ = t.(skipper)
	if !s.worker.post(letter{seat: s, joins: true}) {
		s.vacate()
		s.close()
	}
	return s
}

// place finds the slot for one more: on the worker with the fewest seats, the
// slot with the fewest.
func (m *Metronome) place() int {
	best, fewest := 0, -1
	for w := 0; w < len(m.seats); w += m.slots {
		n := 0
		for _, taken := range m.seats[w : w+m.slots] {
			n += taken
		}
		if fewest < 0 || n < fewest {
			best, fewest = w, n
		}
	}
	place := best
	for s := best + 1; s < best+m.slots; s++ {
		if m.seats[s] < m.seats[place] {
			place = s
		}
	}
	return place
}

// A Seat is a ticker's place: one worker and one slot.
type Seat struct {
	ticker    Ticker
	skipper   skipper
	metronome *Metronome
	worker    *worker
	place     int // in metronome.seats
	slot      int // of the worker
	vacated   sync.Once
	closed    sync.Once
}

// Remove ends the ticks. It does not wait: after the last tick the worker calls
// the ticker's Close and then done, which may be nil and must be quick. Every
// done is called, also that of a second Remove. When the metronome has ended,
// it happens at once, on the caller's goroutine.
func (s *Seat) Remove(done func()) {
	s.vacate()
	if s.worker.post(letter{seat: s, done: done}) {
		return
	}
	s.close()
	if done != nil {
		done()
	}
}

func (s *Seat) vacate() {
	s.vacated.Do(func() {
		s.metronome.mu.Lock()
		s.metronome.seats[s.place]--
		s.metronome.mu.Unlock()
	})
}

func (s *Seat) close() {
	s.closed.Do(func() {
		if c, ok := s.ticker.(closer); ok {
			c.Close()
		}
	})
}
