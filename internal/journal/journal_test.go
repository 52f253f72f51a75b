package journal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
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

// TestACommitIsAsLargeAsItMayBe: what is too large is refused by itself, and the
// largest possible ones can also be carried forward.
func TestACommitIsAsLargeAsItMayBe(t *testing.T) {
	dir := t.TempDir()
	set := &metric.Set{}
	l, ticks := opened(t, journal.Config{Dir: dir, NoSync: true, Metrics: set})
	large := strings.Repeat("x", journal.MaxCommit-100)
	must(t, l, put("large", large))
	if err := l.Commit(t.Context(), put("a", large), put("b", large)); err == nil {
		t.Error("a commit of 8 MiB")
	}
	if n := set.Counter("journal_failed_total", "reason", "large", "").Value(); n != 1 {
		t.Errorf("%d refusals counted", n)
	}
	for i := range 20 { // garbage enough to carry the large one over
		must(t, l, put("churn", large), put("small", fmt.Sprint(i)))
	}
	ticks.pass(2)
	if n, live := l.Size(); n > 2*live+8<<20 {
		t.Errorf("%d bytes for %d live ones: it was not cleaned", n, live)
	}
	for range 2 {
		if v, err := l.Get("large"); string(v) != large || err != nil {
			t.Errorf("the large one has %d bytes: %v", len(v), err)
		}
		l.Close()
		l, _ = opened(t, journal.Config{Dir: dir})
	}
}

// TestTheHeadIsCleaned: one record stays for long while others come and go.
func TestTheHeadIsCleaned(t *testing.T) {
	dir := t.TempDir()
	set := &metric.Set{}
	l, ticks := opened(t, journal.Config{Dir: dir, NoSync: true, Metrics: set})
	must(t, l, put("item/long", "L"), put("item/short", "S"))
	must(t, l, put("item/second", "2"))
	filler := strings.Repeat("f", 10_000)
	for i := range 3000 { // 30 MB
		must(t, l, put(fmt.Sprintf("x/%d", i), filler))
		l.Later(gone(fmt.Sprintf("x/%d", i)))
		if i == 10 {
			l.Later(gone("item/short"))
		}
		if i%500 == 0 {
			ticks.pass(1)
		}
	}
	ticks.pass(1)
	if n, live := l.Size(); n > 20<<20 || live > 100 {
		t.Errorf("%d bytes on disk, %d needed", n, live)
	}
	if set.Counter("journal_cleaned_total", "", "", "").Value() < 1000 {
		t.Error("little was cleaned")
	}
	for i := range 50 { // garbage behind what is live
		must(t, l, put("x", fmt.Sprint(i, filler)))
	}
	l.Later(gone("x"))
	ticks.pass(70) // a minute of peace
	if n, _ := l.Size(); n > 100_000 {
		t.Errorf("%d bytes on disk after a minute", n)
	}
	messages := l.Messages()
	ticks.pass(300)
	if n := l.Messages(); n != messages {
		t.Errorf("%d messages were written for nothing", n-messages)
	}
	want := "item/long=L item/second=2"
	if got := all(t, l, ""); got != want {
		t.Errorf("left: %q", got)
	}
	l.Close()
	again, _ := opened(t, journal.Config{Dir: dir})
	if got := all(t, again, ""); got != want {
		t.Errorf("opened again: %q", got)
	}
	for _, r := range set.Read() {
		if r.Name == "journal_bytes" && r.Number > 100_000 || r.Name == "journal_live_bytes" && r.Number == 0 {
			t.Errorf("%s is %v", r.Name, r.Number)
		}
	}
}

func TestALogThatIsFullSaysSoAndGoesOn(t *testing.T) {
	set := &metric.Set{}
	l, ticks := opened(t, journal.Config{Dir: t.TempDir(), NoSync: true, MaxBytes: 1 << 20, Metrics: set})
	value := strings.Repeat("v", 4000)
	n := 0
	for ; ; n++ {
		err := l.Commit(t.Context(), put(fmt.Sprintf("k/%03d", n), value))
		if errors.Is(err, journal.ErrFull) {
			break
		}
		if err != nil || n > 300 {
			t.Fatalf("commit %d: %v", n, err)
		}
	}
	if n < 200 {
		t.Errorf("full after %d of 4 KB", n)
	}
	if v, err := l.Get("k/000"); string(v) != value || err != nil {
		t.Errorf("k/000: %v", err)
	}
	if got := strings.Count(all(t, l, "k/"), value); got != n {
		t.Errorf("%d of %d are there", got, n)
	}
	var removals []journal.Record
	for i := range n / 2 {
		removals = append(removals, gone(fmt.Sprintf("k/%03d", i)))
	}
	must(t, l, removals...) // makes room, so there is room for it
	ticks.pass(1)
	for i := range n / 4 {
		must(t, l, put(fmt.Sprintf("new/%d", i), value))
	}
	if set.Counter("journal_failed_total", "reason", "full", "").Value() != 1 {
		t.Error("the refusal was not counted")
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

var _ io.Writer = writerFunc(nil)

func FuzzDecode(f *testing.F) {
	f.Add(journal.Encode())
	f.Add(journal.Encode(put("call/1", "memo"), gone("item/1"), put("item/2", "carried"), put("empty", "")))
	f.Fuzz(func(t *testing.T, msg []byte) {
		said, err := journal.Decode(msg)
		if err != nil && said != nil {
			t.Error("something was read from a garbled message")
		}
		sealed := journal.Seal(slices.Clone(msg)) // past the checksum
		_, _ = journal.Decode(sealed)
	})
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	records := []journal.Record{put("a", "1"), gone("b"), put("c", "carried"), put("d", ""), put("", "no key")}
	msg := journal.Encode(records...)
	got, err := journal.Decode(msg)
	if err != nil || len(got) != len(records) {
		t.Fatal(got, err)
	}
	for i, r := range got {
		if r.Key != records[i].Key || string(r.Value) != string(records[i].Value) {
			t.Errorf("%d: %q=%q", i, r.Key, r.Value)
		}
	}
	for i := range msg {
		bad := slices.Clone(msg)
		bad[i] ^= 0x10
		if _, err := journal.Decode(bad); err == nil {
			t.Errorf("byte %d was changed, and nobody noticed", i)
		}
		if _, err := journal.Decode(msg[:i]); err == nil {
			t.Errorf("cut at byte %d, and nobody noticed", i)
		}
	}
}
