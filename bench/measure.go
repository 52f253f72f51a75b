package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/tipring/tipring/bench/load"
)

// A step is some number of legs, held for a while.
type step struct {
	Heard  load.Window `json:"heard"`
	Core   float64     `json:"core"`   // share of a core that the server used
	Others float64     `json:"others"` // and that others used of the same core
	Leg    float64     `json:"leg_us"` // µs of the core for a leg's tick
	Legs   float64     `json:"legs_per_core"`
	RSS    float64     `json:"rss_per_leg"` // bytes
	Heap   float64     `json:"heap_per_leg"`
	Stack  float64     `json:"stack_per_leg"`
	Go     float64     `json:"goroutines_per_leg"`
	Counts counts      `json:"counts"`
}

// counts are the server's own, in the time of the step.
type counts struct {
	Late      float64 `json:"ticks_late"`
	Skipped   float64 `json:"ticks_skipped"`
	Dropped   float64 `json:"rtp_dropped"`
	Concealed float64 `json:"concealed"`
	GC        float64 `json:"gc"`
	Allocated float64 `json:"allocated_bytes"`
}

// hold measures the legs that stand.
func (s *stage) hold(ctx context.Context, d time.Duration) (step, error) {
	before, err := s.look(ctx)
	if err != nil {
		return step{}, err
	}
	var profiled sync.WaitGroup
	var failed error
	profiled.Go(func() {
		failed = s.profile(ctx, fmt.Sprintf("profile?seconds=%.0f", d.Seconds()-1), s.Profile)
	})
	heard := s.phones.Measure(ctx, d)
	after, err := s.look(ctx)
	profiled.Wait()
	if err = errors.Join(err, failed, s.profile(ctx, "heap", s.Heap), ctx.Err()); err != nil {
		return step{}, err
	}
	wall := after.At.Sub(before.At).Seconds()
	r := step{Heard: heard, Core: (after.CPU - before.CPU) / wall}
	r.Others = max(0, (after.Core-before.Core)/wall-r.Core)
	if heard.Legs > 0 && r.Core > 0 {
		r.Leg = r.Core / 50 / float64(heard.Legs) * 1e6
		r.Legs = float64(heard.Legs) / r.Core
		r.RSS = (float64(after.RSS) - float64(s.fresh.RSS)) / float64(heard.Legs)
		each := func(name string) float64 { return (after.Metrics[name] - s.fresh.Metrics[name]) / float64(heard.Legs) }
		r.Heap, r.Stack, r.Go = each("go_memstats_heap_inuse_bytes"), each("go_memstats_stack_inuse_bytes"), each("go_goroutines")
	}
	r.Counts = risen(before, after)
	return r, nil
}

// risen is what was counted from one look to the next.
func risen(before, after load.Look) counts {
	rose := func(name string) float64 { return after.Metrics[name] - before.Metrics[name] }
	return counts{
		rose("tipring_ticks_late_total"), rose("tipring_ticks_skipped_total"), rose("tipring_rtp_dropped_total"),
		rose("tipring_rtp_concealed_total"), rose("go_gc_duration_seconds_count"), rose("go_memstats_alloc_bytes_total"),
	}
}

// A result is what one command has measured.
type result struct {
	Name    string     `json:"name"`
	Machine string     `json:"machine"`
	Steps   []step     `json:"steps,omitempty"`
	Story   load.Story `json:"story"`
	Counts  counts     `json:"counts"` // from the first call to the first that is hung up
	Calls   int        `json:"calls"`
	Took    float64    `json:"took_s"`
	Before  load.Look  `json:"before"`
	After   load.Look  `json:"after"`
}

// climb holds one number of legs after the other, in one server, until one is
// not punctual, and hangs up.
func (set setting) climb(ctx context.Context, name string, legs []int, d time.Duration) (r result, err error) {
	s, err := set.open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	began := time.Now()
	r = result{Name: name, Machine: machine()}
	if s.fresh, err = s.settle(ctx, 0); err != nil {
		return r, err
	}
	r.Before = s.fresh
	for _, n := range legs {
		if err := s.phones.Call(ctx, n-r.Calls); err != nil {
			return r, err
		}
		r.Calls = n
		_ = s.phones.Measure(ctx, 2*time.Second) // let it calm down
		st, err := s.hold(ctx, d)
		if err != nil {
			return r, err
		}
		r.Steps = append(r.Steps, st)
		if !s.JSON && len(legs) > 1 {
			fmt.Fprintf(os.Stderr, "%d legs: %.3f %% punctual, %.1f %% of a core\n", n, 100*st.Heard.All.Punctual(), 100*st.Core)
		}
		if st.Heard.All.Punctual() < 0.99 || st.Core > 0.97 {
			break
		}
	}
	s.phones.Rest(ctx)
	r.Story = s.phones.Story()
	still, err := s.look(ctx)
	if err != nil {
		return r, err
	}
	r.Counts = risen(r.Before, still)
	if err := s.phones.HangUp(ctx); err != nil {
		return r, err
	}
	r.After, err = s.settle(ctx, 0)
	r.Took = time.Since(began).Seconds()
	return r, err
}

// churn places short calls.
func (set setting) churn(ctx context.Context, warm, calls int, rest time.Duration) (r result, err error) {
	s, err := set.open(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r = result{Name: "churn", Machine: machine(), Calls: calls}
	if err := s.phones.Churn(ctx, warm); err != nil { // what is made once is made
		return r, err
	}
	if r.Before, err = s.settle(ctx, rest); err != nil {
		return r, err
	}
	began := time.Now()
	if err := s.phones.Churn(ctx, calls); err != nil {
		return r, err
	}
	r.Took = time.Since(began).Seconds()
	r.Story = s.phones.Story()
	if r.After, err = s.settle(ctx, rest); err != nil {
		return r, err
	}
	return r, s.profile(ctx, "heap?gc=1", s.Heap)
}

// print writes results as JSON or as text.
func (set setting) print(all ...result) error {
	if set.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(all)
	}
	for _, r := range all {
		r.text(os.Stdout)
	}
	return nil
}

// tell writes what a command has measured, as JSON or as text.
func (set setting) tell(r interface{ text(w io.Writer) }) error {
	if set.JSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	r.text(os.Stdout)
	return nil
}

type holdCmd struct {
	setting
	Legs int           `default:"500" help:"How many legs."`
	For  time.Duration `default:"60s" help:"For how long."`
}

// Run holds legs.
func (c *holdCmd) Run(ctx context.Context) error {
	r, err := c.climb(ctx, "hold", []int{c.Legs}, c.For)
	if err != nil {
		return err
	}
	return c.print(r)
}

type ladderCmd struct {
	setting
	Legs []int         `default:"500,1000,1500,2000,2250,2500,2750,3000,3250,3500" help:"How many legs at each step."`
	For  time.Duration `default:"12s" help:"For how long each."`
}

// Run climbs.
func (c *ladderCmd) Run(ctx context.Context) error {
	r, err := c.climb(ctx, "ladder", c.Legs, c.For)
	if err != nil {
		return err
	}
	return c.print(r)
}

type churnCmd struct {
	setting
	Warm  int           `default:"500" help:"Calls before the first look."`
	Calls int           `default:"5000" help:"Calls from look to look."`
	Rest  time.Duration `default:"40s" help:"How long to wait before each look. SIP remembers a call for 32 s (RFC 3261 §17)."`
}

// Run churns.
func (c *churnCmd) Run(ctx context.Context) error {
	r, err := c.churn(ctx, c.Warm, c.Calls, c.Rest)
	if err != nil {
		return err
	}
	return c.print(r)
}

type allCmd struct{ setting }

// Run measures everything.
func (c *allCmd) Run(ctx context.Context) error {
	var all []result
	for _, f := range []func() (result, error){
		func() (result, error) { return c.climb(ctx, "hold", []int{500}, time.Minute) },
		func() (result, error) {
			return c.climb(ctx, "ladder", []int{500, 1000, 1500, 2000, 2250, 2500, 2750, 3000, 3250, 3500}, 12*time.Second)
		},
		func() (result, error) { return c.churn(ctx, 500, 5000, 40*time.Second) },
	} {
		r, err := f()
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	return c.print(all...)
}
