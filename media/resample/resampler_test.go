package resample_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/resample"
)

// pairs is every way the engines go: half-band, third-band, cascades, banks
// with a row for each phase, and banks with rows to interpolate between.
var pairs = [][2]int{
	{8000, 16000}, {16000, 8000}, {8000, 24000}, {24000, 8000}, {8000, 32000}, {32000, 8000},
	{8000, 48000}, {48000, 8000}, {16000, 48000}, {48000, 16000}, {4000, 48000}, {96000, 8000}, {192000, 16000},
	{16000, 24000}, {24000, 16000}, {32000, 48000}, {48000, 32000}, {24000, 32000},
	{44100, 8000}, {44100, 16000}, {44100, 48000}, {22050, 8000}, {22050, 16000}, {11025, 8000}, {11025, 16000}, {11025, 48000},
	{12000, 8000}, {8000, 44100}, {192000, 8000}, {192000, 44100}, {5333, 8000}, {44101, 8000}, {44101, 48000}, {7999, 8000}, {191999, 8000}, {4000, 192000},
}

// sine is so many samples of a sine of freq hertz at rate.
func sine(freq float64, rate, n int, peak float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(peak * math.Sin(2*math.Pi*freq*float64(i)/float64(rate))))
	}
	return pcm
}

// whole converts all of pcm, flushed, without the delay.
func whole(from, to int, pcm []int16) []int16 {
	r := resample.New(from, to)
	delay := r.Delay()
	out := make([]int16, r.Max(len(pcm))+delay+2)
	n := r.Process(out, pcm)
	n += r.Flush(out[n:])
	return out[delay:n]
}

func eachPair(t *testing.T, f func(t *testing.T, from, to int)) {
	for _, p := range pairs {
		t.Run(fmt.Sprintf("%d to %d", p[0], p[1]), func(t *testing.T) { f(t, p[0], p[1]) })
	}
}

const peak = 20000

// level is the power of the middle of pcm, in dB below the test tone.
func level(pcm []int16, rate int) float64 {
	quarter := len(pcm) / 4
	s := mediatest.Sound{Rate: rate, PCM: pcm[quarter : 3*quarter]}
	return s.Level() - 20*math.Log10(peak/32767.)
}

func TestPassbandIsFlat(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to int) {
		nyquist := float64(min(from, to)) / 2
		for _, part := range []float64{0.02, 0.1, 0.25, 0.5, 0.7, 0.8, 0.85} {
			freq := math.Round(part * nyquist)
			got := whole(from, to, sine(freq, from, from/2, peak))
			if db := level(got, to); math.Abs(db) > 0.2 {
				t.Errorf("%v Hz comes with %.2f dB", freq, db)
			}
			middle := mediatest.Sound{Rate: to, PCM: got[len(got)/4 : 3*len(got)/4]}
			if residual := middle.Residual(freq); residual > 0.002 {
				t.Errorf("%v Hz comes with a residual of %.4f", freq, residual)
			}
		}
	})
}

// TestNothingFoldsDown: what is above the new Nyquist frequency is gone.
func TestNothingFoldsDown(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to int) {
		nyquist := float64(to) / 2
		for _, part := range []float64{1.15, 1.2, 1.5, 1.95, 2.0, 2.05, 2.4, 3, 3.9, 4.1, 5.9, 6.1, 10, 11.9, 12.1, 20} {
			freq := part*nyquist + 3
			if freq >= float64(from)/2 {
				break
			}
			if db := level(whole(from, to, sine(freq, from, from/2, peak)), to); db > -70 {
				t.Errorf("%v Hz comes with %.1f dB", freq, db)
			}
		}
	})
}

// TestNoImages: a tone comes with nothing above the old Nyquist frequency.
func TestNoImages(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to int) {
		if from >= to {
			return // this is of those that go up
		}
		for _, part := range []float64{0.05, 0.3, 0.6, 0.85} {
			freq := math.Round(part * float64(from) / 2)
			pcm := whole(from, to, sine(freq, from, from/2, peak))
			middle := mediatest.Sound{Rate: to, PCM: pcm[len(pcm)/4 : 3*len(pcm)/4]}
			for k := 1.0; k <= 12; k++ {
				for _, image := range []float64{k*float64(from) - freq, k*float64(from) + freq} {
					if image >= float64(to)/2 {
						continue
					}
					if db := middle.Power(image) - 20*math.Log10(peak/32767.); db > -70 {
						t.Errorf("%v Hz has an image of %.1f dB at %v Hz", freq, db, image)
					}
				}
			}
		}
	})
}

// TestCountsAreExact: however the stream is cut, what comes out is the same,
// and never a sample more or less than its time.
func TestCountsAreExact(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to int) {
		random := rand.New(rand.NewPCG(1, 2))
		pcm := sine(float64(min(from, to))/10, from, from/2+random.IntN(100), peak)
		want := whole(from, to, pcm)
		if n := (2*len(pcm)*to + from) / (2 * from); len(want) != n {
			t.Fatalf("%d samples make %d, want %d", len(pcm), len(want), n)
		}
		r := resample.New(from, to)
		got, in := make([]int16, 0, len(want)+r.Delay()+1), 0
		for in < len(pcm) {
			n := min(random.IntN(700), len(pcm)-in)
			out := make([]int16, r.Max(n))
			got = append(got, out[:r.Process(out, pcm[in:in+n])]...)
			if in += n; len(got) != in*to/from {
				t.Fatalf("%d samples made %d, want %d", in, len(got), in*to/from)
			}
		}
		rest := make([]int16, r.Delay()+1)
		got = append(got, rest[:r.Flush(rest)]...)
		if !slices.Equal(got[resample.New(from, to).Delay():], want) {
			t.Error("the cut of the stream changes the sound")
		}
		again := make([]int16, r.Max(len(pcm))) // Flush has reset it
		if n := r.Process(again, pcm); !slices.Equal(again[:n], got[:n]) {
			t.Error("the second stream differs from the first")
		}
	})
}

func TestFramesDoNotDrift(t *testing.T) {
	r := resample.New(44100, 8000)
	src, dst := make([]int16, 882), make([]int16, 161)
	for frame := range 60 * 50 { // a minute
		if n := r.Process(dst, src); n != 160 {
			t.Fatalf("frame %d has %d samples, want 160", frame, n)
		}
	}
}

func TestFullScaleSaturates(t *testing.T) {
	square := make([]int16, 8000)
	for i := range square {
		square[i] = math.MaxInt16
		if i/40%2 == 1 {
			square[i] = math.MinInt16
		}
	}
	for i, v := range whole(8000, 16000, square) {
		if at := i / 2 % 40; at > 5 && at < 35 && (v > 0) != (i/80%2 == 0) {
			t.Fatalf("sample %d is %d: it wrapped around", i, v)
		}
	}
}

func TestEqualRatesAreCopied(t *testing.T) {
	pcm := sine(440, 11025, 1000, peak)
	if !slices.Equal(whole(11025, 11025, pcm), pcm) {
		t.Error("equal rates change the sound")
	}
}

func TestBadRatesAreRefused(t *testing.T) {
	for _, rate := range []int{0, -8000, 3999, 192001} {
		if resample.Supported(rate) {
			t.Errorf("%d Hz is supported", rate)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%d, 8000) did not panic", rate)
				}
			}()
			resample.New(rate, 8000)
		}()
	}
}

func TestProcessDoesNotAllocate(t *testing.T) {
	for _, p := range pairs {
		r := resample.New(p[0], p[1])
		src, dst := make([]int16, p[0]/50), make([]int16, p[1]/50+2)
		if n := testing.AllocsPerRun(20, func() { r.Process(dst, src) }); n != 0 {
			t.Errorf("%v: %v allocations a frame, want 0", p, n)
		}
	}
}
