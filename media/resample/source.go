package resample

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/tipring/tipring/media"
)

// ErrRate says that a stream's rate is not MinRate … MaxRate.
var ErrRate = errors.New("resample: unsupported rate")

// NewSource is a voice of the samples of r, which are at rate hertz: the door
// through which files come into the tick. r must have its samples in memory,
// since the tick cannot wait; n = 0 without an error means that more will come
// (silence follows for now).
//
// The source obeys the rate of each frame, also one that changes in mid-stream.
// The filter's delay is taken out: N samples come as round(N·Rate/rate), each
// in its place, so that sources joined by media.Concat and media.Loop meet
// without a gap or a jump of phase. At the stream's own rate the samples come
// through as they are. A rate that cannot be converted makes a source that
// fails with ErrRate.
func NewSource(r media.SampleReader, rate int) media.Source {
	s := &source{reader: r, from: rate, total: -1}
	if !Supported(rate) {
		s.reader, s.from, s.end = nil, int(media.Rate8k), fmt.Errorf("%w: %d Hz", ErrRate, rate)
	}
	for _, to := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		s.memory = max(s.memory, memory(s.from, int(to)))
	}
	s.edge = min(256*max(s.from/8000, 1), 1024)
	s.keep = 2*s.memory + s.edge
	s.window = make([]int16, 0, s.keep+max(s.edge, 2*chunk)+s.memory)
	s.pre, s.primed = make([]int16, s.memory), make([]float32, s.memory)
	s.pending = make([]int16, 0, int(media.Rate48k)*chunk/s.from+2)
	return s
}

type source struct {
	reader media.SampleReader
	from   int
	memory int // input samples that an engine needs of the past, at most
	edge   int // input samples that the prediction beyond the edges is made from
	keep   int // input samples kept behind eaten

	window []int16 // the input: what may be needed again, then what is not yet eaten
	base   int64   // index in the stream of window[0]
	eaten  int     // window[:eaten] has gone into the engine
	end    error   // what the reader ended with …
	closed bool    // … which was seen to: a tail lies behind the input …
	length int64   // … of this many samples

	rate      media.Rate
	resampler *Resampler
	begin     float64 // where in the stream, in input samples, this rate began
	given     int64   // samples given since
	total     int64   // samples to give at this rate, −1 as long as unknown
	drop      int     // samples of the engine that come before the first to give
	pending   []int16 // given by the engine, not yet read …
	at        int     // … from here on
	over      bool

	predictor *predictor
	pre       []int16
	primed    []float32
}

func (s *source) Read(f *media.Frame) (int, error) {
	f.Lost = false
	if s.over {
		return 0, io.EOF
	}
	if f.Rate != s.rate {
		if s.fill(); len(s.window) == 0 && s.end == nil {
			return 0, nil // not a sample yet
		}
		s.turn(f.Rate)
	}
	out, n := f.PCM(), 0
	for n < len(out) && s.given != s.total {
		if s.at == len(s.pending) && !s.feed() {
			return n, nil
		}
		m := copy(out[n:], s.pending[s.at:])
		if s.total >= 0 {
			m = int(min(int64(m), s.total-s.given))
		}
		n, s.at, s.given = n+m, s.at+m, s.given+int64(m)
	}
	switch {
	case s.given != s.total:
		return n, nil
	case s.end == io.EOF:
		s.over = true
		return n, io.EOF
	case n > 0:
		return n, nil // the error comes alone, next
	}
	s.over = true
	return 0, s.end
}

// fill reads ahead as far as the window has room.
func (s *source) fill() {
	if s.end == nil && len(s.window)-s.eaten < chunk && s.eaten > s.keep {
		n := copy(s.window, s.window[s.eaten-s.keep:])
		s.base += int64(s.eaten - s.keep)
		s.window, s.eaten = s.window[:n], s.keep
	}
	room := cap(s.window) - s.memory // the rest is for the tail
	for s.end == nil && len(s.window) < room {
		n, err := s.reader.ReadSamples(s.window[len(s.window):room])
		s.window = s.window[:len(s.window)+n]
		s.end = err
		if n == 0 && err == nil {
			return
		}
	}
	if s.end != nil && !s.closed {
		s.close()
	}
}

// close knows the length and lays the tail behind it.
func (s *source) close() {
	if errors.Is(s.end, io.EOF) {
		s.end = io.EOF
	}
	n := len(s.window)
	s.closed, s.length = true, s.base+int64(n)
	s.window = s.window[:n+s.memory]
	s.extend(s.window[n:], s.window[max(n-s.edge, 0):n])
	s.measure()
}

func (s *source) extend(dst, edge []int16) {
	if s.predictor == nil && !silent(edge) {
		s.predictor = newPredictor(s.edge)
	}
	if s.predictor == nil {
		clear(dst)
		return
	}
	s.predictor.extend(dst, edge)
}

// measure finds how much there is to give at this rate, once that is known.
func (s *source) measure() {
	if !s.closed || s.rate == 0 {
		return
	}
	left := (float64(s.length) - s.begin) * float64(s.rate) / float64(s.from)
	s.total = max(int64(math.Round(left)), 0)
}

// turn goes over to another rate, at the place in the stream where the last
// sample given ended: the new engine is shown the past again.
func (s *source) turn(rate media.Rate) {
	if s.rate != 0 {
		s.begin += float64(s.given) * float64(s.from) / float64(s.rate)
	}
	s.rate, s.given, s.total = rate, 0, -1
	s.pending, s.at = s.pending[:0], 0
	s.resampler, s.drop = nil, 0
	if int(rate) != s.from {
		s.resampler = New(s.from, int(rate))
		s.drop = s.resampler.Delay()
	}
	place := math.Floor(s.begin)
	phase := 0
	if s.resampler != nil {
		if p, ok := s.resampler.engine.(*poly); ok {
			phase = int((s.begin - place) * float64(p.l))
		} else {
			place = math.Round(s.begin)
		}
	}
	s.eaten = min(max(int(int64(place)-s.base), 0), len(s.window))
	if s.resampler != nil {
		s.resampler.prime(s.past(), phase)
	}
	s.measure()
}

// past is what the engine has to know of before eaten. Before the stream's
// beginning it is a prediction, made backwards.
func (s *source) past() []float32 {
	n := min(s.memory, s.eaten)
	pre := s.pre
	clear(pre)
	if missing := s.memory - n; missing > 0 && s.base == 0 {
		ahead := s.window[:min(s.edge, len(s.window))]
		reverse(ahead)
		s.extend(pre[:missing], ahead)
		reverse(ahead)
		reverse(pre[:missing])
	}
	copy(pre[s.memory-n:], s.window[s.eaten-n:s.eaten])
	for i, v := range pre {
		s.primed[i] = float32(v)
	}
	return s.primed
}

// feed gives the engine more to eat; it says whether there was any.
func (s *source) feed() bool {
	s.fill()
	in := s.window[s.eaten:min(s.eaten+chunk, len(s.window))]
	if len(in) == 0 {
		if s.end != nil {
			s.total = s.given // more than the tail was asked for: rounding
		}
		return s.end != nil
	}
	s.eaten += len(in)
	s.pending, s.at = s.pending[:cap(s.pending)], 0
	if s.resampler == nil {
		s.pending = s.pending[:copy(s.pending, in)]
		return true
	}
	s.pending = s.pending[:s.resampler.Process(s.pending, in)]
	s.at = min(s.drop, len(s.pending))
	s.drop -= s.at
	return true
}
