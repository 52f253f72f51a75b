package metronome_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
)

// A probe measures how late its own ticks are: by how much each is behind the
// beat of the earliest.
type probe struct {
	start time.Time
	tick  time.Duration
	late  []time.Duration
}

func (p *probe) Tick() {
	if len(p.late) < cap(p.late) {
		p.late = append(p.late, time.Since(p.start)-p.tick*media.Period)
	}
	p.tick++
}

func (p *probe) Skip(n uint64) { p.tick += time.Duration(n) }

func (p *probe) lateness() []time.Duration {
	first := slices.Min(p.late)
	for i := range p.late {
		p.late[i] -= first
	}
	return p.late
}

// A load is a room that costs what a call of two costs: about 3 µs.
type load struct{ sum int }

func (l *load) Tick() {
	for i := range 8000 {
		l.sum += i & l.sum
	}
}

// BenchmarkLateness reports how late ticks are, with and without a thousand
// other rooms. One operation is 5 s.
func BenchmarkLateness(b *testing.B) {
	for _, c := range []struct {
		rooms int
		sleep func(time.Duration)
		name  string
	}{{0, nil, "timer"}, {1000, nil, "timer"}, {0, metronome.Nanosleep, "nanosleep"}, {1000, metronome.Nanosleep, "nanosleep"}} {
		rooms := c.rooms
		b.Run(fmt.Sprintf("%s/rooms=%d", c.name, rooms), func(b *testing.B) {
			var late []time.Duration
			for b.Loop() {
				m := metronome.New(metronome.Config{Sleep: c.sleep})
				ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
				p := &probe{start: time.Now(), late: make([]time.Duration, 0, 1000)}
				for i := range rooms {
					m.Add(new(load))
					if i == rooms/2 {
						m.Add(p)
					}
				}
				if rooms == 0 {
					m.Add(p)
				}
				if err := m.Run(ctx); err != nil {
					b.Fatal(err)
				}
				cancel()
				late = append(late, p.lateness()...)
			}
			slices.Sort(late)
			for _, c := range []struct {
				name  string
				share float64
			}{{"p50-µs", 0.5}, {"p99-µs", 0.99}, {"max-µs", 1}} {
				i := int(c.share * float64(len(late)-1))
				b.ReportMetric(float64(late[i].Microseconds()), c.name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
