package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/tipring/tipring/bench/load"
)

// machine says what this is measured on.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := runtime.GOOS
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel += " " + strings.TrimSpace(string(text))
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), kernel, runtime.Version())
}

// text writes a result for people.
func (r result) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", r.Name, r.Machine)
	if len(r.Steps) > 0 {
		r.table(w)
		r.story(w)
	}
	r.leftover(w)
	fmt.Fprintln(w)
}

// table has a line for each number of legs.
func (r result) table(w io.Writer) {
	fmt.Fprintf(w, "  %6s %6s %6s %8s %8s %7s %5s %5s %9s %9s %6s %6s %7s %6s %7s\n", "legs", "s",
		"core %", "µs/tick", "legs/cr", "KiB/leg", "lost", "dup", "sent %", "±10ms %", "p99 ms", "max ms", "late ‰", "skip", "other %")
	for _, s := range r.Steps {
		h := s.Heard.All
		due := float64(h.Due) // one a period for each leg
		fmt.Fprintf(w, "  %6d %6.0f %6.1f %8.2f %8.0f %7.1f %5d %5d %9.3f %9.4f %6.1f %6.1f %7.3f %6.0f %7.1f\n",
			s.Heard.Legs, s.Heard.Seconds, 100*s.Core, s.Leg, s.Legs, s.RSS/1024, h.Lost, h.Duplicates,
			100*min(1, float64(h.Packets)/due), 100*h.Punctual(), h.Spacing(0.99), h.Spacing(1),
			1000*s.Counts.Late/due, s.Counts.Skipped, 100*s.Others)
	}
	for _, s := range r.Steps {
		c := s.Counts
		fmt.Fprintf(w, "  %d legs: least punctual leg %.3f %%, silent packets %d; a leg: %.1f KiB heap, %.1f KiB stacks, %.1f goroutines; server: %.0f RTP dropped, %.0f periods concealed, %.0f collections, %.1f KB/s allocated; phones: %d steps late, worst %v, %d packets lost\n",
			s.Heard.Legs, 100*s.Heard.Worst, s.Heard.All.Silent, s.Heap/1024, s.Stack/1024, s.Go, c.Dropped, c.Concealed, c.GC, c.Allocated/1000/s.Heard.Seconds,
			s.Heard.Late, s.Heard.OwnLate.Round(1e5), s.Heard.Lost)
	}
}

func (r result) story(w io.Writer) {
	s := r.Story
	fmt.Fprintf(w, "  keys: %d pressed, %d came back in order, %d others; foreign packets %d; SIP sent again %d\n", s.Pressed, s.Came, s.Wrong, s.Mixed, s.Again)
	row := func(name string, t load.Times) {
		fmt.Fprintf(w, "  %-34s p50 %7.2f  p99 %7.2f  max %7.2f ms (%d)\n", name, t.Median, t.P99, t.Max, t.Count)
	}
	row("INVITE → IncomingCall at the app", s.Ring)
	row("POST play → its first packet", s.Play)
	row("key begins to sound → tone at app", s.Key)
}

// leftover compares before and after.
func (r result) leftover(w io.Writer) {
	b, a := r.Before, r.After
	fmt.Fprintf(w, "  %d calls in %.0f s; before → after: goroutines %.0f → %.0f, descriptors %d → %d, of them sockets %d → %d, memory %.1f → %.1f MiB, heap %.1f → %.1f MiB\n",
		r.Calls, r.Took, b.Metrics["go_goroutines"], a.Metrics["go_goroutines"], b.Descriptors, a.Descriptors, b.Sockets, a.Sockets,
		float64(b.RSS)/(1<<20), float64(a.RSS)/(1<<20), b.Metrics["go_memstats_heap_inuse_bytes"]/(1<<20), a.Metrics["go_memstats_heap_inuse_bytes"]/(1<<20))
}
