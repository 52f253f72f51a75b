package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tipring/tipring/internal/journal"
)

// model is what a journal should hold: keys in the order of their puts.
type model struct {
	keys   []string
	values map[string]string
	bytes  int
}

func (m *model) apply(records []journal.Record) {
	for _, r := range records {
		if _, ok := m.values[r.Key]; ok {
			m.bytes -= len(m.values[r.Key])
			delete(m.values, r.Key)
			m.keys = slices.DeleteFunc(m.keys, func(k string) bool { return k == r.Key })
		}
		if r.Value != nil {
			m.values[r.Key] = string(r.Value)
			m.keys = append(m.keys, r.Key)
			m.bytes += len(r.Value)
		}
	}
}

func (m *model) String() string {
	var said []string
	for _, k := range m.keys {
		said = append(said, k+"="+brief(m.values[k]))
	}
	return strings.Join(said, " ")
}

func brief(v string) string { return fmt.Sprintf("%.12s…%d", v, len(v)) }

// TestEveryHistoryReadsBackAsItWas: random commits, removals and pauses, with
// the head being cleaned all the time, and the journal opened again at any
// moment: closed before, or as a copy of its folder, as a killed process leaves it.
func TestEveryHistoryReadsBackAsItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{t: t, rt: rt, model: model{values: map[string]string{}}, dir: t.TempDir()}
		h.open()
		defer func() { h.log.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"commit": h.commit,
			"later":  h.later,
			"pass":   func(rt *rapid.T) { h.clock.pass(rapid.SampledFrom([]int{1, 1, 12, 70}).Draw(rt, "seconds")) },
			"close":  func(*rapid.T) { h.log.Close(); h.open(); h.check() },
			"kill":   func(*rapid.T) { h.kill(); h.check() },
		})
		h.clock.pass(1)
		h.check()
	})
}

type history struct {
	t     *testing.T
	rt    *rapid.T
	model model
	dir   string
	log   *journal.Log
	clock clock
	n     int

	unseen int // bytes since a tick
}

func (h *history) open() {
	h.log, h.clock = opened(h.t, journal.Config{Dir: h.dir, NoSync: true, MaxBytes: 600 << 10})
}

// records are a few puts and removals of 40 keys, with values that tell them
// apart; not more than 150 KB are live.
func (h *history) records(rt *rapid.T) []journal.Record {
	var records []journal.Record
	for range rapid.IntRange(1, 6).Draw(rt, "records") {
		h.n++
		key := fmt.Sprintf("%s/%d", rapid.SampledFrom([]string{"call", "item"}).Draw(rt, "kind"), rapid.IntRange(0, 19).Draw(rt, "id"))
		size := rapid.SampledFrom([]int{0, 3, 3000, 20_000}).Draw(rt, "size")
		if rapid.IntRange(0, 9).Draw(rt, "remove") < 4 || h.model.bytes+size > 150_000 {
			records = append(records, gone(key))
		} else {
			records = append(records, put(key, fmt.Sprintf("%d%s", h.n, strings.Repeat("v", size))))
		}
	}
	return records
}

func (h *history) commit(rt *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(rt, "commits") {
		records := h.records(rt)
		if err := h.log.Commit(h.t.Context(), records...); err != nil {
			bytes, live := h.log.Size()
			h.rt.Fatalf("%v, with %d bytes, %d of them needed, %d in the model", err, bytes, live, h.model.bytes)
		}
		h.model.apply(records)
		for _, r := range records {
			h.unseen += len(r.Value)
		}
		if h.unseen > 60_000 { // that there is always room is not what is looked at here
			h.clock.pass(1)
			h.unseen = 0
		}
	}
	h.clock.pass(1)
}

func (h *history) later(rt *rapid.T) {
	records := h.records(rt)
	h.log.Later(records...)
	h.model.apply(records)
	if rapid.Bool().Draw(rt, "wait") {
		h.clock.pass(1)
	} else {
		h.commit(rt)
	}
}

// kill goes on with a copy of the folder, made while it is in use.
func (h *history) kill() {
	h.clock.pass(1)
	dir := h.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(h.dir)); err != nil {
		h.rt.Fatal(err)
	}
	h.log.Close()
	h.dir = filepath.Join(dir, "copy")
	h.open()
}

func (h *history) check() {
	var said []string
	err := h.log.Each("", func(key string, value []byte) error {
		said = append(said, key+"="+brief(string(value)))
		return nil
	})
	if got, want := strings.Join(said, " "), h.model.String(); got != want || err != nil {
		h.rt.Fatalf("there is %s (%v)\nwanted %s", got, err, want)
	}
	for key, want := range h.model.values {
		if got, err := h.log.Get(key); string(got) != want || err != nil {
			h.rt.Fatalf("%s is %s (%v), wanted %s", key, brief(string(got)), err, brief(want))
		}
	}
}
