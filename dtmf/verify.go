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
	sound = sound[len(sound)-verifyLen:]
	copy(rest[:], sound)
	tones := [2]fitted{{hertz: p.rowHertz}, {hertz: p.columnHertz}}
	for range 2 { // each is fitted beside what is known of the other
		for i := range tones {
			tones[i].add(&rest, +1)
			tones[i].fit(&rest)
			tones[i].add(&rest, -1)
		}
	}
	hum(&rest)
	all, left := energy(sound), energy(rest[:])
	if left > mostRest*all || left > clearRest*all && colour(&rest, left) > mostColour {
		return false
	}
	power := tones[0].power() + tones[1].power()
	for i := range tones {
		harmonic := fitted{hertz: 2 * tones[i].hertz}
		harmonic.fit(&rest)
		if harmonic.power() > mostHarmonic*power {
			return false
		}
	}
	return true
}

// hum takes away what is constant, and mains hum: in 25 ms, 50 and 60 Hz are
// much the same.
func hum(rest *[verifyLen]float32) {
	for range 2 {
		mean := float32(0)
		for _, v := range rest {
			mean += v / verifyLen
		}
		for i := range rest {
			rest[i] -= mean
		}
		mains := fitted{hertz: 55}
		mains.fit(rest)
		mains.add(rest, -1)
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

func energy(x []float32) (sum float32) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// fitted is a tone a·cos + b·sin, of a frequency, in verifyLen samples.
type fitted struct{ hertz, a, b float64 }

func (t *fitted) power() float64 { return (t.a*t.a + t.b*t.b) / 2 }

// fit finds a and b by correlation.
func (t *fitted) fit(x *[verifyLen]float32) {
	sin, cos := math.Sincos(2 * math.Pi * t.hertz / hertz)
	a, b := 0.0, 0.0
	c, s := 1.0, 0.0
	for _, v := range x {
		a += float64(v) * c
		b += float64(v) * s
		c, s = c*cos-s*sin, s*cos+c*sin
	}
	t.a, t.b = 2*a/verifyLen, 2*b/verifyLen
}

// add adds the tone, or takes it away.
func (t *fitted) add(x *[verifyLen]float32, sign float64) {
	if t.a == 0 && t.b == 0 {
		return
	}
	sin, cos := math.Sincos(2 * math.Pi * t.hertz / hertz)
	c, s := 1.0, 0.0
	for i := range x {
		x[i] += float32(sign * (t.a*c + t.b*s))
		c, s = c*cos-s*sin, s*cos+c*sin
	}
}
