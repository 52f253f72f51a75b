package resample_test

import (
	"fmt"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/resample"
)

// One frame of 20 ms.
func BenchmarkProcess(b *testing.B) {
	for _, p := range pairs {
		b.Run(fmt.Sprintf("%d-%d", p[0], p[1]), func(b *testing.B) {
			r := resample.New(p[0], p[1])
			src, dst := sine(440, p[0], p[0]/50, peak), make([]int16, p[1]/50+2)
			b.ReportAllocs()
			for b.Loop() {
				r.Process(dst, src)
			}
		})
	}
}

// A frame of a file, as the tick asks for it.
func BenchmarkSource(b *testing.B) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		b.Run(fmt.Sprintf("%d-8000", rate), func(b *testing.B) {
			pcm := sine(440, rate, rate, peak)
			s := media.Loop(func() media.Source { return resample.NewSource(&clip{pcm: pcm}, rate) })
			f := media.Frame{Rate: media.Rate8k}
			b.ReportAllocs()
			for b.Loop() {
				s.Read(&f)
			}
		})
	}
}

// The beginning of a file: what the first frame costs.
func BenchmarkNewSource(b *testing.B) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		b.Run(fmt.Sprintf("%d-8000", rate), func(b *testing.B) {
			pcm, f := sine(440, rate, rate, peak), media.Frame{Rate: media.Rate8k}
			b.ReportAllocs()
			for b.Loop() {
				resample.NewSource(&clip{pcm: pcm}, rate).Read(&f)
			}
		})
	}
}

func BenchmarkConvert(b *testing.B) {
	var c resample.Converter
	in, out := media.Frame{Rate: media.Rate8k}, media.Frame{Rate: media.Rate16k}
	media.Pull(mediatest.Tone(440, -10, 0), &in)
	for b.Loop() {
		c.Convert(&out, &in)
	}
}
