package plc_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tipring/tipring/media/plc"
)

// tone is n samples of a sine, from sample at on.
func tone(rate, hz int, level float64, at, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(level * math.Sin(2*math.Pi*float64(hz)*float64(at+i)/float64(rate)))
	}
	return pcm
}

// voice is a vowel, roughly: ten harmonics of a pitch that glides from 110 to
// 130 Hz within a second, with two formants and a little breath.
func voice(rate, n int) []int16 {
	rng := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, n)
	phase := 0.0
	for i := range pcm {
		f0 := 110 + 20*float64(i)/float64(rate)
		phase += 2 * math.Pi * f0 / float64(rate)
		var v float64
		for h := 1; h <= 10; h++ {
			f := f0 * float64(h)
			formant := math.Exp(-sq((f-500)/200)) + 0.5*math.Exp(-sq((f-1100)/250)) + 0.05
			v += formant * math.Sin(float64(h)*phase)
		}
		pcm[i] = int16(4000*v + 60*rng.NormFloat64())
	}
	return pcm
}

func sq(x float64) float64 { return x * x }

// lose plays pcm through a Concealer in frames of 20 ms, of which lost says
// which never came.
func lose(rate int, pcm []int16, lost func(frame int) bool) []int16 {
	c := plc.New(rate)
	out := append([]int16(nil), pcm...)
	for i, n := 0, rate/50; (i+1)*n <= len(out); i++ {
		f := out[i*n : (i+1)*n]
		if lost(i) {
			c.Conceal(f)
		} else {
			c.Heard(f)
		}
	}
	return out
}

// snr compares what came out with what went in, in dB, over the frames chosen.
func snr(rate int, want, got []int16, frames func(int) bool) float64 {
	var signal, noise float64
	for i := range want {
		if frames(i / (rate / 50)) {
			signal += sq(float64(want[i]))
			noise += sq(float64(want[i]) - float64(got[i]))
		}
	}
	return 10 * math.Log10(signal/max(noise, 1))
}

func every10th(frame int) bool { return frame%10 == 7 }

func TestConcealedSoundIsNearTheLostOne(t *testing.T) {
	for _, tt := range []struct {
		name string
		rate int
		pcm  []int16
		want float64 // dB; silence in place of the lost frames would be 0
	}{
		{"440 Hz at 8 kHz", 8000, tone(8000, 440, 10000, 0, 16000), 10},
		{"1000 Hz at 8 kHz", 8000, tone(8000, 1000, 10000, 0, 16000), 15},
		{"160 Hz at 8 kHz", 8000, tone(8000, 160, 10000, 0, 16000), 15},
		{"440 Hz at 16 kHz", 16000, tone(16000, 440, 10000, 0, 32000), 10},
		{"440 Hz at 48 kHz", 48000, tone(48000, 440, 10000, 0, 96000), 10},
		{"a vowel at 8 kHz", 8000, voice(8000, 8000), 5},
		{"a vowel at 16 kHz", 16000, voice(16000, 16000), 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := lose(tt.rate, tt.pcm, every10th)
			db := snr(tt.rate, tt.pcm, got, every10th)
			t.Logf("lost frames: %.1f dB above the error (silence: 0 dB)", db)
			if db < tt.want {
				t.Errorf("%.1f dB, want at least %.0f", db, tt.want)
			}
		})
	}
}

// step is the largest jump between two samples beyond what the sound itself has.
func step(pcm []int16) (largest int) {
	for i := 1; i < len(pcm); i++ {
		largest = max(largest, abs(int(pcm[i])-int(pcm[i-1])))
	}
	return largest
}

func abs(v int) int { return max(v, -v) }

func TestSeamsDoNotClick(t *testing.T) {
	for _, tt := range []struct {
		name string
		pcm  []int16
		lost func(int) bool
	}{
		{"a tone, single frames", tone(8000, 417, 10000, 0, 16000), every10th},
		{"a tone, three frames", tone(8000, 417, 10000, 0, 16000), func(i int) bool { return i%20 >= 7 && i%20 < 10 }},
		{"a tone, ten frames", tone(8000, 417, 10000, 0, 16000), func(i int) bool { return i%30 >= 7 && i%30 < 17 }},
		{"a vowel, two frames", voice(8000, 8000), func(i int) bool { return i%10 >= 7 && i%10 < 9 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			had, has := step(tt.pcm), step(lose(8000, tt.pcm, tt.lost))
			if has > had*3/2 {
				t.Errorf("a jump of %d, the sound itself has %d", has, had)
			}
		})
	}
}

func TestFadesToSilenceBy60ms(t *testing.T) {
	got := lose(8000, tone(8000, 440, 10000, 0, 16000), func(i int) bool { return i >= 50 })
	lost := got[8000:]
	rms := func(pcm []int16) float64 {
		var s float64
		for _, v := range pcm {
			s += sq(float64(v))
		}
		return math.Sqrt(s / float64(len(pcm)))
	}
	if r := rms(lost[:80]); math.Abs(r-7071) > 700 {
		t.Errorf("the first 10 ms have an RMS of %.0f, want the tone's 7071", r)
	}
	for i := 80; i < 480; i += 80 {
		if now, was := rms(lost[i:i+80]), rms(lost[i-80:i]); now >= was {
			t.Errorf("from %d ms on it gets no softer: %.0f after %.0f", i/8, now, was)
		}
	}
	for i, v := range lost[480:] {
		if v != 0 {
			t.Fatalf("sample %d after 60 ms is %d, want silence", i, v)
		}
	}
}

func TestReturnIsSmoothAndThenExact(t *testing.T) {
	pcm := tone(8000, 440, 10000, 0, 1600)
	got := lose(8000, pcm, func(i int) bool { return i == 5 })
	for i := 6*160 + 80; i < len(pcm); i++ { // 10 ms after the return
		if got[i] != pcm[i] {
			t.Fatalf("sample %d is %d, want %d as it was heard", i, got[i], pcm[i])
		}
	}
}

func TestCutIsBlended(t *testing.T) {
	c := plc.New(8000)
	for i := range 10 {
		c.Heard(tone(8000, 417, 10000, i*160, 160))
	}
	last := tone(8000, 417, 10000, 1599, 1)[0]
	next := tone(8000, 417, 10000, 1600+163, 160) // 163 samples were left out: another phase
	hard := abs(int(next[0]) - int(last))
	c.Cut()
	c.Heard(next)
	if soft := abs(int(next[0]) - int(last)); soft >= hard || soft > 5000 {
		t.Errorf("a jump of %d at the seam, %d without Cut", soft, hard)
	}
}

func TestPartsOfAFrame(t *testing.T) {
	c := plc.New(8000)
	pcm := tone(8000, 440, 10000, 0, 8000)
	want := append([]int16(nil), pcm...)
	for i := 0; i+80 <= len(pcm); i += 80 {
		if i/80%16 == 9 {
			c.Conceal(pcm[i : i+80])
		} else {
			c.Heard(pcm[i : i+80])
		}
	}
	var signal, noise float64
	for i := range pcm {
		signal += sq(float64(want[i]))
		noise += sq(float64(want[i]) - float64(pcm[i]))
	}
	if db := 10 * math.Log10(signal/noise); db < 20 {
		t.Errorf("%.1f dB with a sixteenth of the sound concealed", db)
	}
}

func TestNoSoundThatBreaksIt(t *testing.T) {
	loud := make([]int16, 160)
	for i := range loud {
		loud[i] = 32767
		if i%3 == 0 {
			loud[i] = -32768
		}
	}
	c := plc.New(8000)
	pcm := make([]int16, 160)
	c.Conceal(pcm) // before anything was heard
	for _, v := range pcm {
		if v != 0 {
			t.Fatalf("made up %d out of nothing", v)
		}
	}
	for i := range 100 {
		if i%3 == 0 {
			c.Heard(append([]int16(nil), loud...))
		} else {
			c.Conceal(pcm)
		}
	}
	c.Heard(nil)
	c.Conceal(nil)
	c.Reset()
	c.Conceal(pcm)
	if pcm[0] != 0 {
		t.Error("Reset did not forget the voice")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	c := plc.New(8000)
	pcm := tone(8000, 440, 10000, 0, 160)
	if n := testing.AllocsPerRun(100, func() {
		c.Heard(pcm)
		c.Conceal(pcm)
		c.Conceal(pcm)
		c.Heard(pcm)
		c.Cut()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHeard(b *testing.B) {
	c := plc.New(8000)
	pcm := tone(8000, 440, 10000, 0, 160)
	for b.Loop() {
		c.Heard(pcm)
	}
}

// BenchmarkLoss is one lost frame and the join after it.
func BenchmarkLoss(b *testing.B) {
	c := plc.New(8000)
	pcm := tone(8000, 440, 10000, 0, 160)
	for b.Loop() {
		c.Conceal(pcm)
		c.Heard(pcm)
	}
}
