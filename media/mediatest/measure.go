package mediatest

import (
	"math"
	"math/cmplx"
)

// A Sound is mono samples and their rate in hertz: what the measurements are
// made on. Capture has one of what it heard.
type Sound struct {
	Rate int
	PCM  []int16
}

// Level is the power of the whole in dBFS: 0 is a full-scale sine, −3.14 is
// 0 dBm0. Silence is −Inf.
func (s Sound) Level() float64 {
	var sum float64
	for _, v := range s.PCM {
		sum += float64(v) * float64(v)
	}
	return decibels(2 * sum / float64(max(len(s.PCM), 1)) / (math.MaxInt16 * math.MaxInt16))
}

// Power is the power at freq in dBFS, measured by Goertzel in windowed blocks
// of 100 ms and averaged over the whole: a tone more than 25 Hz away does not
// count. A tone that fills the whole has Power equal to its Level.
func (s Sound) Power(freq float64) float64 {
	block := min(max(s.Rate/10, 1), len(s.PCM))
	if block == 0 {
		return math.Inf(-1)
	}
	var sum float64
	blocks := 0
	for at := 0; at+block <= len(s.PCM); at += block {
		a := goertzel(s.PCM[at:at+block], freq/float64(s.Rate))
		sum += a * a
		blocks++
	}
	return decibels(sum / float64(blocks) / (math.MaxInt16 * math.MaxInt16))
}

// goertzel is the amplitude of the tone at turns per sample in a block, under
// a Hann window.
func goertzel(pcm []int16, turns float64) float64 {
	c := 2 * math.Cos(2*math.Pi*turns)
	var s1, s2, weight float64
	for i, v := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm)))
		weight += w
		s1, s2 = w*float64(v)+c*s1-s2, s1
	}
	return 2 * math.Sqrt(max(s1*s1+s2*s2-c*s1*s2, 0)) / weight
}

func decibels(power float64) float64 { return 10 * math.Log10(power) }

// FirstSound is the index of the first sample louder than threshold, either
// way; −1 when there is none.
func (s Sound) FirstSound(threshold int16) int {
	for i, v := range s.PCM {
		if abs(v) > int(threshold) {
			return i
		}
	}
	return -1
}

// LastSound is the index of the last sample louder than threshold; −1 when
// there is none.
func (s Sound) LastSound(threshold int16) int {
	for i := len(s.PCM) - 1; i >= 0; i-- {
		if abs(s.PCM[i]) > int(threshold) {
			return i
		}
	}
	return -1
}

// Peak is the largest sample value, either way.
func (s Sound) Peak() int {
	peak := 0
	for _, v := range s.PCM {
		peak = max(peak, abs(v))
	}
	return peak
}

func abs(v int16) int { return max(int(v), -int(v)) }

// Frequency is the frequency in hertz of the strongest tone: the peak of a
// spectrum, refined by the phase it gains across the sound. 0 for silence.
func (s Sound) Frequency() float64 {
	pcm := s.trim()
	size := 1
	for size*2 <= len(pcm) && size < 8192 {
		size *= 2
	}
	if size < 16 {
		return 0
	}
	spectrum := make([]complex128, size)
	for i := range spectrum {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(size))
		spectrum[i] = complex(w*float64(pcm[i]), 0)
	}
	fft(spectrum)
	top := 1
	for k := 1; k < size/2; k++ {
		if cmplx.Abs(spectrum[k]) > cmplx.Abs(spectrum[top]) {
			top = k
		}
	}
	a, b, c := cmplx.Abs(spectrum[top-1]), cmplx.Abs(spectrum[top]), cmplx.Abs(spectrum[top+1])
	if b == 0 {
		return 0
	}
	bin := float64(top)
	if a > c {
		bin -= (2*a - b) / (a + b) // exact for a Hann window
	} else {
		bin += (2*c - b) / (b + c)
	}
	return refine(pcm, bin/float64(size)) * float64(s.Rate)
}

// refine corrects turns per sample by the phase between two halves.
func refine(pcm []int16, turns float64) float64 {
	half := len(pcm) / 2
	for range 3 {
		first := phasor(pcm[:half], turns)
		second := phasor(pcm[half:2*half], turns) * cmplx.Exp(complex(0, -2*math.Pi*turns*float64(half)))
		if first == 0 {
			return turns
		}
		turns += cmplx.Phase(second/first) / (2 * math.Pi * float64(half))
	}
	return turns
}

// phasor is the complex amplitude, under a Hann window, of the tone at turns
// per sample, relative to the first sample.
func phasor(pcm []int16, turns float64) complex128 {
	var sum complex128
	step, turn := cmplx.Exp(complex(0, -2*math.Pi*turns)), complex(1, 0)
	for i, v := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm)))
		sum += complex(w*float64(v), 0) * turn
		turn *= step
	}
	return sum
}

// fft is the discrete Fourier transform in place; len(x) is a power of two.
func fft(x []complex128) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		step := cmplx.Exp(complex(0, -2*math.Pi/float64(size)))
		for at := 0; at < n; at += size {
			w := complex(1, 0)
			for k := at; k < at+size/2; k++ {
				a, b := x[k], x[k+size/2]*w
				x[k], x[k+size/2] = a+b, a-b
				w *= step
			}
		}
	}
}

// trim cuts away what stands before and after the sound: everything quieter
// than a tenth of the peak.
func (s Sound) trim() []int16 {
	threshold := int16(min(s.Peak()/10, math.MaxInt16))
	first, last := s.FirstSound(threshold), s.LastSound(threshold)
	if first < 0 {
		return nil
	}
	return s.PCM[first : last+1]
}
