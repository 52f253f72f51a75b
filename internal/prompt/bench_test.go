package prompt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/media"
)

// BenchmarkVoice reads a frame of a prompt that is there.
func BenchmarkVoice(b *testing.B) {
	for name, rate := range map[string]int{"own-rate": 8000, "16k-to-8k": 16000, "44k1-to-8k": 44100} {
		b.Run(name, func(b *testing.B) {
			s := serve(b, bytesOf(wavOf(rate, 1, tone(rate, 440, rate))))
			l := &prompt.Library{}
			defer l.Close()
			p, err := l.Fetch(b.Context(), s.URL, "")
			if err != nil {
				b.Fatal(err)
			}
			l.Wait()
			voice, f := p.Looped(), media.Frame{Rate: media.Rate8k}
			voice.Read(&f)
			b.ReportAllocs()
			for b.Loop() {
				voice.Read(&f)
			}
		})
	}
}

// BenchmarkDecode decodes half a second of sound.
func BenchmarkDecode(b *testing.B) {
	files := map[string][]byte{"wav": wavOf(16000, 1, tone(16000, 440, 8000))}
	for name, file := range map[string]string{"mp3": "tone-16000-mono.mp3", "flac": "tone-16000-mono.flac"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			b.Fatal(err)
		}
		files[name] = text
	}
	for name, text := range files {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := prompt.Decode(bytes.NewReader(text)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(500*time.Millisecond)*float64(b.N)/float64(b.Elapsed()), "x-real-time")
		})
	}
}
