package dtmf

import (
	"math"
	"math/cmplx"
)

// All detection is at 8 kHz, in segments of 5 ms. Two of them are a half, and
// two halves, 20 ms, are the window that is judged.
const (
	hertz      = 8000
	segmentLen = 40
	halfLen    = 2 * segmentLen
	windowLen  = 2 * halfLen
)

// A segment is the spectrum of 5 ms at the eight frequencies: phasors that
// count their phase from its first sample.
type segment struct {
	x      [8]complex64
	energy float32 // sum of the squares of its samples
}

// Constants of the eight frequencies.
var (
	coefs  [8]float32      = each(func(w float64) float32 { return float32(2 * math.Cos(w)) })
	cosine [8]float32      = each(func(w float64) float32 { return float32(math.Cos(w)) })
	sines  [8]float32      = each(func(w float64) float32 { return float32(math.Sin(w)) })
	unwind [8]complex64    = each(func(w float64) complex64 { return turn(-w * (segmentLen - 1)) })
	onward [8]complex64    = each(func(w float64) complex64 { return turn(-w * segmentLen) })
	onhalf [8]complex64    = each(func(w float64) complex64 { return turn(-w * halfLen) })
	leaks  [8][8]complex64 = leakage()
)

func each[T any](f func(w float64) T) (out [8]T) {
	for i, hz := range frequencies {
		out[i] = f(2 * math.Pi * hz / hertz)
	}
	return out
}

func turn(angle float64) complex64 { return complex64(cmplx.Rect(1, angle)) }

// leakage says how much of a tone at frequency a appears at frequency b in a
// half, as leaks[a][b].
func leakage() (out [8][8]complex64) {
	for a := range out {
		for b := range out {
			w := 2 * math.Pi * (frequencies[a] - frequencies[b]) / hertz
			var sum complex128
			for n := range halfLen {
				sum += cmplx.Rect(1.0/halfLen, w*float64(n))
			}
			out[a][b] = complex64(sum)
		}
	}
	return out
}

// analyse makes the segment of 40 samples: eight Goertzel resonators, four at a
// time so that their states stay in registers.
func (s *segment) analyse(x *[segmentLen]float32) {
	var energy float32
	for _, v := range x {
		energy += v * v
	}
	s.energy = energy
	s.resonate(x, 0)
	s.resonate(x, 4)
}

func (s *segment) resonate(x *[segmentLen]float32, from int) {
	c0, c1, c2, c3 := coefs[from], coefs[from+1], coefs[from+2], coefs[from+3]
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for i := 0; i < segmentLen; i += 2 { // two samples a turn: the states change places
		v := x[i]
		b0 = c0*a0 + (v - b0)
		b1 = c1*a1 + (v - b1)
		b2 = c2*a2 + (v - b2)
		b3 = c3*a3 + (v - b3)
		v = x[i+1]
		a0 = c0*b0 + (v - a0)
		a1 = c1*b1 + (v - a1)
		a2 = c2*b2 + (v - a2)
		a3 = c3*b3 + (v - a3)
	}
	s.settle(from, a0, b0)
	s.settle(from+1, a1, b1)
	s.settle(from+2, a2, b2)
	s.settle(from+3, a3, b3)
}

// settle makes a phasor of a resonator's two last states.
func (s *segment) settle(i int, a, b float32) {
	s.x[i] = complex(a-cosine[i]*b, sines[i]*b) * unwind[i]
}

// A half is the spectrum of 10 ms.
type half struct {
	x      [8]complex64
	power  [8]float32
	energy float32
}

// join makes the half of two segments that follow each other.
func (h *half) join(a, b *segment) {
	for i := range h.x {
		x := a.x[i] + b.x[i]*onward[i]
		h.x[i] = x
		h.power[i] = square(x)
	}
	h.energy = a.energy + b.energy
}

func square(x complex64) float32 { return real(x)*real(x) + imag(x)*imag(x) }

func conj(x complex64) complex64 { return complex(real(x), -imag(x)) }
