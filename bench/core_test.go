package main

import (
	"fmt"
	"testing"

	"github.com/tipring/tipring/media"
)

// BenchmarkCore is what the whole core costs without the system: rooms on
// endpoints whose packets come and go in memory, ticked one after the other as
// a metronome does it. One operation is a tick of all of them.
//
//	idle        one port: receive, decode, in-band detection, send silence
//	ivr         the same, and a looped prompt
//	conference  rooms of ten
func BenchmarkCore(b *testing.B) {
	for _, c := range []struct {
		name        string
		rooms, size int
		prompt      bool
	}{
		{"idle", 500, 1, false},
		{"ivr", 500, 1, true},
		{"ivr", 3000, 1, true},
		{"conference", 50, 10, false},
		{"conference", 300, 10, false},
	} {
		legs := c.rooms * c.size
		b.Run(fmt.Sprintf("%s/legs=%d", c.name, legs), func(b *testing.B) {
			rooms, conns, err := house(c.rooms, c.size, c.prompt)
			if err != nil {
				b.Fatal(err)
			}
			tick := func() {
				for _, r := range rooms {
					beat(r)
				}
			}
			for range 60 { // past the first of everything, and the once-a-second
				tick()
			}
			b.ReportAllocs()
			for b.Loop() {
				tick()
			}
			for _, c := range conns {
				if c.sent == 0 || c.silent {
					b.Fatal("a leg has heard nothing")
				}
			}
			leg := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(legs)
			b.ReportMetric(leg, "ns/leg/tick")
			b.ReportMetric(float64(media.Period.Nanoseconds())/leg, "legs/core")
		})
	}
}

// TestCoreAllocatesNothing: a second of all rooms. What the rest of the program
// does now and then, as the journal's engine does, is not in every try.
func TestCoreAllocatesNothing(t *testing.T) {
	for _, size := range []int{1, 10} {
		rooms, _, err := house(20/size, size, size == 1)
		if err != nil {
			t.Fatal(err)
		}
		second := func() {
			for range 50 {
				for _, r := range rooms {
					beat(r)
				}
			}
		}
		least := testing.AllocsPerRun(1, second)
		for try := 0; least > 0 && try < 20; try++ {
			least = min(least, testing.AllocsPerRun(1, second))
		}
		if least != 0 {
			t.Errorf("rooms of %d: %v allocations a second", size, least)
		}
	}
}
