package room

import "github.com/tipring/tipring/media"

// sum adds voices in 32 bits.
type sum struct {
	rate media.Rate
	acc  [media.MaxSamples]int32
}

func (s *sum) reset(rate media.Rate) {
	s.rate = rate
	clear(s.acc[:rate.Samples()])
}

func (s *sum) add(f *media.Frame) {
	for i, v := range f.PCM() {
		s.acc[i] += int32(v)
	}
}

func (s *sum) without(own, out *media.Frame) {
	o := out.PCM()
	for i, v := range own.PCM() {
		o[i] = media.Saturate(s.acc[i] - int32(v))
	}
}

func (s *sum) all(out *media.Frame) {
	o := out.PCM()
	for i := range o {
		o[i] = media.Saturate(s.acc[i])
	}
}

// lay adds b to a.
func lay(a, b *media.Frame) {
	pcm := a.PCM()
	for i, v := range b.PCM() {
		pcm[i] = media.Saturate(int32(pcm[i]) + int32(v))
	}
}
