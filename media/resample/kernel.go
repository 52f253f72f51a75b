package resample

import "math"

// The one filter of this package is a Kaiser-windowed sinc. Time is counted in
// samples of the lower of two rates: its zeros stand at whole numbers, it is
// down by 6 dB at the lower rate's Nyquist frequency, and half is how far it
// reaches to either side.
const (
	sharp = 16  // passes 0.85 of Nyquist, stops from 1.15 of it on
	wide  = 7   // for stages that a sharp one stands beside
	beta  = 7.5 // stop band −77 dB
)

// kernel is the filter that reaches half to either side, at time t.
func kernel(t float64, half int) float64 {
	x := t / float64(half)
	if x <= -1 || x >= 1 {
		return 0
	}
	return sinc(t) * bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

func sinc(t float64) float64 {
	if math.Abs(t) < 1e-9 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// fine is one side of the sharp kernel, fineSteps points a sample, from which
// the banks of odd ratios are interpolated: quicker than computing each tap,
// and exact to 94 dB.
const fineSteps = 256

var fine = fineKernel()

func fineKernel() []float32 {
	points := make([]float32, sharp*fineSteps+2)
	for i := range points {
		points[i] = float32(kernel(float64(i)/fineSteps, sharp))
	}
	return points
}

func sharpKernel(t float64) float64 {
	at := math.Abs(t) * fineSteps
	i := int(at)
	if i >= sharp*fineSteps {
		return 0
	}
	a, b := float64(fine[i]), float64(fine[i+1])
	return a + (b-a)*(at-float64(i))
}

// row is n taps of a kernel, the i-th at time at(i), scaled to the sum gain.
func row(n int, gain float64, tap func(i int) float64) []float32 {
	taps, sum := make([]float32, n), 0.0
	for i := range taps {
		v := tap(i)
		taps[i] = float32(v)
		sum += v
	}
	for i := range taps {
		taps[i] *= float32(gain / sum)
	}
	return taps
}

// dot is the sum of products of h and as many samples of x.
func dot(x, h []float32) float32 {
	x = x[:len(h)]
	var a, b, c, d float32
	for len(h) >= 4 && len(x) >= 4 {
		a += x[0] * h[0]
		b += x[1] * h[1]
		c += x[2] * h[2]
		d += x[3] * h[3]
		x, h = x[4:], h[4:]
	}
	for i, v := range h {
		a += x[i] * v
	}
	return (a + b) + (c + d)
}
