package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

// TestTheLogKeepsIt: the journal that a server has, over two restarts.
func TestTheLogKeepsIt(t *testing.T) {
	dir, want := t.TempDir(), ""
	for run := range 3 {
		j, err := journal.Open(journal.Config{Dir: dir, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		shelf, err := j.Shelf("deadletters", journal.ShelfConfig{})
		if err != nil {
			t.Fatal(err)
		}
		box := open(t, outbox.Config{Journal: j, Shelf: shelf, Memory: 1})
		if got := pending(box); got != want {
			t.Errorf("run %d begins with %q, want %q", run, got, want)
		}
		if letters, err := box.Letters(0, 10); err != nil || len(letters) != run {
			t.Errorf("run %d has %d letters: %v", run, len(letters), err)
		}
		for i := range 10 {
			it := item(fmt.Sprintf("%d-%d http://a/b?c=d", run, i), "http://a/")
			e := add(t, box, it)
			if got := body(t, box, e); got != "body of "+it.ID {
				t.Errorf("it says %q", got)
			}
			switch i {
			case 3:
				if err := box.Bury(t.Context(), e, outbox.Obituary{Reason: "refused"}); err != nil {
					t.Error(err)
				}
			case 5, 7: // are left
			default:
				box.Done(e)
			}
		}
		want = pending(box)
		j.Close()
	}
	if strings.Count(want, "?c=d") != 6 {
		t.Errorf("the last run has %q", want)
	}
}

// TestAFullDiskLosesNothingWhileTheProcessLives: items are kept in memory, and
// written when there is room again; in the order in which they came.
func TestAFullDiskLosesNothingWhileTheProcessLives(t *testing.T) {
	set := &metric.Set{}
	j := &sick{}
	box := open(t, outbox.Config{Journal: j, Memory: 100 << 10, Metrics: set})
	add(t, box, item("before", "http://a/"))
	j.set(journal.ErrFull)
	var entries []*outbox.Entry
	for i := range 20 {
		got, refused, err := box.Append(t.Context(), []outbox.Item{item(fmt.Sprintf("full%02d", i), "http://a/")})
		if !errors.Is(err, journal.ErrFull) || len(refused) > 0 {
			t.Fatalf("%v %v", refused, err)
		}
		entries = append(entries, got...)
		if got := body(t, box, entries[i]); got != "body of "+entries[i].ID {
			t.Errorf("it says %q", got)
		}
	}
	if n := set.Counter("outbox_unsaved_total", "", "", "").Value(); n != 20 {
		t.Errorf("%d counted", n)
	}
	_, refused, _ := box.Append(t.Context(), func() (many []outbox.Item) {
		for i := range 100 {
			many = append(many, item(fmt.Sprintf("more%02d", i), "http://a/"))
		}
		return many
	}())
	if n := set.Counter("outbox_refused_total", "reason", "memory", "").Value(); n == 0 || int(n) != len(refused) {
		t.Errorf("memory had no bound: %d refused, %d counted", len(refused), n)
	}
	box.Done(entries[0])
	j.set(nil)
	j.do = func() { box.Done(entries[1]) } // delivered while it is written
	if err := box.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.do = nil
	add(t, box, item("after", "http://a/"))
	next := pending(open(t, outbox.Config{Journal: j}))
	if next != pending(box) || !strings.HasPrefix(next, "before full02 full03") || !strings.HasSuffix(next, " after") {
		t.Errorf("after a restart %q, before %q", next, pending(box))
	}
}

// TestTheNextAppendWritesWhatTheJournalRefused without a Save.
func TestTheNextAppendWritesWhatTheJournalRefused(t *testing.T) {
	j := &sick{ill: errors.New("the disk is gone")}
	box := open(t, outbox.Config{Journal: j})
	if _, _, err := box.Append(t.Context(), []outbox.Item{item("1", "http://a/")}); err == nil {
		t.Fatal("no error")
	}
	j.set(nil)
	add(t, box, item("2", "http://a/"))
	if got := pending(open(t, outbox.Config{Journal: j})); got != "1 2" {
		t.Errorf("after a restart %q", got)
	}
}

// TestAgeAcrossARestart: by the wall clock, as far as that makes sense.
func TestAgeAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal.Memory{}
		box := open(t, outbox.Config{Journal: j})
		for name, created := range map[string]time.Duration{"new": 0, "old": -23 * time.Hour, "over": -25 * time.Hour, "future": time.Hour} {
			it := item(name, "http://a/")
			it.Created = time.Now().Add(created)
			add(t, box, it)
		}
		for name, e := range byID(box) {
			if left := time.Until(e.Deadline); left != 24*time.Hour {
				t.Errorf("%s has %v left while its process lives", name, left)
			}
		}
		<-time.After(10 * time.Minute)
		want := map[string]time.Duration{"new": 24*time.Hour - 10*time.Minute, "old": 50 * time.Minute, "over": 0, "future": 24 * time.Hour}
		for name, e := range byID(open(t, outbox.Config{Journal: j})) {
			if left := time.Until(e.Deadline); left != want[name] {
				t.Errorf("%s has %v left after the restart, want %v", name, left, want[name])
			}
		}
	})
}

func byID(box *outbox.Box) map[string]*outbox.Entry {
	all := map[string]*outbox.Entry{}
	for _, e := range box.Pending() {
		all[e.ID] = e
	}
	return all
}
