// Package metric counts. Every refusal and every drop in tipring has a counter
// with a reason.
//
// # What it does
//
// A [Counter] is an atomic number that costs a nanosecond on the hot path; a
// [Set] holds the counters of one server and reads them all at once.
//
// # How it works
//
// Counters are made when the thing that counts is made, and found again by
// name and reason. The server serves a Set as Prometheus text at /metrics.
//
// # How to use it
//
//	refused := set.Counter("sip_refused_total", "reason", "bad digest", "SIP requests refused")
//	refused.Add(1)
package metric

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// A Counter only rises. A nil Counter counts nothing, so that packages work
// without a Set.
type Counter struct{ n atomic.Uint64 }

// Add adds n.
func (c *Counter) Add(n uint64) {
	if c != nil {
		c.n.Add(n)
	}
}

// Value is the count so far.
func (c *Counter) Value() uint64 {
	if c == nil {
		return 0
	}
	return c.n.Load()
}

// A Set is the counters of one server. Its zero value is ready; a nil Set hands
// out nil counters.
type Set struct {
	mu      sync.Mutex
	entries map[key]*entry
	gauges  []Reading
	reads   []func() float64
}

type key struct{ name, value string }

type entry struct {
	reading Reading
	counter *Counter
}

// A Reading is one metric at one moment, in Prometheus' terms.
type Reading struct {
	Name         string // without the tipring_ prefix
	Label, Value string // at most one label, such as reason="bad digest"
	Help         string
	Gauge        bool
	Number       float64
}

// Counter finds or makes the counter of this name and label value. label may be
// empty, and value with it.
func (s *Set) Counter(name, label, value, help string) *Counter {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = map[key]*entry{}
	}
	e := s.entries[key{name, value}]
	if e == nil {
		e = &entry{Reading{Name: name, Label: label, Value: value, Help: help}, new(Counter)}
		s.entries[key{name, value}] = e
	}
	return e.counter
}

// Gauge adds a number that is asked for whenever the Set is read.
func (s *Set) Gauge(name, label, value, help string, read func() float64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gauges = append(s.gauges, Reading{Name: name, Label: label, Value: value, Help: help, Gauge: true})
	s.reads = append(s.reads, read)
}

// Read gives all metrics, sorted by name and label value.
func (s *Set) Read() []Reading {
	s.mu.Lock()
	out := make([]Reading, 0, len(s.entries)+len(s.gauges))
	for _, e := range s.entries {
		r := e.reading
		r.Number = float64(e.counter.Value())
		out = append(out, r)
	}
	gauges, reads := slices.Clone(s.gauges), slices.Clone(s.reads)
	s.mu.Unlock()
	for i, g := range gauges { // asked outside the lock: a gauge may take locks of its own
		g.Number = reads[i]()
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return out
}
