package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A ledger has a note of every attempt to deliver an event.
type ledger struct {
	mu     sync.Mutex
	lanes  map[string]*lane
	faults []string
}

// arrive notes that an attempt has begun, and says how often the event has been
// refused so far.
func (l *ledger) arrive(endpoint string, n note) (it *note, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.of(endpoint, n.lane)
	if of.endpoint != endpoint {
		l.fault("%s of %s came to %s in place of %s", n.kind, n.lane, endpoint, of.endpoint)
	}
	if last := of.last(); last != nil && !last.settled {
		l.fault("%s of %s came while %s was under way", n.kind, n.lane, last.kind)
	}
	of.notes = append(of.notes, &n)
	return &n, of.refused[n.id]
}

// of finds a lane.
func (l *ledger) of(endpoint, name string) *lane {
	if l.lanes == nil {
		l.lanes = map[string]*lane{}
	}
	if l.lanes[name] == nil {
		l.lanes[name] = &lane{endpoint: endpoint, refused: map[string]int{}}
	}
	return l.lanes[name]
}

// settle notes how an attempt was answered.
func (l *ledger) settle(n *note, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.settled, n.answered = true, answered
	if !answered {
		l.lanes[n.lane].refused[n.id]++
	}
}

// silence notes that a connection has no play.
func (l *ledger) silence(endpoint, connection string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(endpoint, connection).mute = true
}

// wrong notes what should not have happened.
func (l *ledger) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault(format, args...)
}

func (l *ledger) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// A report is what became of all calls.
type report struct {
	Calls, Over int                // connections that were heard of, and those whose last event was accepted
	Endpoints   map[string]account // by name
	Faults      []string           // the first of them
	FaultCount  int
}

// report sums up.
func (l *ledger) report() report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := report{Endpoints: map[string]account{}}
	faults := slices.Clone(l.faults)
	took := map[string][]float64{}
	first, last := map[string]int64{}, map[string]int64{}
	for _, name := range slices.Sorted(maps.Keys(l.lanes)) {
		of := l.lanes[name]
		if of.endpoint != gridName {
			r.Calls++
			if of.over() {
				r.Over++
			}
		}
		for _, f := range of.faults() {
			faults = append(faults, of.endpoint+", "+name+": "+f)
		}
		a := r.Endpoints[of.endpoint]
		a.add(of, func(ms float64) { took[of.endpoint] = append(took[of.endpoint], ms) })
		r.Endpoints[of.endpoint] = a
		if len(of.notes) == 0 {
			continue
		}
		if f := first[of.endpoint]; f == 0 || of.notes[0].came < f {
			first[of.endpoint] = of.notes[0].came
		}
		last[of.endpoint] = max(last[of.endpoint], of.last().came)
	}
	for name, a := range r.Endpoints {
		ms := took[name]
		if len(ms) == 0 {
			continue
		}
		slices.Sort(ms)
		at := func(share float64) float64 { return ms[int(share*float64(len(ms)-1))] }
		a.P50, a.P90, a.P99, a.Max = at(0.5), at(0.9), at(0.99), at(1)
		a.Drained = float64(last[name]-first[name]) / 1e9
		r.Endpoints[name] = a
	}
	r.FaultCount, r.Faults = len(faults), faults[:min(10, len(faults))]
	return r
}

// over counts the calls whose last event was accepted, at the callback and at
// the subscriber.
func (l *ledger) over() (callbacks, grid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.lanes {
		switch {
		case !of.over():
		case of.endpoint == gridName:
			grid++
		default:
			callbacks++
		}
	}
	return callbacks, grid
}

// read reads the event that an attempt carries, of a callback or of Event Grid.
func read(body []byte) (n note, err error) {
	var all []struct {
		ID, Type, EventType string
		Time, EventTime     time.Time
		Data                struct {
			CallConnectionID, ServerCallID, OperationContext string
			SequenceNumber                                   int
		}
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return n, fmt.Errorf("read an event: %w", err)
	}
	if len(all) != 1 {
		return n, fmt.Errorf("%d events at once", len(all))
	}
	e := all[0]
	at := e.Time
	if at.IsZero() {
		at = e.EventTime
	}
	n = note{
		id: e.ID, kind: strings.TrimPrefix(cmp.Or(e.Type, e.EventType), "Microsoft.Communication."),
		lane: cmp.Or(e.Data.CallConnectionID, e.Data.ServerCallID), context: e.Data.OperationContext,
		sequence: e.Data.SequenceNumber, said: at.UnixNano(),
	}
	return n, nil
}
