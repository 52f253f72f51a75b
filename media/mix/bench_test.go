package mix_test

import (
	"fmt"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mix"
)

func BenchmarkAdd(b *testing.B) {
	s, f := new(mix.Sum), voice(media.Rate8k, 1, -20)
	s.Reset(f.Rate)
	for i := 0; b.Loop(); i++ {
		if i%10000 == 0 {
			s.Reset(f.Rate)
		}
		s.Add(f)
	}
}

func BenchmarkWithout(b *testing.B) {
	own, out := voice(media.Rate8k, 1, -20), new(media.Frame)
	s := sumOf(own, voice(media.Rate8k, 2, -20))
	for b.Loop() {
		s.Without(own, out)
	}
}

func BenchmarkWith(b *testing.B) {
	own, play, out := voice(media.Rate8k, 1, -20), voice(media.Rate8k, 3, -20), new(media.Frame)
	s := sumOf(own, voice(media.Rate8k, 2, -20))
	for b.Loop() {
		s.With(own, play, out)
	}
}

// A whole tick: all add, all hear the others.
func BenchmarkTick(b *testing.B) {
	for _, ports := range []int{2, 10, 100} {
		b.Run(fmt.Sprintf("ports=%d", ports), func(b *testing.B) {
			s, out := new(mix.Sum), new(media.Frame)
			voices := make([]*media.Frame, ports)
			for i := range voices {
				voices[i] = voice(media.Rate8k, uint64(i), -20)
			}
			for b.Loop() {
				s.Reset(media.Rate8k)
				for _, v := range voices {
					s.Add(v)
				}
				for _, v := range voices {
					s.Without(v, out)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(ports), "ns/port")
		})
	}
}
