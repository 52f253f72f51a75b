package resample_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/resample"
)

// A clip is samples in memory. It gives at most step at a time, and after
// stalls[i] samples nothing, once.
type clip struct {
	pcm    []int16
	step   int
	stalls []int
	given  int
	fails  error
}

func (c *clip) ReadSamples(p []int16) (int, error) {
	if len(c.stalls) > 0 && c.given >= c.stalls[0] {
		c.stalls = c.stalls[1:]
		return 0, nil
	}
	if len(c.stalls) > 0 {
		p = p[:min(len(p), c.stalls[0]-c.given)]
	}
	if c.step > 0 {
		p = p[:min(len(p), c.step)]
	}
	n := copy(p, c.pcm[c.given:])
	c.given += n
	switch {
	case n > 0:
		return n, nil
	case c.fails != nil:
		return 0, c.fails
	}
	return 0, io.EOF
}

// play reads s to its end and gives every sample.
func play(t *testing.T, s media.Source, rate media.Rate) []int16 {
	t.Helper()
	var all []int16
	f := media.Frame{Rate: rate}
	for range 100_000 {
		n, err := s.Read(&f)
		all = append(all, f.PCM()[:n]...)
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the source has no end")
	return nil
}

var fileRates = []int{8000, 16000, 48000, 44100, 22050, 11025, 12000, 24000, 32000, 96000, 192000, 4000, 44101}

func eachRate(t *testing.T, f func(t *testing.T, from int, to media.Rate)) {
	for _, from := range fileRates {
		for _, to := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
			t.Run(fmt.Sprintf("%d to %d", from, to), func(t *testing.T) { f(t, from, to) })
		}
	}
}

func TestSourceConforms(t *testing.T) {
	for _, rate := range fileRates {
		for _, n := range []int{0, 1, rate / 100, rate / 50, rate/2 + 7} {
			mediatest.TestSource(t, func() media.Source {
				return resample.NewSource(&clip{pcm: sine(440, rate, n, peak)}, rate)
			})
		}
		mediatest.TestSource(t, func() media.Source {
			return resample.NewSource(&clip{pcm: sine(440, rate, rate/2, peak), step: 37, stalls: []int{0, 3, rate / 7, rate / 2}}, rate)
		})
		mediatest.TestSource(t, func() media.Source {
			return resample.NewSource(&clip{pcm: sine(440, rate, rate/10, peak), fails: errors.New("broken")}, rate)
		})
	}
	mediatest.TestSource(t, func() media.Source { return resample.NewSource(&clip{}, 1000) })
}

// TestSourceHasItsLengthAndPlace: as long as the file, and not a sample late.
func TestSourceHasItsLengthAndPlace(t *testing.T) {
	eachRate(t, func(t *testing.T, from int, to media.Rate) {
		for _, n := range []int{1, 100, from / 3, from} {
			got := play(t, resample.NewSource(&clip{pcm: sine(440, from, n, peak)}, from), to)
			if want := (2*n*int(to) + from) / (2 * from); len(got) != want {
				t.Errorf("%d samples make %d, want %d", n, len(got), want)
			}
		}
		got := play(t, resample.NewSource(&clip{pcm: sine(440, from, from/2, peak)}, from), to)
		want := sine(440, int(to), len(got), peak)
		for i, v := range got { // from the first sample to the last
			if diff := math.Abs(float64(v) - float64(want[i])); diff > peak/33 {
				t.Fatalf("sample %d of %d is %d, want %d", i, len(got), v, want[i])
			}
		}
	})
}

func TestEqualRateIsBitByBit(t *testing.T) {
	pcm := sine(440, 16000, 16100, peak)
	if !slices.Equal(play(t, resample.NewSource(&clip{pcm: pcm}, 16000), media.Rate16k), pcm) {
		t.Error("equal rates change the sound")
	}
}

// TestLoopedToneHasNoSeam: a clip of whole periods, repeated, is one tone,
// wherever in its period the clip begins.
func TestLoopedToneHasNoSeam(t *testing.T) {
	eachRate(t, func(t *testing.T, from int, to media.Rate) {
		if from == 44101 {
			return // a tenth of a second is no whole number of samples
		}
		for freq, phase := range map[float64]float64{200: 0.25, 440: 0, 1000: 0.13, 1600: 0.13} {
			n, ticks := from/5, 25
			if from*int(to)/5%from != 0 {
				n, ticks = from, 55
			}
			start := int(phase * float64(from) / freq)
			tone := sine(freq, from, 2*n, peak)[start : start+n]
			var heard mediatest.Capture
			s := media.Loop(func() media.Source { return resample.NewSource(&clip{pcm: tone}, from) })
			f := media.Frame{Rate: to}
			for range ticks {
				media.Pull(s, &f)
				heard.Write(&f)
			}
			if worst := heard.Sound().Residual(freq); worst > 0.05 {
				t.Errorf("%v Hz from phase %v: residual %.3f, jumps %v", freq, phase, worst, heard.PhaseJumps(freq))
			}
		}
	})
}

func TestConcatOfRatesHasNoSeam(t *testing.T) {
	part := func(rate int, from, to float64) media.Source { // of one tone, in seconds
		all := sine(440, rate, rate, peak)
		return resample.NewSource(&clip{pcm: all[int(from*float64(rate)):int(to*float64(rate))]}, rate)
	}
	var heard mediatest.Capture
	s := media.Concat(part(8000, 0, 0.21), part(44100, 0.21, 0.41), part(16000, 0.41, 0.6), part(48000, 0.6, 1))
	f := media.Frame{Rate: media.Rate16k}
	for range 50 {
		media.Pull(s, &f)
		heard.Write(&f)
	}
	if worst := heard.Sound().Residual(440); worst > 0.05 {
		t.Errorf("residual %.3f, jumps %v", worst, heard.PhaseJumps(440))
	}
}

// TestRateMayChangeInMidStream: when the room's rate rises, the prompt goes on
// where it was, to the sample.
func TestRateMayChangeInMidStream(t *testing.T) {
	for _, from := range fileRates {
		s := resample.NewSource(&clip{pcm: sine(440, from, 2*from, peak)}, from)
		rates := []media.Rate{media.Rate8k, media.Rate16k, media.Rate48k, media.Rate8k, media.Rate24k, media.Rate32k}
		at, f, ticks := 0.0, media.Frame{}, 0
		for {
			f.Rate = rates[ticks/9%len(rates)]
			n, err := s.Read(&f)
			for i, v := range f.PCM()[:n] {
				want := peak * math.Sin(2*math.Pi*440*(at+float64(i)/float64(f.Rate)))
				if math.Abs(float64(v)-want) > peak/20 {
					t.Fatalf("file of %d Hz, tick %d at %d Hz: sample %d is %d, want %.0f", from, ticks, f.Rate, i, v, want)
				}
			}
			at += float64(n) / float64(f.Rate)
			ticks++
			if err != nil {
				break
			}
		}
		if math.Abs(at-2) > 0.0003 {
			t.Errorf("file of %d Hz: %.4f s of sound, want 2", from, at)
		}
	}
}

// TestLoadingIsSilence: while nothing is there the source says so, and goes on
// without loss.
func TestLoadingIsSilence(t *testing.T) {
	pcm := sine(440, 44100, 44100, peak)
	whole := play(t, resample.NewSource(&clip{pcm: pcm}, 44100), media.Rate8k)
	s := resample.NewSource(&clip{pcm: pcm, stalls: slices.Concat([]int{0, 0}, slices.Repeat([]int{20000}, 9), []int{44100})}, 44100)
	f, short := media.Frame{Rate: media.Rate8k}, 0
	var got []int16
	for {
		n, err := s.Read(&f)
		got = append(got, f.PCM()[:n]...)
		if err != nil {
			break
		}
		if n < 160 {
			short++
		}
	}
	if !slices.Equal(got, whole) {
		t.Error("the sound of a stalling file differs")
	}
	if short < 3 {
		t.Errorf("%d short frames, want at least 3", short)
	}
}

func TestFailuresAreReported(t *testing.T) {
	broken := errors.New("broken")
	s := resample.NewSource(&clip{pcm: sine(440, 16000, 1000, peak), fails: broken}, 16000)
	f, n := media.Frame{Rate: media.Rate8k}, 0
	for range 10 {
		m, err := s.Read(&f)
		if n += m; err != nil {
			if !errors.Is(err, broken) || n != 500 {
				t.Errorf("%d samples, %v; want 500 and the reader's error", n, err)
			}
			break
		}
	}
	if _, err := resample.NewSource(&clip{}, 1).Read(&f); !errors.Is(err, resample.ErrRate) {
		t.Errorf("a file of 1 Hz: %v, want ErrRate", err)
	}
}
