package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tipring/tipring/bench/load"
)

type eventsCmd struct {
	setting
	Legs  int           `default:"100" help:"How many calls stand."`
	Calls int           `default:"1500" help:"How many short calls come and go beside them."`
	For   time.Duration `default:"15s" help:"For how long the most events are asked for."`
}

// A told is what one run of events has measured.
type told struct {
	Machine string                `json:"machine"`
	Sync    bool                  `json:"sync"`
	Rate    int                   `json:"calls_per_second"`
	Calm    map[string]load.Times `json:"calm"` // by act and event
	Core    float64               `json:"calm_core"`
	Events  float64               `json:"events_per_second"` // at most
	Full    map[string]load.Times `json:"full"`
	Busy    float64               `json:"full_core"`
	Each    float64               `json:"event_us"` // processor time for an event and its request
	Late    float64               `json:"ticks_late"`
	Skipped float64               `json:"ticks_skipped"`
	Journal map[string]float64    `json:"journal"` // the server's counters of it
}

// Run measures events.
func (c *eventsCmd) Run(ctx context.Context) error {
	r, err := c.measure(ctx)
	if err != nil {
		return err
	}
	return c.tell(r)
}

// measure first lets short calls come and go while the standing ones are muted
// and unmuted now and then, and then has those muted and unmuted as fast as it
// goes.
func (c *eventsCmd) measure(ctx context.Context) (r told, err error) {
	s, err := c.open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.phones.Call(ctx, c.Legs); err != nil {
		return r, err
	}
	r = told{Machine: machine(), Sync: c.Sync, Rate: c.Rate}
	before, err := s.look(ctx)
	if err != nil {
		return r, err
	}
	if err := c.calm(ctx, s); err != nil {
		return r, err
	}
	r.Calm = s.phones.Waits()
	between, err := s.look(ctx)
	if err != nil {
		return r, err
	}
	n, err := s.phones.Toggle(ctx, c.For, 0)
	if err != nil {
		return r, err
	}
	r.Full = s.phones.Waits()
	after, err := s.look(ctx)
	if err != nil {
		return r, err
	}
	share := func(a, b load.Look) float64 { return (b.CPU - a.CPU) / b.At.Sub(a.At).Seconds() }
	r.Core, r.Busy = share(before, between), share(between, after)
	r.Events = float64(n) / after.At.Sub(between.At).Seconds()
	r.Each = r.Busy / r.Events * 1e6
	counted := risen(before, after)
	r.Late, r.Skipped, r.Journal = counted.Late, counted.Skipped, journal(before, after)
	return r, s.phones.HangUp(ctx)
}

// calm is a load that a core carries easily.
func (c *eventsCmd) calm(ctx context.Context, s *stage) error {
	calls := make(chan error, 1)
	go func() { calls <- s.phones.Churn(ctx, c.Calls) }()
	_, err := s.phones.Toggle(ctx, time.Duration(c.Calls)*time.Second/time.Duration(c.Rate), time.Second)
	return errors.Join(err, <-calls)
}

// journal is what the counters of the journal have risen by.
func journal(before, after load.Look) map[string]float64 {
	rose := map[string]float64{}
	for name, n := range after.Metrics {
		if strings.HasPrefix(name, "tipring_journal_") {
			rose[name] = n - before.Metrics[name]
		}
	}
	return rose
}

// text writes it for people.
func (r told) text(w io.Writer) {
	fmt.Fprintf(w, "events: %s, sync %t\n", r.Machine, r.Sync)
	table := func(title string, all map[string]load.Times) {
		fmt.Fprintf(w, "  %s\n", title)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t := all[name]
			fmt.Fprintf(w, "    %-34s p50 %7.2f  p99 %7.2f  max %7.2f ms (%d)\n", name, t.Median, t.P99, t.Max, t.Count)
		}
	}
	table(fmt.Sprintf("%d calls a second come and go; %.0f %% of a core", r.Rate, 100*r.Core), r.Calm)
	table(fmt.Sprintf("as fast as it goes: %.0f events a second; %.0f %% of a core, %.0f µs an event with its request", r.Events, 100*r.Busy, r.Each), r.Full)
	fmt.Fprintf(w, "  ticks: %.0f late, %.0f skipped\n", r.Late, r.Skipped)
	for _, name := range slices.Sorted(maps.Keys(r.Journal)) {
		fmt.Fprintf(w, "  %s %g\n", strings.TrimPrefix(name, "tipring_"), r.Journal[name])
	}
	fmt.Fprintln(w)
}
