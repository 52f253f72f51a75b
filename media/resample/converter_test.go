package resample_test

import (
	"errors"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/resample"
)

var frameRates = []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k}

func TestConverterHasNoFrameEdges(t *testing.T) {
	for _, from := range frameRates {
		for _, to := range frameRates {
			var c resample.Converter
			var heard mediatest.Capture
			tone, in, out := mediatest.Tone(1004, -10, 0), media.Frame{Rate: from}, media.Frame{Rate: to}
			for tick := range 50 {
				in.Tick = uint64(tick)
				media.Pull(tone, &in)
				in.Lost = tick == 7
				c.Convert(&out, &in)
				if out.Tick != in.Tick || out.Lost != in.Lost || out.Rate != to {
					t.Fatalf("%d to %d: tick %d came as %d at %d Hz, lost %v", from, to, in.Tick, out.Tick, out.Rate, out.Lost)
				}
				heard.Write(&out)
			}
			if worst := heard.Sound().Residual(1004); worst > 0.01 {
				t.Errorf("%d to %d: residual %.3f, jumps %v", from, to, worst, heard.PhaseJumps(1004))
			}
			if n := testing.AllocsPerRun(20, func() { c.Convert(&out, &in) }); n != 0 {
				t.Errorf("%d to %d: %v allocations a frame, want 0", from, to, n)
			}
		}
	}
}

func TestFrameWithoutARateIsSilence(t *testing.T) {
	var c resample.Converter
	in, out := media.Frame{}, media.Frame{Rate: media.Rate16k}
	out.PCM()[5] = 99
	if c.Convert(&out, &in); out.PCM()[5] != 0 {
		t.Error("not silent")
	}
}

func TestSinkConforms(t *testing.T) {
	mediatest.TestSink(t, func() media.Sink { return resample.NewSink(media.Rate16k, media.NewRing(5)) })
}

// TestSinkFollowsTheRoom: one recording of 16 kHz while the room's rate
// changes; there is one small jump at each change, and no hole.
func TestSinkFollowsTheRoom(t *testing.T) {
	heard := mediatest.Capture{Want: media.Rate16k}
	s := resample.NewSink(media.Rate16k, &heard)
	tone, f := mediatest.Tone(440, -10, 0), media.Frame{}
	for tick := range 100 {
		f.Rate, f.Tick = []media.Rate{8000, 16000, 48000, 8000}[tick/25], uint64(tick)
		media.Pull(tone, &f)
		f.Lost = tick == 30
		if err := s.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(heard.PhaseJumps(440)); n > 3 {
		t.Errorf("%d jumps, want one a change: %v", n, heard.PhaseJumps(440))
	}
	pcm := heard.Samples()
	for at := 320; at+80 <= len(pcm); at += 40 { // 5 ms: two periods
		s := mediatest.Sound{Rate: 16000, PCM: pcm[at : at+80]}
		if db := s.Level() + 10 + mediatest.FullScale; db < -4 || db > 2 {
			t.Errorf("samples %d …: %.1f dB", at, db)
		}
	}
	for i, tick := range heard.Ticks() {
		if tick != uint64(i) || heard.Lost()[i] != (i == 30) {
			t.Fatalf("frame %d has tick %d, lost %v", i, tick, heard.Lost()[i])
		}
	}
}

func TestSinkHandsOnErrors(t *testing.T) {
	full := errors.New("full")
	s := resample.NewSink(media.Rate16k, media.SinkFunc(func(*media.Frame) error { return full }))
	for _, rate := range frameRates {
		if err := s.Write(&media.Frame{Rate: rate}); !errors.Is(err, full) {
			t.Errorf("%d Hz: %v", rate, err)
		}
	}
}
