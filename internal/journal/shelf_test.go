package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

func add(t *testing.T, s journal.Shelver, value string) uint64 {
	t.Helper()
	seq, err := s.Add(t.Context(), []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// listed is what List gives: number=value.
func listed(t *testing.T, s journal.Shelver, after uint64, n int) string {
	t.Helper()
	var said []string
	err := s.List(after, n, func(seq uint64, value []byte) error {
		said = append(said, fmt.Sprintf("%d=%s", seq, brief(string(value))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(said, " ")
}

func TestAShelf(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, journal.Config{Dir: dir})
	durable, err := l.Shelf("dead", journal.ShelfConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]journal.Shelver{"Memory": &journal.MemoryShelf{}, "Log": durable} {
		t.Run(name, func(t *testing.T) { shelves(t, s) })
	}
	l.Close()
	again, _ := opened(t, journal.Config{Dir: dir})
	s, err := again.Shelf("dead", journal.ShelfConfig{MaxBytes: 1 << 20}) // another bound
	if err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, 0, 10); got != "1=a…1 3=c…1" || s.Len() != 2 {
		t.Errorf("opened again: %q, %d", got, s.Len())
	}
	if seq := add(t, s, "e"); seq != 5 {
		t.Errorf("the next is %d", seq)
	}
	if got := all(t, again, ""); got != "" {
		t.Errorf("in the journal: %q", got)
	}
	again.Close()
	if _, err := s.Add(t.Context(), []byte("x")); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := again.Shelf("dead", journal.ShelfConfig{}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := again.Shelf("a.b", journal.ShelfConfig{}); err == nil {
		t.Error("a shelf may have any name")
	}
}

func shelves(t *testing.T, s journal.Shelver) {
	if s.Len() != 0 || listed(t, s, 0, 9) != "" {
		t.Error("it is not empty")
	}
	for i, v := range []string{"a", "b", "c", "d"} {
		if seq := add(t, s, v); seq != uint64(i+1) {
			t.Errorf("%s is %d", v, seq)
		}
	}
	for _, seq := range []uint64{2, 2, 4, 77} {
		if err := s.Remove(seq); err != nil {
			t.Error(err)
		}
	}
	if v, err := s.Get(3); string(v) != "c" || err != nil {
		t.Errorf("3: %q, %v", v, err)
	}
	for _, seq := range []uint64{0, 2, 99} {
		if _, err := s.Get(seq); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("%d: %v", seq, err)
		}
	}
	for _, c := range []struct {
		after uint64
		n     int
		want  string
	}{{0, 9, "1=a…1 3=c…1"}, {0, 1, "1=a…1"}, {1, 9, "3=c…1"}, {3, 9, ""}, {99, 9, ""}, {0, 0, ""}} {
		if got := listed(t, s, c.after, c.n); got != c.want {
			t.Errorf("%d after %d: %q, not %q", c.n, c.after, got, c.want)
		}
	}
	stop := errors.New("stop")
	seen := 0
	if err := s.List(0, 9, func(uint64, []byte) error { seen++; return stop }); !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%d seen, %v", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Add(ctx, []byte("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("too late: %v", err)
	}
	if n := s.Len(); n != 2 {
		t.Errorf("%d are left", n)
	}
}

func TestAFullShelfLetsGoOfTheOldest(t *testing.T) {
	set := &metric.Set{}
	l, _ := opened(t, journal.Config{Dir: t.TempDir(), NoSync: true, Metrics: set})
	bound := journal.ShelfConfig{MaxBytes: 100_000}
	durable, err := l.Shelf("dead", bound)
	if err != nil {
		t.Fatal(err)
	}
	memory := &metric.Set{}
	for name, c := range map[string]struct {
		s   journal.Shelver
		set *metric.Set
	}{"Memory": {&journal.MemoryShelf{ShelfConfig: bound, Metrics: memory}, memory}, "Log": {durable, set}} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.s.Add(t.Context(), make([]byte, 200_000)); !errors.Is(err, journal.ErrFull) {
				t.Errorf("larger than all: %v", err)
			}
			for i := range 30 {
				add(t, c.s, strings.Repeat(fmt.Sprint(i%10), 10_000))
			}
			n := c.s.Len()
			if n < 9 || n > 10 {
				t.Errorf("%d of 10 KB in 100 KB", n)
			}
			if got := c.set.Counter("journal_discarded_total", "reason", "full", "").Value(); got != uint64(30-n) {
				t.Errorf("%d discarded, %d counted", 30-n, got)
			}
			if got := listed(t, c.s, 0, 1); got != fmt.Sprintf("%d=%s", 31-n, brief(strings.Repeat(fmt.Sprint((30-n)%10), 10_000))) {
				t.Errorf("the oldest is %s", got)
			}
		})
	}
}

func TestWhatIsOldLeavesTheShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := &metric.Set{}
		s := &journal.MemoryShelf{ShelfConfig: journal.ShelfConfig{MaxAge: time.Hour}, Metrics: set}
		add(t, s, "old")
		<-time.After(40 * time.Minute)
		add(t, s, "new")
		<-time.After(40 * time.Minute)
		if got := listed(t, s, 0, 9); got != "2=new…3" {
			t.Errorf("left: %q", got)
		}
		if set.Counter("journal_discarded_total", "reason", "age", "").Value() != 1 {
			t.Error("it was not counted")
		}
	})
	set := &metric.Set{}
	l, _ := opened(t, journal.Config{Dir: t.TempDir(), NoSync: true, Metrics: set})
	s, err := l.Shelf("dead", journal.ShelfConfig{MaxAge: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, "old")
	for s.Len() > 0 { // no clock of ours reaches there
	}
	if set.Counter("journal_discarded_total", "reason", "age", "").Value() != 1 {
		t.Error("it was not counted")
	}
}

func TestAShelfAndTheJournalTogether(t *testing.T) {
	l, ticks := opened(t, journal.Config{Dir: t.TempDir(), NoSync: true})
	s, err := l.Shelf("dead", journal.ShelfConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var everybody sync.WaitGroup
	for g := range 8 {
		everybody.Go(func() {
			for i := range 100 {
				key := fmt.Sprintf("item/%d/%d", g, i)
				must(t, l, put(key, key))
				seq := add(t, s, key)
				l.Later(gone(key))
				if v, err := s.Get(seq); string(v) != key || err != nil {
					t.Errorf("%d is %q, %v", seq, v, err)
				}
				if i%2 == 0 {
					if err := s.Remove(seq); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	everybody.Wait()
	ticks.pass(1)
	if got := all(t, l, ""); got != "" || s.Len() != 400 {
		t.Errorf("%d on the shelf, in the journal %q", s.Len(), got)
	}
}
