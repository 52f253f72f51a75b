package resample

import "github.com/tipring/tipring/media"

// A Converter brings frames of one rate to another, frame by frame: a room's
// rate to a codec's, and back. Its zero value is ready. One Converter is for
// one stream in one direction.
type Converter struct {
	from, to  media.Rate
	resampler *Resampler
	primed    [media.MaxSamples]float32
}

// Convert writes src to dst at dst.Rate, with its Tick and Lost. Equal rates
// are copied; else the sound comes some 2 ms late (16 samples at the lower
// rate). When a rate changes, the filter begins anew, with a past that it
// guesses, so there is no hole; that call alone allocates. A frame without a
// valid rate becomes silence.
func (c *Converter) Convert(dst, src *media.Frame) {
	if dst.Rate == src.Rate {
		c.from, c.to = 0, 0
		dst.CopyFrom(src)
		return
	}
	dst.Tick, dst.Lost = src.Tick, src.Lost
	if !src.Rate.Valid() || !dst.Rate.Valid() {
		dst.Silence()
		return
	}
	if c.from != src.Rate || c.to != dst.Rate {
		c.turn(src, dst.Rate)
	}
	c.resampler.Process(dst.PCM(), src.PCM())
}

// turn begins anew, with a past guessed from the frame at hand.
func (c *Converter) turn(src *media.Frame, to media.Rate) {
	c.from, c.to = src.Rate, to
	c.resampler = New(int(c.from), int(to))
	edge, pre := *src, [media.MaxSamples]int16{}
	n := min(c.resampler.engine.memory(), len(pre))
	reverse(edge.PCM())
	newPredictor(len(edge.PCM())).extend(pre[:n], edge.PCM())
	reverse(pre[:n])
	for i, v := range pre[:n] {
		c.primed[i] = float32(v)
	}
	c.resampler.prime(c.primed[:n], 0)
}

// NewSink is a tap that hears every frame at one rate, as a recorder or a
// stream wants it, and hands it to next with its Tick and Lost. Frames that
// have that rate pass through as they are.
func NewSink(rate media.Rate, next media.Sink) media.Sink {
	return &sink{frame: media.Frame{Rate: rate}, next: next}
}

type sink struct {
	converter Converter
	frame     media.Frame
	next      media.Sink
}

func (s *sink) Write(f *media.Frame) error {
	if f.Rate == s.frame.Rate {
		s.converter.from = 0 // what the filter holds is stale now
		return s.next.Write(f)
	}
	s.converter.Convert(&s.frame, f)
	return s.next.Write(&s.frame)
}
