package mix

import (
	"math"

	"github.com/tipring/tipring/media"
)

// A Sum is the voices of one tick, added up. Its zero value must be Reset
// before use. Every frame it meets must have the rate of the last Reset; it is
// the room that asks its voices for that rate.
type Sum struct {
	rate  media.Rate
	total [media.MaxSamples]int32
}

// Reset begins a tick at a rate: the sum is silence.
func (s *Sum) Reset(rate media.Rate) {
	s.rate = rate
	clear(s.total[:rate.Samples()])
}

// Rate is the rate of the last Reset.
func (s *Sum) Rate() media.Rate { return s.rate }

// Add adds a voice.
func (s *Sum) Add(f *media.Frame) {
	pcm := f.PCM()
	total := s.total[:len(pcm)]
	for i, v := range pcm {
		total[i] += int32(v)
	}
}

// All writes the whole sum to out. It sets out.Rate, clears out.Lost, and
// leaves out.Tick alone, as do Without and With.
func (s *Sum) All(out *media.Frame) {
	pcm := s.begin(out)
	for i, v := range s.total[:len(pcm)] {
		pcm[i] = saturate(v)
	}
}

// Without writes the sum less own, one of the voices that were added, to out;
// a nil own is nobody's. out may be own.
func (s *Sum) Without(own, out *media.Frame) {
	if own == nil {
		s.All(out)
		return
	}
	voice := own.PCM()
	pcm := s.begin(out)
	total := s.total[:len(pcm)]
	voice = voice[:len(pcm)]
	for i, v := range total {
		pcm[i] = saturate(v - int32(voice[i]))
	}
}

// With writes the sum less own plus play, what this ear alone is to hear, to
// out: the whole way from sum to ear in one pass, and saturated once. A nil
// own or play is left out. out may be own or play.
func (s *Sum) With(own, play, out *media.Frame) {
	if play == nil {
		s.Without(own, out)
		return
	}
	played := play.PCM()
	var voice []int16
	if own != nil {
		voice = own.PCM()
	}
	pcm := s.begin(out)
	total := s.total[:len(pcm)]
	played = played[:len(pcm)]
	if own == nil {
		for i, v := range total {
			pcm[i] = saturate(v + int32(played[i]))
		}
		return
	}
	voice = voice[:len(pcm)]
	for i, v := range total {
		pcm[i] = saturate(v - int32(voice[i]) + int32(played[i]))
	}
}

func (s *Sum) begin(out *media.Frame) []int16 {
	out.Rate, out.Lost = s.rate, false
	return out.PCM()
}

// saturate brings a sum back into 16 bits, without a branch.
func saturate(v int32) int16 {
	return int16(max(min(v, math.MaxInt16), math.MinInt16))
}
