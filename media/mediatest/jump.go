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
	pcm, turns := s.PCM[from:to], freq/float64(s.Rate)
	hop := window / 4
	for at := window; at < len(pcm); at += hop {
		fit := fitTone(pcm[at-window:at], turns)
		for i := at; i < min(at+hop, len(pcm)); i++ {
			see(from+i, math.Abs(float64(pcm[i])-fit.value(window+i-at))/max(fit.amplitude(), 1))
		}
	}
}

// A fitted tone is a·cos + b·sin + c at turns per sample.
type fitted struct{ a, b, c, turns float64 }

func (f fitted) value(i int) float64 {
	sin, cos := math.Sincos(2 * math.Pi * f.turns * float64(i))
	return f.a*cos + f.b*sin + f.c
}

func (f fitted) amplitude() float64 { return math.Hypot(f.a, f.b) }

// fitTone is the least-squares tone of a block.
func fitTone(pcm []int16, turns float64) fitted {
	var m [3][4]float64 // normal equations
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * turns * float64(i))
		row := [4]float64{cos, sin, 1, float64(v)}
		for r := range 3 {
			for c := range 4 {
				m[r][c] += row[r] * row[c]
			}
		}
	}
	for p := range 3 { // elimination; the matrix is positive definite
		if m[p][p] == 0 {
			return fitted{turns: turns}
		}
		for r := range 3 {
			if r == p {
				continue
			}
			k := m[r][p] / m[p][p]
			for c := p; c < 4; c++ {
				m[r][c] -= k * m[p][c]
			}
		}
	}
	return fitted{a: m[0][3] / m[0][0], b: m[1][3] / m[1][1], c: m[2][3] / m[2][2], turns: turns}
}
