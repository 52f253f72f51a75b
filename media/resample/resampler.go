package resample

import (
	"fmt"
	"math"
)

// The rates that can be converted from and to, in hertz.
const (
	MinRate = 4000
	MaxRate = 192000
)

// A Resampler converts a stream of mono samples from one rate to another. It
// keeps its state from call to call: how the stream is cut makes no difference
// to what comes out.
type Resampler struct {
	from, to   int
	engine     engine // nil: equal rates
	in, out    []float32
	got, given int64
}

// New makes a Resampler. It panics if a rate is not MinRate … MaxRate; check
// what comes from outside with Supported.
func New(from, to int) *Resampler {
	if !Supported(from) || !Supported(to) {
		panic(fmt.Sprintf("resample: cannot convert %d Hz to %d Hz", from, to))
	}
	r := &Resampler{from: from, to: to}
	if from == to {
		return r
	}
	r.engine = newEngine(from, to)
	r.in, r.out = make([]float32, chunk), make([]float32, r.Max(chunk)+1)
	return r
}

// Supported reports whether a rate can be converted.
func Supported(rate int) bool { return rate >= MinRate && rate <= MaxRate }

func newEngine(from, to int) engine {
	l, m := reduce(from, to)
	switch {
	case m == 1 && factors(l) != nil:
		return newUpCascade(l)
	case l == 1 && factors(m) != nil:
		return newDownCascade(m)
	}
	return newPoly(bankFor(l, m))
}

// memory is the memory of the engine for two rates, without making one; but
// if it needs a bank, that is made, outside the tick.
func memory(from, to int) int {
	l, m := reduce(from, to)
	switch {
	case l == m:
		return 0
	case l == 1 && factors(m) != nil, m == 1 && factors(l) != nil:
		return reach(l, m)
	}
	bankFor(l, m)
	_, past := polySizes(l, m)
	return past
}

// reduce is the ratio of two rates in lowest terms: l outputs for m inputs.
func reduce(from, to int) (l, m int) {
	d := gcd(from, to)
	return to / d, from / d
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Max is the most that Process writes for n samples.
func (r *Resampler) Max(n int) int { return (n*r.to + r.from - 1) / r.from }

// Delay is how many output samples the sound comes late: 2 ms at the lower
// rate, and a little. The first Delay samples are what was before the stream,
// silence.
func (r *Resampler) Delay() int {
	if r.engine == nil {
		return 0
	}
	return r.engine.delay()
}

// Process converts src to dst, which must have room for Max(len(src)), and
// says how many samples it wrote. After N samples in all, ⌊N·to/from⌋ have
// been written in all: for whole frames exactly a frame each, without drift.
func (r *Resampler) Process(dst, src []int16) int {
	r.got += int64(len(src))
	n := 0
	if r.engine == nil {
		n = copy(dst, src)
	}
	for r.engine != nil && len(src) > 0 {
		in := r.in[:min(len(src), chunk)]
		for i := range in {
			in[i] = float32(src[i])
		}
		src = src[len(in):]
		out := r.out[:r.engine.run(r.out, in)]
		quantize(dst[n:n+len(out)], out)
		n += len(out)
	}
	r.given += int64(n)
	return n
}

// Flush ends the stream: it writes the sound that is still inside, at most
// Delay()+1 samples, and resets r. In all, Delay() + round(N·to/from) samples
// have been written then: without the first Delay() of them the sound has its
// own length and place.
func (r *Resampler) Flush(dst []int16) int {
	if r.engine == nil {
		r.Reset()
		return 0
	}
	want := int(int64(r.Delay()) + (2*r.got*int64(r.to)+int64(r.from))/(2*int64(r.from)) - r.given)
	n := 0
	clear(r.in)
	for n < want {
		out := r.out[:r.engine.run(r.out, r.in)]
		m := min(len(out), want-n)
		quantize(dst[n:n+m], out[:m])
		n += m
	}
	r.Reset()
	return n
}

// Reset forgets the stream, as if new.
func (r *Resampler) Reset() { r.prime(nil, 0) }

// prime begins a stream whose past is pre, phase/l of a sample after it.
func (r *Resampler) prime(pre []float32, phase int) {
	r.got, r.given = 0, 0
	if r.engine != nil {
		r.engine.prime(pre, phase)
	}
}

// quantize rounds to 16 bits, with saturation.
func quantize(dst []int16, src []float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = int16(max(min(int32(v+32768.5), math.MaxUint16), 0) - 32768)
	}
}
