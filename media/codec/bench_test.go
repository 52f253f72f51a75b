package codec_test

import (
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/mediatest"
)

// One frame of 20 ms.
func BenchmarkEncode(b *testing.B) {
	for _, c := range codec.Codecs {
		b.Run(c.Name, func(b *testing.B) {
			enc, f, payload := c.NewEncoder(), speechLike(c.Rate), make([]byte, 160)
			b.ReportAllocs()
			for b.Loop() {
				enc.Encode(payload, f.PCM())
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range codec.Codecs {
		b.Run(c.Name, func(b *testing.B) {
			f, payload := speechLike(c.Rate), make([]byte, 160)
			c.NewEncoder().Encode(payload, f.PCM())
			dec := c.NewDecoder()
			b.ReportAllocs()
			for b.Loop() {
				dec.Decode(f.PCM(), payload)
			}
		})
	}
}

func speechLike(rate media.Rate) *media.Frame {
	f := media.Frame{Rate: rate}
	media.Pull(mediatest.Noise(1, -20, 0), &f)
	return &f
}
