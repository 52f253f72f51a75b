package metronome_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room counts what happens to it. Its fields belong to the worker until its
// seat is gone.
type room struct {
	ticks   []time.Time
	skipped uint64
	closed  int
	onTick  func()
}

func (r *room) Tick() {
	r.ticks = append(r.ticks, time.Now())
	if r.onTick != nil {
		r.onTick()
	}
}
func (r *room) Skip(n uint64) { r.skipped += n }
func (r *room) Close()        { r.closed++ }

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.After(d) }

// started runs a metronome in the background and gives what ends it.
func started(t *testing.T, c metronome.Config) (*metronome.Metronome, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	m := metronome.New(c)
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	return m, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestTicksEvery20ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 2})
		rooms := make([]*room, 10)
		for i := range rooms {
			rooms[i] = new(room)
			m.Add(rooms[i])
		}
		pass(2 * time.Minute)
		stop()
		for i, r := range rooms {
			if got, want := len(r.ticks), int(2*time.Minute/media.Period); got < want-1 || got > want+1 {
				t.Errorf("room %d: %d ticks in two minutes, want %d", i, got, want)
			}
			for k := 1; k < len(r.ticks); k++ {
				if gap := r.ticks[k].Sub(r.ticks[k-1]); gap != media.Period {
					t.Fatalf("room %d: %v between two ticks", i, gap)
				}
			}
			if r.closed != 1 {
				t.Errorf("room %d was closed %d times, want once", i, r.closed)
			}
		}
	})
}

func TestRoomsAreSpreadOverSlotsAndWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 2, Slots: 4})
		rooms := make([]*room, 80)
		for i := range rooms {
			rooms[i] = new(room)
			m.Add(rooms[i])
		}
		pass(time.Second)
		stop()
		slots := map[time.Duration]int{}
		for _, r := range rooms {
			slots[time.Duration(r.ticks[1].UnixNano())%media.Period]++
		}
		if len(slots) != 4 {
			t.Fatalf("ticks at %v, want four slots", slots)
		}
		for at, n := range slots {
			if n != 20 {
				t.Errorf("%d rooms at %v, want 20 (10 of each worker)", n, at)
			}
		}
	})
}

func TestALeaverMakesRoomInItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 1, Slots: 4})
		defer stop()
		rooms, seats := make([]*room, 8), make([]*metronome.Seat, 8)
		for i := range rooms {
			rooms[i] = new(room)
			seats[i] = m.Add(rooms[i])
		}
		pass(time.Second)
		seats[2].Remove(nil)
		last := new(room)
		m.Add(last)
		pass(time.Second)
		phase := func(r *room) time.Duration { return time.Duration(r.ticks[1].UnixNano()) % media.Period }
		if phase(last) != phase(rooms[2]) {
			t.Errorf("the newcomer ticks at %v, want the free place at %v", phase(last), phase(rooms[2]))
		}
		if m.Len() != 8 {
			t.Errorf("%d seats taken, want 8", m.Len())
		}
	})
}

func TestRemoveClosesAfterTheLastTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 1})
		r := new(room)
		seat := m.Add(r)
		pass(time.Second)
		var order []string
		seat.Remove(func() {
			if r.closed != 1 {
				t.Error("done before Close")
			}
			order = append(order, "first")
		})
		seat.Remove(func() { order = append(order, "second") })
		pass(time.Second)
		ticks := len(r.ticks)
		if ticks < 49 || ticks > 52 {
			t.Errorf("%d ticks, want those of the first second", ticks)
		}
		stop()
		seat.Remove(func() { order = append(order, "third") })
		if len(order) != 3 || order[0] != "first" || order[2] != "third" || r.closed != 1 {
			t.Errorf("done %v, closed %d times; want every done in order and one Close", order, r.closed)
		}
	})
}

func TestARoomMayLeaveInItsOwnTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 1})
		defer stop()
		var seat atomic.Pointer[metronome.Seat]
		gone := make(chan struct{})
		r := new(room)
		r.onTick = func() {
			if len(r.ticks) == 10 {
				seat.Load().Remove(func() { close(gone) })
			}
		}
		seat.Store(m.Add(r))
		<-gone
		if len(r.ticks) != 10 {
			t.Errorf("%d ticks, want 10", len(r.ticks))
		}
	})
}

// TestALateWorkerCatchesUpThenSkips stalls one room for a while, in virtual
// time: the others' ticks are due meanwhile.
func TestALateWorkerCatchesUpThenSkips(t *testing.T) {
	for _, c := range []struct {
		name  string
		stall time.Duration
		skip  uint64
	}{
		{"one period late", 20 * time.Millisecond, 0},
		{"three ticks due", 59 * time.Millisecond, 0},
		{"four ticks due", 80 * time.Millisecond, 1},
		{"a second", time.Second, 47},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var set metric.Set
				m, stop := started(t, metronome.Config{Workers: 1, Slots: 1, Metrics: &set})
				slow, other := new(room), new(room)
				slow.onTick = func() {
					if len(slow.ticks) == 50 {
						pass(c.stall)
					}
				}
				m.Add(slow)
				m.Add(other)
				pass(10 * time.Second)
				stop()
				for name, r := range map[string]*room{"slow": slow, "other": other} {
					if r.skipped != c.skip {
						t.Errorf("%s room skipped %d ticks, want %d", name, r.skipped, c.skip)
					}
					if got := uint64(len(r.ticks)) + r.skipped; got < 499 || got > 501 {
						t.Errorf("%s room: %d ticks, run or skipped, in 10 s", name, got)
					}
				}
				count := map[string]float64{}
				for _, m := range set.Read() {
					count[m.Name] = m.Number
				}
				if got := count["ticks_skipped_total"]; got != float64(2*c.skip) {
					t.Errorf("ticks_skipped_total = %v, want %d", got, 2*c.skip)
				}
				if count["ticks_late_total"] == 0 {
					t.Error("no late tick was counted")
				}
			})
		})
	}
}

func TestAMetronomeWithoutRoomsRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, stop := started(t, metronome.Config{Workers: 1})
		pass(1000 * time.Hour) // would take minutes if it woke every 5 ms
		r := new(room)
		seat := m.Add(r)
		pass(time.Second)
		seat.Remove(nil)
		pass(1000 * time.Hour)
		stop()
		if len(r.ticks) < 49 || len(r.ticks) > 51 || r.skipped != 0 {
			t.Errorf("%d ticks and %d skipped in its second, want 50 and 0", len(r.ticks), r.skipped)
		}
	})
}

func TestBeforeAndAfterRun(t *testing.T) {
	m := metronome.New(metronome.Config{Workers: 1})
	early := new(room)
	m.Add(early)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	late := new(room)
	m.Add(late)
	if early.closed != 1 || late.closed != 1 {
		t.Errorf("closed %d and %d times, want once each", early.closed, late.closed)
	}
	if err := m.Run(ctx); err == nil {
		t.Error("a second Run was accepted")
	}
}

// TestManyComeAndGo has rooms come and go from several goroutines in real time;
// the race detector watches.
func TestManyComeAndGo(t *testing.T) {
	m, stop := started(t, metronome.Config{Sleep: metronome.Nanosleep})
	const each = 200
	gone := make(chan *room, 4*each)
	for range 4 {
		go func() {
			for range each {
				r := new(room)
				seat := m.Add(r)
				seat.Remove(func() { gone <- r })
			}
		}()
	}
	for range 4 * each {
		if r := <-gone; r.closed != 1 {
			t.Fatalf("closed %d times, want once", r.closed)
		}
	}
	if m.Len() != 0 {
		t.Errorf("%d seats taken, want none", m.Len())
	}
	stop()
}
