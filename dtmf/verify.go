package dtmf

import "math"

// verifyLen is how much sound is looked at again when four windows have passed.
const verifyLen = 200 // 25 ms

const (
	mostHarmonic = 0.05 // of the tones' power may be at twice their frequencies
	mostRest     = 0.42 // of the sound may be something else than the two tones
	clearRest    = 0.08 // that little may be of any colour, but more …
	mostColour   = 0.5  // … must be noise: white has 0.08, a voice 0.9 and more
)

// verify takes the two tones out of the sound, sample by sample, and mains hum
// with them. It reports whether what remains is small, or noise, and has no
// second harmonic of the tones. A voice that happens to have two tones in the
// right places has others beside them.
func verify(sound []float32, p pair) bool {
	var rest [verifyLen]float32
	copy(rest[:], sound[len(sound)-verifyLen:])
	all := energy(&rest)
	row, column := newWave(p.rowHertz), newWave(p.columnHertz)
	mains := newWave(55) // in 25 ms, 50 and 60 Hz are much the same
	for range 2 {        // each is fitted beside what is known of the others
		row.take(&rest)
		column.take(&rest)
		centre(&rest)
		mains.take(&rest)
	}
	left := energy(&rest)
	if left > mostRest*all || left > clearRest*all && colour(&rest, left) > mostColour {
		return false
	}
	most := mostHarmonic * (row.power() + column.power())
	for _, hertz := range [2]float64{p.rowHertz, p.columnHertz} {
		harmonic := newWave(2 * hertz)
		if harmonic.take(&rest); harmonic.power() > most {
			return false
		}
	}
	return true
}

func energy(x *[verifyLen]float32) (sum float32) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// centre takes away what is constant.
func centre(x *[verifyLen]float32) {
	mean := float32(0)
	for _, v := range x {
		mean += v / verifyLen
	}
	for i := range x {
		x[i] -= mean
	}
}

// colour is the sum of the squares of the first sixteen coefficients of
// autocorrelation: near nothing for white noise, 8 for a tone.
func colour(x *[verifyLen]float32, energy float32) (sum float32) {
	for lag := 1; lag <= 16; lag++ {
		product := float32(0)
		for i, v := range x[lag:] {
			product += v * x[i]
		}
		sum += product / energy * (product / energy)
	}
	return sum
}

// A wave is what was taken of one frequency: a·cos + b·sin.
type wave struct {
	cos, sin [verifyLen]float32
	a, b     float32
}

func newWave(hz float64) (w wave) {
	sin, cos := math.Sincos(2 * math.Pi * hz / hertz)
	c, s := 1.0, 0.0
	for i := range w.cos {
		w.cos[i], w.sin[i] = float32(c), float32(s)
		c, s = c*cos-s*sin, s*cos+c*sin
	}
	return w
}

// take takes as much of the wave out of x as correlates with it.
func (w *wave) take(x *[verifyLen]float32) {
	var a, b float32
	for i, v := range x {
		a += v * w.cos[i]
		b += v * w.sin[i]
	}
	a, b = a*2/verifyLen, b*2/verifyLen
	for i := range x {
		x[i] -= a*w.cos[i] + b*w.sin[i]
	}
	w.a, w.b = w.a+a, w.b+b
}

func (w *wave) power() float32 { return (w.a*w.a + w.b*w.b) / 2 }
