package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

func item(id, url string) outbox.Item {
	return outbox.Item{
		ID: id, Key: "k", URL: url, Type: "CallConnected", Header: map[string]string{"Content-Type": "application/json"},
		Body: []byte("body of " + id), Created: time.Now(), Life: 24 * time.Hour,
	}
}

func open(t testing.TB, c outbox.Config) *outbox.Box {
	t.Helper()
	box, err := outbox.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// add appends one item and wants it taken.
func add(t testing.TB, box *outbox.Box, it outbox.Item) *outbox.Entry {
	t.Helper()
	entries, refused, err := box.Append(t.Context(), []outbox.Item{it})
	if err != nil || len(refused) > 0 {
		t.Fatalf("append %s: %v %v", it.ID, refused, err)
	}
	return entries[0]
}

func pending(box *outbox.Box) string {
	var ids []string
	for _, e := range box.Pending() {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

// body loads what an item says.
func body(t testing.TB, box *outbox.Box, e *outbox.Entry) string {
	t.Helper()
	it, err := box.Load(e)
	if err != nil {
		t.Fatalf("load %s: %v", e.ID, err)
	}
	if it.ID != e.ID || it.Key != e.Key || it.URL != e.URL || it.Type != "CallConnected" || it.Header["Content-Type"] != "application/json" {
		t.Errorf("%s became %+v", e.ID, it)
	}
	return string(it.Body)
}

// sick is a journal that refuses commits while it is ill.
type sick struct {
	journal.Memory
	mu  sync.Mutex
	ill error
	do  func() // within a commit
}

func (s *sick) Commit(ctx context.Context, records ...journal.Record) error {
	s.mu.Lock()
	err, do := s.ill, s.do
	s.mu.Unlock()
	if do != nil {
		do()
	}
	if err != nil {
		return err
	}
	return s.Memory.Commit(ctx, records...)
}

func (s *sick) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ill = err
}

func TestWhatIsNotDoneIsThereAfterARestartInOrder(t *testing.T) {
	j := &journal.Memory{}
	box := open(t, outbox.Config{Journal: j})
	for i := range 12 {
		e := add(t, box, item(fmt.Sprint(i), "http://a/"))
		if i%3 == 0 {
			box.Done(e)
			box.Done(e)
		}
	}
	if _, refused, err := box.Append(t.Context(), []outbox.Item{item("4", "http://a/"), item("new", "http://a/")}); err != nil || len(refused) != 1 || !errors.Is(refused[0].Err, outbox.ErrDuplicate) {
		t.Errorf("the same again: %v %v", refused, err)
	}
	again := add(t, box, item("0", "http://a/"))
	const want = "1 2 4 5 7 8 10 11 new 0"
	if got := pending(box); got != want {
		t.Errorf("pending %q", got)
	}
	if !again.Deadline.Equal(again.Since.Add(24 * time.Hour)) {
		t.Errorf("it came at %v and has time until %v", again.Since, again.Deadline)
	}
	next := open(t, outbox.Config{Journal: j})
	if got := pending(next); got != want {
		t.Errorf("after a restart %q", got)
	}
	for _, e := range next.Pending() {
		if got := body(t, next, e); got != "body of "+e.ID {
			t.Errorf("%s says %q", e.ID, got)
		}
	}
	if add(t, next, item("last", "http://a/")); !strings.HasSuffix(pending(open(t, outbox.Config{Journal: j})), " 0 last") {
		t.Errorf("what comes after a restart is not the last: %q", pending(next))
	}
}

func TestItemsAndOtherRecordsAreKeptTogether(t *testing.T) {
	j := &sick{}
	box := open(t, outbox.Config{Journal: j, MaxItems: 8})
	memo := journal.Record{Key: "call/1", Value: []byte("memo")}
	if _, _, err := box.Append(t.Context(), []outbox.Item{item("1", "http://a/")}, memo); err != nil {
		t.Fatal(err)
	}
	commits := 0
	j.do = func() { commits++ }
	if _, refused, err := box.Append(t.Context(), []outbox.Item{item("2", "http://a/"), item("3", "http://a/")}, journal.Record{Key: "call/1"}); err != nil || len(refused) != 1 {
		t.Errorf("refused %v, %v", refused, err)
	}
	if _, err := j.Get("call/1"); !errors.Is(err, journal.ErrNotFound) || commits != 1 {
		t.Errorf("a refused item kept the record: %v, %d commits", err, commits)
	}
	if _, _, err := box.Append(t.Context(), nil, memo); err != nil || commits != 2 {
		t.Errorf("records alone: %v, %d commits", err, commits)
	}
	if _, _, err := box.Append(t.Context(), nil); err != nil || commits != 2 {
		t.Errorf("nothing: %v, %d commits", err, commits)
	}
	j.set(journal.ErrFull)
	_, _, err := box.Append(t.Context(), []outbox.Item{item("4", "http://b/")}, journal.Record{Key: "call/2", Value: []byte("memo")})
	if _, lost := j.Get("call/2"); !errors.Is(err, journal.ErrFull) || lost == nil {
		t.Errorf("a full journal: %v, the record is there: %v", err, lost == nil)
	}
}

func TestTheBoundsHoldAndOneHostCannotTakeAll(t *testing.T) {
	size := int64(512 + len("h0 000") + len("k") + len("http://h0/") + len("CallConnected") + len("Content-Type") + len("application/json") + len("body of h0 000"))
	for name, c := range map[string]outbox.Config{"items": {MaxItems: 40}, "bytes": {MaxBytes: 40 * size}} {
		t.Run(name, func(t *testing.T) {
			c.Metrics = &metric.Set{}
			box := open(t, c)
			taken := map[string][]*outbox.Entry{}
			for i := range 100 {
				for h := range 6 {
					host := fmt.Sprintf("h%d", h)
					entries, refused, err := box.Append(t.Context(), []outbox.Item{item(fmt.Sprintf("%s %03d", host, i), "http://"+host+"/")})
					taken[host] = append(taken[host], entries...)
					if err != nil || len(refused) == 1 && !errors.Is(refused[0].Err, outbox.ErrFull) {
						t.Fatal(err, refused)
					}
				}
			}
			total := 0
			for host, entries := range taken {
				total += len(entries)
				if len(entries) > 10 {
					t.Errorf("%s took %d of 40", host, len(entries))
				}
			}
			if total != 40 {
				t.Errorf("%d taken, want 40", total)
			}
			for _, e := range taken["h0"] {
				box.Done(e)
			}
			add(t, box, item("h0 new", "http://h0/"))
			if c.Metrics.Counter("outbox_refused_total", "reason", "full", "").Value() == 0 {
				t.Error("a refusal was not counted")
			}
		})
	}
	set := &metric.Set{}
	one := open(t, outbox.Config{MaxItems: 8, Metrics: set})
	for i := range 3 {
		_, refused, err := one.Append(t.Context(), []outbox.Item{item(fmt.Sprint(i), "http://dead/")})
		if err != nil || len(refused) > 0 != (i == 2) {
			t.Errorf("item %d of one host: %v %v", i, refused, err)
		}
		if len(refused) > 0 && !strings.Contains(refused[0].Err.Error(), "dead") {
			t.Errorf("the error does not name the host: %v", refused[0].Err)
		}
	}
	if n := set.Counter("outbox_refused_total", "reason", "host", "").Value(); n != 1 {
		t.Errorf("%d refusals counted", n)
	}
}

// TestMemoryIsBounded: what does not fit is read from the journal when it is
// asked for, and a host that is down leaves room for the others.
func TestMemoryIsBounded(t *testing.T) {
	set := &metric.Set{}
	j := &journal.Memory{}
	box := open(t, outbox.Config{Journal: j, Memory: 64 << 10, Metrics: set})
	big := func(id, url string) outbox.Item {
		it := item(id, url)
		it.Body = []byte(strings.Repeat(id+" ", 1000))
		return it
	}
	var all []*outbox.Entry
	for i := range 50 {
		all = append(all, add(t, box, big(fmt.Sprintf("dead%02d", i), "http://dead/")))
	}
	if held := gauge(t, set, "outbox_memory_bytes"); held > 16<<10 {
		t.Errorf("one host has %v bytes of the memory", held)
	}
	for i := range 50 {
		all = append(all, add(t, box, big(fmt.Sprintf("live%02d", i), fmt.Sprintf("http://live%d/", i))))
	}
	if held := gauge(t, set, "outbox_memory_bytes"); held > 64<<10 || held < 48<<10 {
		t.Errorf("%v bytes are in memory", held)
	}
	restarted := open(t, outbox.Config{Journal: j, Memory: 64 << 10})
	for i, e := range restarted.Pending() {
		if got, want := body(t, restarted, e), strings.Repeat(e.ID+" ", 1000); got != want {
			t.Errorf("%s says %.20q after the restart", e.ID, got)
		}
		if got, want := body(t, box, all[i]), strings.Repeat(e.ID+" ", 1000); got != want {
			t.Errorf("%s says %.20q", all[i].ID, got)
		}
	}
	for _, e := range all {
		box.Done(e)
	}
	for _, name := range []string{"outbox_items", "outbox_bytes", "outbox_memory_bytes", "outbox_oldest_seconds"} {
		if n := gauge(t, set, name); n != 0 {
			t.Errorf("%s is %v when all is done", name, n)
		}
	}
	if _, err := j.Get("item/" + all[0].ID); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("it is done, and still in the journal: %v", err)
	}
}

func gauge(t *testing.T, s *metric.Set, name string) float64 {
	t.Helper()
	for _, r := range s.Read() {
		if r.Name == name {
			return r.Number
		}
	}
	t.Fatalf("no gauge %s", name)
	return 0
}

// TestWhatCannotBeReadDoesNotStopTheRest of the outbox.
func TestWhatCannotBeReadDoesNotStopTheRest(t *testing.T) {
	set := &metric.Set{}
	j := &journal.Memory{}
	box := open(t, outbox.Config{Journal: j, Memory: 1})
	var entries []*outbox.Entry
	for i := range 3 {
		entries = append(entries, add(t, box, item(fmt.Sprint(i), "http://a/")))
	}
	j.Later(journal.Record{Key: "item/1", Value: []byte("\x01nonsense")}, journal.Record{Key: "item/x", Value: nil}, journal.Record{Key: "item/2"})
	next := open(t, outbox.Config{Journal: j, Metrics: set})
	if got := pending(next); got != "0" {
		t.Errorf("pending %q", got)
	}
	if n := set.Counter("outbox_unreadable_total", "", "", "").Value(); n != 1 {
		t.Errorf("%d counted", n)
	}
	for _, e := range entries[1:] {
		if _, err := box.Load(e); !errors.Is(err, outbox.ErrNotFound) {
			t.Errorf("load %s: %v", e.ID, err)
		}
	}
	if _, err := j.Get("item/1"); !errors.Is(err, journal.ErrNotFound) {
		t.Error("it comes again at the next start")
	}
}

func TestManyAtOnce(t *testing.T) {
	j := &journal.Memory{}
	box := open(t, outbox.Config{Journal: j, Memory: 8 << 10})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 300 {
				it := item(fmt.Sprintf("%d/%d", g, i), fmt.Sprintf("http://host%d/", g))
				entries, refused, err := box.Append(t.Context(), []outbox.Item{it})
				if err != nil || len(refused) > 0 {
					t.Error(refused, err)
					return
				}
				if _, err := box.Load(entries[0]); err != nil {
					t.Error(err)
				}
				if i%2 == 0 {
					box.Done(entries[0])
				}
			}
		})
	}
	all.Wait()
	if n := len(box.Pending()); n != 8*150 {
		t.Errorf("%d pending", n)
	}
	if a, b := pending(box), pending(open(t, outbox.Config{Journal: j})); a != b {
		t.Error("a restart has another order")
	}
}

func BenchmarkAppendDone(b *testing.B) {
	box := open(b, outbox.Config{})
	it := item("id", "http://app.example:8080/callbacks?call=1")
	b.ReportAllocs()
	for b.Loop() {
		box.Done(add(b, box, it))
	}
}
