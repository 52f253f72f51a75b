package dtmf_test

import (
	"math"
	"testing"
)

// voice is some minutes of vowels: a buzz of wandering pitch through three
// formants that glide from vowel to vowel, with pauses.
func voice(seed uint64, minutes float64) *scene {
	s := newScene(seed)
	formants := [][3]float64{{730, 1090, 2440}, {660, 1720, 2410}, {530, 1840, 2480}, {490, 1350, 1690}, {440, 1020, 2240}, {640, 1190, 2390}, {300, 870, 2240}, {390, 1990, 2550}}
	var y1, y2 [3]float64
	phase, pitch := 0.0, 120.0
	now, next := formants[0], formants[1]
	for len(s.pcm) < int(minutes*60*8000) {
		length := int(8000 * (0.06 + 0.2*s.rng.Float64()))
		target := 80 + 180*s.rng.Float64()
		for i := range length {
			part := float64(i) / float64(length)
			pitch += (target - pitch) / 2000
			phase += pitch / 8000
			buzz := 0.0
			if phase >= 1 {
				phase--
				buzz = 1
			}
			buzz += 0.01 * s.rng.NormFloat64()
			v := 0.0
			for k := range now {
				hz := now[k] + (next[k]-now[k])*part
				r := math.Exp(-math.Pi * (50 + 30*float64(k)) / 8000)
				y := buzz + 2*r*math.Cos(2*math.Pi*hz/8000)*y1[k] - r*r*y2[k]
				y1[k], y2[k] = y, y1[k]
				v += y / float64(k+1)
			}
			s.pcm = append(s.pcm, 2500*v)
		}
		now, next = next, formants[s.rng.IntN(len(formants))]
		if s.rng.IntN(8) == 0 {
			s.silence(150)
		}
	}
	return s
}

// music is chords of three notes with harmonics, that decay.
func music(seed uint64, minutes float64) *scene {
	s := newScene(seed)
	for len(s.pcm) < int(minutes*60*8000) {
		length := int(8000 * (0.12 + 0.4*s.rng.Float64()))
		var hertz [3]float64
		for i := range hertz {
			hertz[i] = 110 * math.Pow(2, float64(s.rng.IntN(42))/12)
		}
		for i := range length {
			t, v := float64(i)/8000, 0.0
			for _, f := range hertz {
				for h := 1.0; h <= 4 && f*h < 3800; h++ {
					v += math.Sin(2*math.Pi*f*h*t) / (h * h)
				}
			}
			s.pcm = append(s.pcm, 2200*v*math.Exp(-3*t))
		}
	}
	return s
}

// TestTalkOff: nothing is heard in voices, music and noise.
func TestTalkOff(t *testing.T) {
	for name, s := range map[string]*scene{
		"voice":         voice(1, 5),
		"another voice": voice(2, 5),
		"music":         music(3, 5),
		"white noise":   newScene(4).silence(2 * 60e3).noise(-15),
		"loud noise":    newScene(5).silence(60e3).noise(0),
	} {
		if got, hits := hear(s.frames()); got != "" {
			t.Errorf("%s: heard %q: %v", name, got, hits)
		}
	}
}
