package dtmf_test

import (
	"io"
	"math"
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// collect reads a source to its end at rates that change from frame to frame.
func collect(t *testing.T, s media.Source, rates ...media.Rate) (samples []int16, frames []media.Frame) {
	t.Helper()
	for tick := range 5000 {
		f := media.Frame{Rate: rates[tick%len(rates)], Tick: uint64(tick), Lost: true}
		n, err := s.Read(&f)
		samples = append(samples, f.PCM()[:n]...)
		clear(f.PCM()[n:])
		frames = append(frames, f)
		if err == io.EOF {
			return samples, frames
		}
		if err != nil || n != len(f.PCM()) || f.Lost {
			t.Fatalf("tick %d: %d samples, %v, lost %v", tick, n, err, f.Lost)
		}
	}
	t.Fatal("no end")
	return nil, nil
}

func TestTonesLengthAndLevel(t *testing.T) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		got, _ := collect(t, dtmf.Tones("5x,5", 85*time.Millisecond, 40*time.Millisecond, -10), rate)
		if want := int(rate) * 1250 / 1000; len(got) != want {
			t.Fatalf("%d Hz: %d samples, want %d", rate, len(got), want)
		}
		ms := func(from, to int) []int16 { return got[from*int(rate)/1000 : to*int(rate)/1000] }
		power := 0.0
		for _, v := range ms(10, 80) {
			power += float64(v) * float64(v)
		}
		power /= float64(len(ms(10, 80)))
		if level := 10*math.Log10(power/(32767*32767/2)) + 3.14; math.Abs(level+10-3.01) > 0.2 {
			t.Errorf("%d Hz: both tones at %.2f dBm0, want %.2f", rate, level, -10+3.01)
		}
		for i, v := range append(ms(85, 1125), ms(1210, 1250)...) {
			if v != 0 {
				t.Fatalf("%d Hz: sound in a pause, at %d", rate, i)
			}
		}
	}
}

func TestTonesHaveRamps(t *testing.T) {
	got, _ := collect(t, dtmf.Tones("1", 50*time.Millisecond, 0, -10), media.Rate48k)
	for i := range 48 { // the first and the last millisecond
		limit := int16(2 * peak(-10) * 0.26)
		if a, b := got[i], got[len(got)-1-i]; max(a, -a) > limit || max(b, -b) > limit {
			t.Fatalf("at %d of the ramp: %d and %d", i, a, b)
		}
	}
}

// TestTonesKeepTheirPhase: over frames and changes of rate, every sample is that
// of one sine for each tone.
func TestTonesKeepTheirPhase(t *testing.T) {
	_, frames := collect(t, dtmf.Tones("9", 400*time.Millisecond, 0, -10), media.Rate8k, media.Rate48k, media.Rate32k)
	a := peak(-10)
	for tick, f := range frames[1:19] {
		for i, v := range f.PCM() {
			at := float64(tick+1)*0.02 + float64(i)/float64(f.Rate)
			want := a * (math.Sin(2*math.Pi*852*at) + math.Sin(2*math.Pi*1477*at))
			if math.Abs(float64(v)-want) > 1.5 {
				t.Fatalf("frame %d at %d Hz, sample %d: %d, want %.1f", tick+1, f.Rate, i, v, want)
			}
		}
	}
}

func TestTonesAreHeard(t *testing.T) {
	for _, level := range []float64{0, -10, -25} {
		for _, rate := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate48k} {
			_, frames := collect(t, dtmf.Tones("1234567890*#abcdABCD,5,5", 60*time.Millisecond, 60*time.Millisecond, level), rate)
			if got, _ := hear(append(frames, make([]media.Frame, 3)...)); got != "1234567890*#ABCDABCD55" {
				t.Errorf("%v dBm0 at %d Hz: heard %q", level, rate, got)
			}
		}
	}
}

func TestTonesOfNothing(t *testing.T) {
	for _, digits := range []string{"", "xyz"} {
		f := media.Frame{Rate: media.Rate8k}
		if n, err := dtmf.Tones(digits, time.Second, time.Second, -10).Read(&f); n != 0 || err != io.EOF {
			t.Errorf("%q: %d, %v", digits, n, err)
		}
	}
	f := media.Frame{Rate: media.Rate8k}
	if n, err := dtmf.Tones("123", 0, -time.Second, -10).Read(&f); n != 0 || err != io.EOF {
		t.Errorf("no length: %d, %v", n, err)
	}
}

func TestTonesAllocateNothing(t *testing.T) {
	s := dtmf.Tones("1234567890", time.Second, time.Second, -10)
	f := media.Frame{Rate: media.Rate16k}
	if n := testing.AllocsPerRun(900, func() { s.Read(&f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
