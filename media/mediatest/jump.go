package mediatest

import (
	"fmt"
	"math"
)

// A Jump is a place where a tone does not go on as it began.
type Jump struct {
	At       int     // sample index, counted in the whole sound
	Residual float64 // how far the sound leaves the fitted tone, in amplitudes
}

func (j Jump) String() string { return fmt.Sprintf("sample %d (%.2f)", j.At, j.Residual) }

// jumpLimit is the residual from which on a place is a jump. A phase jump of
// φ radian leaves about φ; G.711 leaves up to 0.04; a hole leaves 1.
const jumpLimit = 0.1

// PhaseJumps finds the discontinuities of a tone of freq hertz: lost, doubled
// or inserted samples, holes, clicks, steps of level. A tone is fitted to each
// stretch of the sound and carried on over the next; where the sound leaves
// it by more than a tenth of its amplitude there is a jump. Silence before and
// after the tone does not count; the first and last 5 ms of it are not judged.
func (s Sound) PhaseJumps(freq float64) []Jump {
	var jumps []Jump
	last := -1
	s.follow(freq, func(at int, residual float64) {
		if residual <= jumpLimit {
			return
		}
		if last >= 0 && at-last < s.window(freq) {
			last = at
			if j := &jumps[len(jumps)-1]; residual > j.Residual {
				j.Residual = residual
			}
			return
		}
		last = at
		jumps = append(jumps, Jump{At: at, Residual: residual})
	})
	return jumps
}

// Residual is the most by which a tone of freq hertz leaves its own
// continuation, in amplitudes: what PhaseJumps judges by. A clean tone has
// less than 0.01, one that went through G.711 less than 0.05.
func (s Sound) Residual(freq float64) float64 {
	worst := 0.0
	s.follow(freq, func(_ int, residual float64) { worst = max(worst, residual) })
	return worst
}

// window is how many samples a tone is fitted to: 10 ms, or three periods.
func (s Sound) window(freq float64) int {
	return max(s.Rate/100, int(3*float64(s.Rate)/freq))
}

// follow calls see with the residual at each sample of the tone.
func (s Sound) follow(freq float64, see func(at int, residual float64)) {
	peak := int16(min(s.Peak()/2, math.MaxInt16))
	first, last := s.FirstSound(peak), s.LastSound(peak)
	edge, window := s.Rate/200, s.window(freq)
	from, to := first+edge, last-edge
	if first < 0 || to-from < 2*window {
		return
	}
	pcm, hop := s.PCM[from:to], window/4
	fit := newFitter(freq/float64(s.Rate), window, window+hop)
	for at := window; at < len(pcm); at += hop {
		a, b, c := fit.to(pcm[at-window : at])
		amplitude := max(math.Hypot(a, b), 1)
		for i := at; i < min(at+hop, len(pcm)); i++ {
			k := window + i - at
			see(from+i, math.Abs(float64(pcm[i])-a*fit.cos[k]-b*fit.sin[k]-c)/amplitude)
		}
	}
}

// A fitter finds the a·cos + b·sin + c nearest to a window of samples.
type fitter struct {
	cos, sin []float64
	m        [3][3]float64 // the normal equations: the same for every window
}

func newFitter(turns float64, window, reach int) *fitter {
	f := &fitter{cos: make([]float64, reach), sin: make([]float64, reach)}
	for i := range f.cos {
		f.sin[i], f.cos[i] = math.Sincos(2 * math.Pi * turns * float64(i))
	}
	for i := range window {
		row := [3]float64{f.cos[i], f.sin[i], 1}
		for r := range 3 {
			for c := range 3 {
				f.m[r][c] += row[r] * row[c]
			}
		}
	}
	return f
}

func (f *fitter) to(pcm []int16) (a, b, c float64) {
	var v [3]float64
	for i, s := range pcm {
		x := float64(s)
		v[0] += x * f.cos[i]
		v[1] += x * f.sin[i]
		v[2] += x
	}
	m := f.m
	for p := range 3 { // elimination; the matrix is positive definite
		if m[p][p] == 0 {
			return 0, 0, 0
		}
		for r := range 3 {
			if r == p {
				continue
			}
			k := m[r][p] / m[p][p]
			for c := p; c < 3; c++ {
				m[r][c] -= k * m[p][c]
			}
			v[r] -= k * v[p]
		}
	}
	return v[0] / m[0][0], v[1] / m[1][1], v[2] / m[2][2]
}
