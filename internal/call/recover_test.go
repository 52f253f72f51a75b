package call_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
)

// drawer is a journal in memory, and who is told.
type drawer struct {
	mu     sync.Mutex
	memos  map[string][]byte
	events []event.Event
	full   bool
	delay  time.Duration
}

func (d *drawer) keep(e call.Entry) error {
	if d.delay > 0 {
		<-time.After(d.delay)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e.Events...)
	if d.full {
		return errFull
	}
	if e.Changed {
		if d.memos[e.Call] = e.Memo; e.Memo == nil {
			delete(d.memos, e.Call)
		}
	}
	return nil
}

func (d *drawer) left() iter.Seq2[string, []byte] {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.All(maps.Clone(d.memos))
}

func (d *drawer) ids() string {
	var ids []string
	for _, e := range d.events {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func counted(s *metric.Set, name, value string) uint64 {
	return s.Counter(name, "reason", value, "").Value()
}

// A memo that cannot be read is counted and said, and the other calls are
// recovered all the same. A garbled one goes; one of another version stays for
// the program that can read it.
func TestRecoverGoesOnWhereAMemoCannotBeRead(t *testing.T) {
	good := ivr().machine.Memo()
	d := &drawer{memos: map[string][]byte{
		"garbled": good[:20], "later": bytes.Replace(good, []byte(`"v":1`), []byte(`"v":2`), 1), "one": good, "two": good,
	}}
	var log bytes.Buffer
	counts := new(metric.Set)
	calls := call.NewRegistry(call.Config{Keep: d.keep, Metrics: counts, Log: slog.New(slog.NewTextHandler(&log, nil))})
	n, err := calls.Recover(d.left(), nil)
	if n != 2 || err == nil || !strings.Contains(err.Error(), "2 calls") {
		t.Errorf("%d recovered, %v", n, err)
	}
	if len(d.memos) != 1 || d.memos["later"] == nil {
		t.Errorf("left are %s", d.memos)
	}
	if counted(counts, "call_memos_refused_total", "garbled") != 1 || counted(counts, "call_memos_refused_total", "version") != 1 || counts.Counter("calls_recovered_total", "", "", "").Value() != 2 {
		t.Errorf("counted %+v", counts.Read())
	}
	for _, name := range []string{"call=garbled", "call=later"} {
		if !strings.Contains(log.String(), name) {
			t.Errorf("no word of %s in\n%s", name, &log)
		}
	}
	told := map[string][]string{}
	for _, e := range d.events {
		told[e.Call] = append(told[e.Call], reflect.TypeOf(e.Body).Name())
	}
	for _, id := range []string{"one", "two"} {
		if got := strings.Join(told[id], " "); got != "ParticipantRemoved PlayFailed CallDisconnected CallEnded" {
			t.Errorf("call %s was told %s", id, got)
		}
	}
}

// Last words that could not be kept are said again, and are the same: an
// application that has heard them knows their ids.
func TestLastWordsThatCouldNotBeKeptAreSaidAgain(t *testing.T) {
	d := &drawer{memos: map[string][]byte{"call": busy().machine.Memo()}, full: true}
	counts := new(metric.Set)
	config := call.Config{Keep: d.keep, Metrics: counts, Recordings: &recording.Store{Dir: t.TempDir()}}
	if n, err := call.NewRegistry(config).Recover(d.left(), nil); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d recovered, %v", n, err)
	}
	if counts.Counter("calls_unkept_total", "", "", "").Value() != 1 {
		t.Error("it was not counted")
	}
	first := d.ids()
	d.full, d.events = false, nil
	if n, err := call.NewRegistry(config).Recover(d.left(), nil); n != 1 || err != nil {
		t.Errorf("%d recovered, %v", n, err)
	}
	if again := d.ids(); first == "" || first != again {
		t.Errorf("first %s\nagain %s", first, again)
	}
	if len(d.memos) != 0 {
		t.Errorf("left are %s", d.memos)
	}
}

// A recording whose sound cannot be completed yet is told after another restart;
// all else is told at once, and once.
func TestARecordingThatCannotBeCompletedYet(t *testing.T) {
	d := &drawer{memos: map[string][]byte{"call": busy().machine.Memo()}}
	config := call.Config{Keep: d.keep, Recordings: &recording.Store{Dir: t.TempDir()}}
	found := recording.Result{ID: "recording", Err: fmt.Errorf("no room: %w", recording.ErrUnfinished)}
	if n, err := call.NewRegistry(config).Recover(d.left(), []recording.Result{found}); n != 1 || err != nil {
		t.Errorf("%d recovered, %v", n, err)
	}
	told := func(name string) (n int) {
		for _, e := range d.events {
			if reflect.TypeOf(e.Body).Name() == name {
				n++
			}
		}
		return n
	}
	if told("RecordingFileReady") != 0 || told("CallDisconnected") != 2 || told("CallEnded") != 0 || len(d.memos) != 1 {
		t.Errorf("at first: %+v\nleft are %s", d.events, d.memos)
	}
	found.Err = nil
	if n, err := call.NewRegistry(config).Recover(d.left(), []recording.Result{found}); n != 1 || err != nil {
		t.Errorf("%d recovered, %v", n, err)
	}
	if told("RecordingFileReady") != 1 || told("CallDisconnected") != 2 || told("RecordingStateChanged") != 1 || told("CallEnded") != 1 || len(d.memos) != 0 {
		t.Errorf("then: %+v\nleft are %s", d.events, d.memos)
	}
	ids := map[string]bool{}
	for _, e := range d.events {
		if ids[e.ID] {
			t.Errorf("two events have the id %s", e.ID)
		}
		ids[e.ID] = true
	}
}

// BenchmarkRecover is a restart with 1,000 calls, where a commit takes the disk
// a millisecond.
func BenchmarkRecover(b *testing.B) {
	memo := busy().machine.Memo()
	for b.Loop() {
		d := &drawer{memos: map[string][]byte{}, delay: time.Millisecond}
		for i := range 1000 {
			d.memos[fmt.Sprint(i)] = memo
		}
		if n, err := call.NewRegistry(call.Config{Keep: d.keep}).Recover(d.left(), nil); n != 1000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
