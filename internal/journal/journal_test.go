package journal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("JOURNAL_CHILD"); role != "" {
		child(role)
		return
	}
	_ = flag.Set("rapid.checks", "15") // each of them writes files; the command line may say more
	goleak.VerifyTestMain(m)
}

// clock gives a Log its seconds.
type clock chan time.Time

// pass lets n seconds pass, and waits until all that was due has been done.
func (c clock) pass(n int) {
	for range n + 1 {
		c <- time.Time{}
	}
}

// opened is a Log with a clock, closed at the end of the test.
func opened(t *testing.T, c journal.Config) (*journal.Log, clock) {
	t.Helper()
	ticks := make(clock)
	l, err := journal.OpenTicking(c, (chan time.Time)(ticks))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l, ticks
}

func put(key, value string) journal.Record {
	return journal.Record{Key: key, Value: []byte(value)}
}

func gone(key string) journal.Record { return journal.Record{Key: key} }

func must(t *testing.T, j journal.Journal, records ...journal.Record) {
	t.Helper()
	if err := j.Commit(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

// all is what Each gives: key=value, in order.
func all(t *testing.T, j journal.Journal, prefix string) string {
	t.Helper()
	var said []string
	err := j.Each(prefix, func(key string, value []byte) error {
		said = append(said, key+"="+string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(said, " ")
}

func TestWhatIsCommittedIsThere(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, journal.Config{Dir: dir})
	for name, j := range map[string]journal.Journal{"Memory": &journal.Memory{}, "Log": l} {
		t.Run(name, func(t *testing.T) { holds(t, j) })
	}
	before := all(t, l, "")
	l.Close()
	again, _ := opened(t, journal.Config{Dir: dir})
	if after := all(t, again, ""); after != before {
		t.Errorf("opened again: %q, before: %q", after, before)
	}
}

func holds(t *testing.T, j journal.Journal) {
	must(t, j, put("call/1", "a"), put("item/1", "b"), put("call/2", "c"))
	must(t, j, put("item/2", "d"), put("call/1", "e"), gone("item/1"), gone("item/9"))
	must(t, j, put("item/3", ""), put("item/4", "x"), gone("item/4"), put("item/5", "1"), put("item/5", "2"))
	must(t, j)
	if got := all(t, j, "call/"); got != "call/2=c call/1=e" {
		t.Errorf("calls: %q", got)
	}
	if got := all(t, j, "item/"); got != "item/2=d item/3= item/5=2" {
		t.Errorf("items: %q", got)
	}
	if v, err := j.Get("call/1"); string(v) != "e" || err != nil {
		t.Errorf("call/1: %q, %v", v, err)
	}
	if v, err := j.Get("item/3"); v == nil || len(v) != 0 || err != nil {
		t.Errorf("an empty value: %v, %v", v, err)
	}
	if _, err := j.Get("item/1"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("what was removed: %v", err)
	}
	stop := errors.New("stop")
	seen := 0
	if err := j.Each("", func(string, []byte) error { seen++; return stop }); !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%d seen, %v", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Commit(ctx, put("late", "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("too late: %v", err)
	}
	value := []byte("mine")
	must(t, j, journal.Record{Key: "own", Value: value})
	copy(value, "your")
	if v, _ := j.Get("own"); string(v) != "mine" {
		t.Errorf("a value changed with the caller's memory: %q", v)
	}
}

func TestManyCommitsShareOneMessage(t *testing.T) {
	set := &metric.Set{}
	l, _ := opened(t, journal.Config{Dir: t.TempDir(), NoSync: true, Metrics: set})
	const committers, each = 64, 8
	large := strings.Repeat("x", 20_000) // more than one message takes
	var everybody sync.WaitGroup
	for c := range committers {
		everybody.Go(func() {
			for i := range each {
				key := fmt.Sprintf("k/%d/%d", c, i)
				if err := l.Commit(t.Context(), put(key, key), put(key+"b", large)); err != nil {
					t.Error(err)
				}
				if v, err := l.Get(key); string(v) != key || err != nil {
					t.Errorf("%s: %q, %v", key, v, err)
				}
			}
		})
	}
	everybody.Wait()
	if n := l.Messages(); n > committers*each/4 {
		t.Errorf("%d messages for %d commits", n, committers*each)
	}
	if n := set.Counter("journal_commits_total", "", "", "").Value(); n != committers*each {
		t.Errorf("%d commits counted", n)
	}
	if n := set.Counter("journal_records_total", "", "", "").Value(); n != 2*committers*each {
		t.Errorf("%d records counted", n)
	}
}

func TestLaterGoesByItselfOrWithACommit(t *testing.T) {
	dir := t.TempDir()
	l, ticks := opened(t, journal.Config{Dir: dir})
	must(t, l, put("a", "1"), put("b", "2"))
	l.Later(gone("a"), put("c", "3"))
	if got := all(t, l, ""); got != "b=2" {
		t.Errorf("at once: %q", got)
	}
	if n := l.Messages(); n != 1 {
		t.Errorf("%d messages: Later did not wait", n)
	}
	ticks.pass(1)
	if got := all(t, l, ""); got != "b=2 c=3" || l.Messages() != 2 {
		t.Errorf("after a second: %q in %d messages", got, l.Messages())
	}
	l.Later(gone("b"))
	must(t, l, put("d", "4"))
	if n := l.Messages(); n != 3 {
		t.Errorf("%d messages: Later did not go along", n)
	}
	l.Later(gone("c"))
	l.Later(put("c", "5"))
	l.Close()
	again, _ := opened(t, journal.Config{Dir: dir})
	if got := all(t, again, ""); got != "d=4 c=5" {
		t.Errorf("opened again: %q", got)
	}
}

func TestOneServerAFolder(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, journal.Config{Dir: dir})
	if _, err := journal.Open(journal.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("opened twice: %v", err)
	}
	l.Close()
	again, err := journal.Open(journal.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	again.Close()
}

func TestNobodyWaitsForEver(t *testing.T) {
	set := &metric.Set{}
	l, _ := opened(t, journal.Config{Dir: t.TempDir(), Metrics: set})
	var started, everybody sync.WaitGroup
	var mu sync.Mutex
	var kept []string
	for c := range 32 {
		started.Add(1)
		everybody.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("k/%d/%d", c, i)
				err := l.Commit(t.Context(), put(key, "v"))
				if i == 0 {
					started.Done()
				}
				if errors.Is(err, journal.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				kept = append(kept, key)
				mu.Unlock()
			}
		})
	}
	started.Wait()
	l.Close()
	everybody.Wait()
	for range 3 {
		l.Later(put("x", "y"))
		if err := l.Commit(t.Context(), put("x", "y")); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := l.Get(kept[0]); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if err := l.Each("", func(string, []byte) error { return nil }); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
	if set.Counter("journal_failed_total", "reason", "closed", "").Value() < 32 || set.Counter("journal_failed_total", "reason", "later", "").Value() != 3 {
		t.Error("refusals were not counted")
	}
}

// logged is a logger, and what it was told.
func logged() (*slog.Logger, func() string) {
	var mu sync.Mutex
	var said strings.Builder
	write := writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(p)
	})
	return slog.New(slog.NewTextHandler(write, nil)), func() string {
		mu.Lock()
		defer mu.Unlock()
		return said.String()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
