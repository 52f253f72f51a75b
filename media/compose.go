package media

import (
	"io"
	"math"
	"sync/atomic"
)

// Concat plays its sources one after another. They are joined sample by
// sample: the first sample of one follows the last of the one before in the
// same frame. A source that fails ends the whole with its error.
func Concat(sources ...Source) Source {
	return &joiner{next: func() Source {
		if len(sources) == 0 {
			return nil
		}
		s := sources[0]
		sources = sources[1:]
		return s
	}}
}

// Loop plays what again returns, asks again at its end, and so on until again
// returns nil. Repetitions are joined sample by sample. A source that ends
// without a sample ends the loop, so that an empty prompt cannot spin.
func Loop(again func() Source) Source {
	return &joiner{next: again, endOnEmpty: true}
}

// joiner reads a chain of sources into whole frames. A frame that begins in
// the middle (the source before ended there) is read into spare, and what did
// not fit is carried into the next frame.
type joiner struct {
	next       func() Source
	endOnEmpty bool

	cur   Source
	given bool  // cur has given a sample
	spare Frame // samples of cur that wait for the next frame …
	from  int   // … from here …
	to    int   // … to here
	ended error // what the last read said, once spare is empty
	over  bool
}

func (j *joiner) Read(f *Frame) (int, error) {
	f.Lost = false
	out := f.PCM()
	n := j.drain(f, out)
	for n < len(out) {
		if j.over {
			return n, io.EOF
		}
		if j.ended != nil {
			if done, err := j.turn(); done {
				return n, err
			}
			continue
		}
		if j.cur == nil {
			if done, err := j.turn(); done {
				return n, err
			}
			continue
		}
		if n == 0 {
			m, err := j.cur.Read(f)
			j.given = j.given || m > 0
			j.ended = err
			n = m
			if err == nil {
				return n, nil // full, or silence follows for now
			}
			continue
		}
		j.spare.Rate, j.spare.Tick, j.spare.Lost = f.Rate, f.Tick, false
		m, err := j.cur.Read(&j.spare)
		j.given = j.given || m > 0
		j.from, j.to, j.ended = 0, m, err
		n += j.drain(f, out[n:])
		if err == nil && m < len(out) {
			return n, nil
		}
	}
	return n, nil
}

// drain moves samples that waited in spare to the front of out.
func (j *joiner) drain(f *Frame, out []int16) int {
	if j.from == j.to {
		return 0
	}
	if j.spare.Rate != f.Rate { // the room changed its rate under a carry of less than a tick
		j.convert(f.Rate)
	}
	n := copy(out, j.spare.PCM()[j.from:j.to])
	j.from += n
	return n
}

// convert brings the carried samples to another rate, by the nearest sample:
// it is less than a tick of sound, once, when the room's rate changes.
func (j *joiner) convert(to Rate) {
	old := j.spare
	m := (j.to - j.from) * int(to) / int(old.Rate)
	j.spare.Rate = to
	for i := range m {
		j.spare.pcm[i] = old.pcm[j.from+i*int(old.Rate)/int(to)]
	}
	j.from, j.to = 0, m
}

// turn goes from the source that ended to the next. It says whether the whole
// is over, and with what.
func (j *joiner) turn() (done bool, err error) {
	if j.ended != nil && j.ended != io.EOF {
		err, j.over = j.ended, true
		return true, err
	}
	if j.ended != nil && j.endOnEmpty && !j.given {
		j.over = true
		return true, io.EOF
	}
	j.ended, j.given = nil, false
	if j.cur = j.next(); j.cur == nil {
		j.over = true
		return true, io.EOF
	}
	return false, nil
}

// A Gate is opened once, by anyone, and never closed again. Its zero value is
// closed.
type Gate struct{ open atomic.Bool }

// Open opens the gate.
func (g *Gate) Open() { g.open.Store(true) }

// IsOpen reports whether the gate has been opened.
func (g *Gate) IsOpen() bool { return g.open.Load() }

// Until plays s and ends at once, with io.EOF, when the gate opens: barge-in,
// decided inside the tick so that no scheduler stands between key and silence.
func Until(s Source, stop *Gate) Source {
	return SourceFunc(func(f *Frame) (int, error) {
		if stop.IsOpen() {
			return 0, io.EOF
		}
		return s.Read(f)
	})
}

// Then plays s and calls done exactly once at its end: with nil for io.EOF,
// with the error else. done runs inside the tick, so it must be quick.
func Then(s Source, done func(error)) Source {
	called := false
	return SourceFunc(func(f *Frame) (int, error) {
		if called {
			return 0, io.EOF
		}
		n, err := s.Read(f)
		if err != nil {
			called = true
			if err == io.EOF {
				done(nil)
			} else {
				done(err)
			}
		}
		return n, err
	})
}

// Gain is a Filter that multiplies by a factor, with saturation.
type Gain float64

// Apply multiplies every sample.
func (g Gain) Apply(f *Frame) {
	pcm := f.PCM()
	for i, s := range pcm {
		pcm[i] = Saturate(int32(math.Round(float64(s) * float64(g))))
	}
}

// Saturate brings a sum back into 16 bits.
func Saturate(v int32) int16 {
	switch {
	case v > math.MaxInt16:
		return math.MaxInt16
	case v < math.MinInt16:
		return math.MinInt16
	}
	return int16(v)
}
