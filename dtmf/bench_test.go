package dtmf_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

func benchDetector(b *testing.B, frames []media.Frame) {
	var d dtmf.Detector
	i := 0
	for b.Loop() {
		d.Write(&frames[i])
		if i++; i == len(frames) {
			i = 0
		}
	}
	perFrame := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(perFrame/160, "ns/sample8k")
}

func BenchmarkDetectorNoise(b *testing.B) {
	benchDetector(b, newScene(1).silence(2000).noise(-30).frames())
}

func BenchmarkDetectorSilence(b *testing.B) {
	benchDetector(b, newScene(1).silence(2000).frames())
}

func BenchmarkDetectorVoice(b *testing.B) {
	benchDetector(b, voice(1, 0.1).frames())
}

func BenchmarkDetectorDigits(b *testing.B) {
	s := newScene(1)
	for i := range 16 {
		s.press(key{symbol: dtmf.Symbols[i], level: -10, on: 60}).silence(60)
	}
	benchDetector(b, s.frames())
}

func BenchmarkDetectorRates(b *testing.B) {
	for _, rate := range []media.Rate{media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		b.Run(fmt.Sprint(int(rate)), func(b *testing.B) {
			s := newScene(1)
			s.rate = float64(rate)
			benchDetector(b, s.silence(2000).frames())
		})
	}
}

func BenchmarkTones(b *testing.B) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate48k} {
		b.Run(fmt.Sprint(int(rate)), func(b *testing.B) {
			f := media.Frame{Rate: rate}
			s := dtmf.Tones("5", 1000*time.Hour, 0, -10)
			for b.Loop() {
				s.Read(&f)
			}
		})
	}
}

func BenchmarkReceiver(b *testing.B) {
	var r dtmf.Receiver
	tick := uint64(0)
	for b.Loop() {
		r.Push(1, 1000, false, []byte{5, 10, 1, 64}, tick)
		r.Tick(tick)
		tick++
	}
}
