package mix_test

import (
	"math"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/mix"
)

func voice(rate media.Rate, seed uint64, dBm0 float64) *media.Frame {
	f := &media.Frame{Rate: rate, Tick: 7}
	media.Pull(mediatest.Noise(seed, dBm0, 0), f)
	return f
}

// constant is a frame of one value.
func constant(v int16) *media.Frame {
	f := &media.Frame{Rate: media.Rate8k}
	for i := range f.PCM() {
		f.PCM()[i] = v
	}
	return f
}

func sumOf(frames ...*media.Frame) *mix.Sum {
	s := new(mix.Sum)
	s.Reset(frames[0].Rate)
	for _, f := range frames {
		s.Add(f)
	}
	return s
}

func wantAll(t *testing.T, what string, f *media.Frame, want int16) {
	t.Helper()
	for i, v := range f.PCM() {
		if v != want {
			t.Fatalf("%s: sample %d is %d, want %d", what, i, v, want)
		}
	}
}

func TestEachEarHearsTheOthers(t *testing.T) {
	a, b, c := constant(100), constant(-30), constant(7)
	s := sumOf(a, b, c)
	for _, tt := range []struct {
		name      string
		own, play *media.Frame
		want      int16
	}{
		{"a", a, nil, -23},
		{"b", b, nil, 107},
		{"c", c, nil, 70},
		{"a listener", nil, nil, 77},
		{"a with a prompt", a, constant(1000), 977},
		{"a listener with a prompt", nil, constant(1000), 1077},
	} {
		out := &media.Frame{Rate: media.Rate48k, Tick: 9, Lost: true}
		s.With(tt.own, tt.play, out)
		wantAll(t, tt.name, out, tt.want)
		if out.Rate != media.Rate8k || out.Tick != 9 || out.Lost {
			t.Errorf("%s: Rate %d, Tick %d, Lost %v", tt.name, out.Rate, out.Tick, out.Lost)
		}
	}
}

func TestTwoHearEachOtherBitByBit(t *testing.T) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		a, b := voice(rate, 1, 3), voice(rate, 2, 3) // loud: it reaches full scale
		s := sumOf(a, b)
		out := &media.Frame{}
		if s.Without(a, out); out.Rate != rate {
			t.Fatalf("rate %d, want %d", out.Rate, rate)
		}
		for i, v := range out.PCM() {
			if v != b.PCM()[i] {
				t.Fatalf("%d Hz: sample %d is %d, want %d: one loud voice must not be changed", rate, i, v, b.PCM()[i])
			}
		}
	}
}

func TestSumsSaturate(t *testing.T) {
	loud, out := constant(30000), new(media.Frame)
	s := sumOf(loud, loud, loud)
	s.All(out)
	wantAll(t, "three loud voices", out, math.MaxInt16)
	low := constant(-30000)
	s = sumOf(low, low, low)
	s.Without(low, out)
	wantAll(t, "two low voices", out, math.MinInt16)
	s = sumOf(loud, loud, low) // saturated once, at the end: the order does not count
	s.All(out)
	wantAll(t, "loud, loud, low", out, 30000)
	s.With(low, low, out)
	wantAll(t, "loud, loud and a low prompt", out, 30000)
}

func TestManyVoicesDoNotOverflow(t *testing.T) {
	loudest, s, out := constant(math.MinInt16), new(mix.Sum), new(media.Frame)
	s.Reset(media.Rate8k)
	for range 65535 {
		s.Add(loudest)
	}
	s.All(out)
	wantAll(t, "65,535 voices", out, math.MinInt16)
}

func TestOutMayBeOwnOrPlay(t *testing.T) {
	own, play := constant(100), constant(5)
	s := sumOf(own, constant(10))
	s.With(own, play, play)
	wantAll(t, "into play", play, 15)
	s.Without(own, own)
	wantAll(t, "into own", own, 10)
}

func TestResetForgetsAndRaisesTheRate(t *testing.T) {
	s, out := sumOf(constant(100)), new(media.Frame)
	s.Reset(media.Rate16k)
	s.All(out)
	if wantAll(t, "after Reset", out, 0); len(out.PCM()) != 320 || s.Rate() != media.Rate16k {
		t.Errorf("%d samples at %d", len(out.PCM()), s.Rate())
	}
}

func TestMixingDoesNotAllocate(t *testing.T) {
	a, b, out, s := voice(media.Rate16k, 1, -10), voice(media.Rate16k, 2, -10), new(media.Frame), new(mix.Sum)
	if n := testing.AllocsPerRun(100, func() {
		s.Reset(media.Rate16k)
		s.Add(a)
		s.Add(b)
		s.Without(a, out)
		s.With(b, a, out)
		s.All(out)
	}); n != 0 {
		t.Errorf("%v allocations a tick, want 0", n)
	}
}
