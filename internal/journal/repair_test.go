package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

// broken is a journal with a=1 and b=2 that has just lost the answer to a commit,
// and waits to be opened again.
func broken(t *testing.T, c journal.Config) (*journal.Log, clock) {
	t.Helper()
	l, ticks := opened(t, c)
	must(t, l, put("a", "1"), put("b", "2"))
	if err := l.Stray(put("stray", "x"), gone("a")); err != nil {
		t.Fatal(err)
	}
	for l.Commit(t.Context(), put("a", "1")) == nil { // until the writer has heard of it
	}
	return l, ticks
}

// TestWhatWasNotPromisedIsNotKept: a message that was written although its commit
// failed is deleted when the store is opened again.
func TestWhatWasNotPromisedIsNotKept(t *testing.T) {
	set := &metric.Set{}
	log, said := logged()
	c := journal.Config{Dir: t.TempDir(), Metrics: set, Log: log}
	l, ticks := broken(t, c)
	ticks.pass(1)
	for range 2 {
		if v, err := l.Get("a"); string(v) != "1" || err != nil {
			t.Errorf("a is %q, %v", v, err)
		}
		if _, err := l.Get("stray"); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("the stray one: %v", err)
		}
		l.Close()
		l, _ = opened(t, c)
	}
	for _, r := range set.Read() {
		if r.Name == "journal_damaged_total" && r.Number > 0 {
			t.Errorf("damage is told of: %s: %s", r.Value, said())
		}
	}
}

// TestRemovalsOutliveATrouble: what Later removes while nothing can be written is
// removed afterwards; what it puts is dropped and counted.
func TestRemovalsOutliveATrouble(t *testing.T) {
	set := &metric.Set{}
	c := journal.Config{Dir: t.TempDir(), Metrics: set}
	l, ticks := broken(t, c)
	l.Later(gone("b"), put("late", "x"), gone("never"))
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get("b"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("b is there again: %v", err)
	}
	ticks.pass(1)
	must(t, l, put("d", "4"))
	for range 2 {
		if got := all(t, l, ""); got != "a=1 d=4" {
			t.Errorf("there is %q", got)
		}
		l.Close()
		l, _ = opened(t, c)
	}
	if set.Counter("journal_failed_total", "reason", "later", "").Value() != 1 {
		t.Error("the late one was not counted")
	}
}

func TestACommitThatWasGivenUpIsNotKept(t *testing.T) {
	l, ticks := opened(t, journal.Config{Dir: t.TempDir()})
	release := l.Hold()
	l.Later(put("first", "1"))
	ticks <- time.Time{}
	for l.Waiting() { // until the first has been taken
	}
	var everybody sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	value := []byte("mine")
	everybody.Go(func() {
		if err := l.Commit(ctx, journal.Record{Key: "second", Value: value}); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		copy(value, "your")
		release()
	})
	for !l.Waiting() { // until the second waits
	}
	cancel()
	everybody.Wait()
	must(t, l, put("third", "3"))
	if got := all(t, l, ""); got != "first=1 third=3" {
		t.Errorf("there is %q", got)
	}
}

func TestEveryCommitIsSyncedUnlessItNeedNot(t *testing.T) {
	for _, c := range []journal.Config{{Dir: t.TempDir()}, {Dir: t.TempDir(), NoSync: true}} {
		l, _ := opened(t, c)
		if l.Syncs() == c.NoSync {
			t.Errorf("NoSync %v, and every message is synced: %v", c.NoSync, l.Syncs())
		}
	}
}

func TestWhatIsRemovedWhileItIsCarriedStaysRemoved(t *testing.T) {
	if journal.CarryInFlight() {
		t.Error("it is there again")
	}
}

// TestAnUndonePurgeBringsNothingBack: after a power cut a file that was deleted
// may be there again, and those that followed may not.
func TestAnUndonePurgeBringsNothingBack(t *testing.T) {
	dir := t.TempDir()
	l, ticks := opened(t, journal.Config{Dir: dir, NoSync: true})
	must(t, l, put("gone", "1"), put("stays", "2"))
	filler := strings.Repeat("f", 1<<20)
	for i := range 12 {
		must(t, l, put("x", fmt.Sprint(i, filler)))
	}
	block, err := os.ReadFile(stored(dir, "msgs", "1.blk"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, l, gone("gone"))
	for i := range 30 {
		must(t, l, put("x", fmt.Sprint(i, filler)))
	}
	must(t, l, gone("x"))
	ticks.pass(3)
	must(t, l, put("new", "3"))
	l.Close()
	for name, data := range map[string][]byte{"1.blk": block, "index.db": nil} {
		if _, err := os.Stat(stored(dir, "msgs", name)); (err == nil) != (name == "index.db") {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.WriteFile(stored(dir, "msgs", name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, _ := opened(t, journal.Config{Dir: dir, NoSync: true})
	if got := all(t, again, ""); got != "stays=2 new=3" {
		t.Errorf("there is %.100q", got)
	}
}

func TestALongLogIsReadWhole(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, journal.Config{Dir: dir, NoSync: true})
	var want []string
	for i := range 6000 {
		must(t, l, put(fmt.Sprintf("k/%d", i), fmt.Sprint(i)))
		if i%3 == 0 {
			must(t, l, gone(fmt.Sprintf("k/%d", i/2)))
		}
	}
	want = strings.Fields(all(t, l, ""))
	l.Close()
	again, _ := opened(t, journal.Config{Dir: dir, NoSync: true})
	if got := strings.Fields(all(t, again, "")); len(got) != 4000 || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d records, before %d", len(got), len(want))
	}
}

// TestAGuardOutlivesAKilledServer: a server that was killed after it had deleted
// a stream that it could not open leaves what it had in the guard.
func TestAGuardOutlivesAKilledServer(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, journal.Config{Dir: dir})
	must(t, l, put("a", "1"))
	l.Close()
	streams := stored(dir, "..")
	guard := strings.Replace(streams, "store", "guard", 1)
	if err := os.MkdirAll(guard, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(stored(dir), guard+"/JOURNAL"); err != nil {
		t.Fatal(err)
	}
	again, _ := opened(t, journal.Config{Dir: dir})
	if got := all(t, again, ""); got != "a=1" {
		t.Errorf("there is %q", got)
	}
	if _, err := os.Stat(guard); !os.IsNotExist(err) {
		t.Errorf("the guard is still there: %v", err)
	}
}
