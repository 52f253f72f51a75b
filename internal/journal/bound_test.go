package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

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
