package mediatest_test

import (
	"io"
	"math"
	"testing"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
)

// listen reads s to its end, or for so many ticks, at a rate.
func listen(s media.Source, rate media.Rate, ticks int) *mediatest.Capture {
	c := &mediatest.Capture{}
	f := media.Frame{Rate: rate}
	for tick := range ticks {
		f.Tick = uint64(tick)
		_, err := media.Pull(s, &f)
		c.Write(&f)
		if err != nil {
			break
		}
	}
	return c
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %.4f, want %.4f ± %.4f", what, got, want, within)
	}
}

func TestSoundsAreSources(t *testing.T) {
	for name, s := range map[string]func() media.Source{
		"tone":           func() media.Source { return mediatest.Tone(440, -10, 333*time.Millisecond) },
		"endless tone":   func() media.Source { return mediatest.Tone(440, -10, 0) },
		"silence":        func() media.Source { return mediatest.Silence(time.Second) },
		"noise":          func() media.Source { return mediatest.Noise(1, -20, 70*time.Millisecond) },
		"lossy":          func() media.Source { return mediatest.Lossy(mediatest.Tone(440, -10, time.Second), "..x") },
		"whole frames":   func() media.Source { return mediatest.Tone(440, -10, 100*time.Millisecond) },
		"until, then":    func() media.Source { return media.Until(mediatest.Tone(440, -10, time.Second), new(media.Gate)) },
		"nothing at all": func() media.Source { return media.Concat() },
		"concat": func() media.Source {
			return media.Concat(mediatest.Tone(440, -10, 33*time.Millisecond), mediatest.Tone(440, -10, 7*time.Millisecond), mediatest.Noise(1, -10, 137*time.Millisecond))
		},
		"loop": func() media.Source {
			return media.Loop(func() media.Source { return mediatest.Tone(440, -10, 33*time.Millisecond) })
		},
	} {
		t.Run(name, func(t *testing.T) { mediatest.TestSource(t, s) })
	}
}

func TestToneIsExact(t *testing.T) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		s := mediatest.Tone(1004, -13, 990*time.Millisecond)
		f, n := media.Frame{Rate: rate}, 0
		for {
			m, err := s.Read(&f)
			n += m
			if err != nil {
				break
			}
		}
		if want := int(rate) * 99 / 100; n != want {
			t.Errorf("%d Hz: %d samples, want %d", rate, n, want)
		}
		c := listen(mediatest.Tone(1004, -13, 0), rate, 50)
		near(t, "level", c.Level(), -13-mediatest.FullScale, 0.01)
		near(t, "power", c.Power(1004), -13-mediatest.FullScale, 0.01)
		near(t, "frequency", c.Frequency(), 1004, 0.01)
		if p := c.Power(1100); p > -80 {
			t.Errorf("%d Hz: %v dBFS at 1100 Hz", rate, p)
		}
		if jumps := c.PhaseJumps(1004); len(jumps) > 0 {
			t.Errorf("%d Hz: clean tone jumps at %v", rate, jumps)
		}
		near(t, "residual", c.Sound().Residual(1004), 0, 0.01)
	}
}

func TestFrequencyOfShortAndLowTones(t *testing.T) {
	for _, freq := range []float64{50, 199.7, 440, 697, 1477, 3399.5} {
		c := listen(media.Concat(mediatest.Silence(30*time.Millisecond), mediatest.Tone(freq, -20, 200*time.Millisecond)), media.Rate8k, 12)
		near(t, "frequency", c.Frequency(), freq, 0.3)
	}
	if f := listen(mediatest.Silence(0), media.Rate8k, 5).Frequency(); f != 0 {
		t.Errorf("silence has frequency %v", f)
	}
}

// splice is a tone of 440 Hz at 8 kHz with samples [at, at+cut) taken out.
func splice(cut int) mediatest.Sound {
	pcm := listen(mediatest.Tone(440, -10, 0), media.Rate8k, 50).Samples()
	return mediatest.Sound{Rate: 8000, PCM: append(pcm[:4000:4000], pcm[4000+cut:]...)}
}

func TestPhaseJumpsFindsDefects(t *testing.T) {
	for _, cut := range []int{1, 3, 80, 160} {
		jumps := splice(cut).PhaseJumps(440)
		if len(jumps) != 1 || jumps[0].At < 3995 || jumps[0].At > 4005 {
			t.Errorf("%d samples cut at 4000: found %v", cut, jumps)
		}
	}
	if jumps := splice(0).PhaseJumps(440); len(jumps) != 0 {
		t.Errorf("nothing cut: found %v", jumps)
	}
	if jumps := splice(200).PhaseJumps(440); len(jumps) != 0 { // eleven whole periods: nobody can hear it
		t.Errorf("whole periods cut: found %v", jumps)
	}
	hole := splice(0)
	clear(hole.PCM[2000:2160])
	if jumps := hole.PhaseJumps(440); len(jumps) == 0 || jumps[0].At < 1998 || jumps[0].At > 2005 {
		t.Errorf("a hole at 2000: found %v", jumps)
	}
	click := splice(0)
	click.PCM[6000] += 4000
	if jumps := click.PhaseJumps(440); len(jumps) == 0 || jumps[0].At != 6000 {
		t.Errorf("a click at 6000: found %v", jumps)
	}
}

func TestSoundHasEdges(t *testing.T) {
	s := media.Concat(mediatest.Silence(50*time.Millisecond), mediatest.Tone(1000, -10, 100*time.Millisecond), mediatest.Silence(30*time.Millisecond))
	c := listen(s, media.Rate8k, 20)
	if first := c.FirstSound(0); first != 401 { // the tone's sample 0 is 0
		t.Errorf("first sound at %d, want 401", first)
	}
	if last := c.LastSound(100); last != 1199 {
		t.Errorf("last sound at %d, want 1199", last)
	}
	if c.FirstSound(math.MaxInt16) != -1 || c.LastSound(math.MaxInt16) != -1 {
		t.Error("found sound above full scale")
	}
	if n := len(c.PhaseJumps(1000)); n != 0 {
		t.Errorf("silence around the tone counts as %d jumps", n)
	}
}

func TestNoiseHasItsPower(t *testing.T) {
	c := listen(mediatest.Noise(7, -20, 0), media.Rate16k, 100)
	near(t, "level", c.Level(), -20-mediatest.FullScale, 0.3)
	again := listen(mediatest.Noise(7, -20, 0), media.Rate16k, 100)
	if c.Samples()[1234] != again.Samples()[1234] {
		t.Error("the same seed gave other samples")
	}
}

func TestLossyFollowsItsPattern(t *testing.T) {
	c := listen(mediatest.Lossy(mediatest.Tone(440, -10, 0), "..x."), media.Rate8k, 8)
	for i, lost := range c.Lost() {
		if want := i == 2 || i == 6; lost != want {
			t.Errorf("frame %d: lost = %v, want %v", i, lost, want)
		}
	}
	pcm, whole := c.Samples(), listen(mediatest.Tone(440, -10, 0), media.Rate8k, 8).Samples()
	if pcm[2*160+5] != 0 || pcm[3*160+5] != whole[3*160+5] {
		t.Error("a lost frame must be silent and its samples gone")
	}
}

func TestCaptureAsksItsRate(t *testing.T) {
	c := mediatest.Capture{Want: media.Rate16k}
	if c.Rate() != media.Rate16k {
		t.Errorf("rate %d, want 16000", c.Rate())
	}
	if err := c.Write(&media.Frame{Rate: media.Rate8k}); err == nil {
		t.Error("a frame of another rate was taken")
	}
	var any mediatest.Capture
	any.Write(&media.Frame{Rate: media.Rate24k, Tick: 5})
	if any.Rate() != media.Rate24k || any.Ticks()[0] != 5 || any.Duration() != media.Period {
		t.Errorf("zero value: %d Hz, ticks %v, %v", any.Rate(), any.Ticks(), any.Duration())
	}
	any.Reset()
	if any.Rate() != 0 || len(any.Samples()) != 0 {
		t.Error("Reset kept something")
	}
}

func TestSinksAndFiltersConform(t *testing.T) {
	mediatest.TestSink(t, func() media.Sink { return &mediatest.Capture{} })
	mediatest.TestSink(t, func() media.Sink { return media.NewRing(4) })
	mediatest.TestFilter(t, func() media.Filter { return media.Gain(0.5) })
}

func TestCaptureThatHasRoomDoesNotAllocate(t *testing.T) {
	var c mediatest.Capture
	c.Grow(2 * time.Second)
	s, f := mediatest.Tone(440, -10, 0), media.Frame{Rate: media.Rate8k}
	if n := testing.AllocsPerRun(90, func() {
		if _, err := media.Pull(s, &f); err == io.EOF {
			t.Fatal(err)
		}
		c.Write(&f)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}
