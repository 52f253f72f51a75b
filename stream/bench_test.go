package stream_test

import (
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

// BenchmarkTap is what a stream costs the tick, for each participant.
func BenchmarkTap(b *testing.B) {
	for name, rate := range map[string]media.Rate{"8k-to-16k": media.Rate8k, "16k": media.Rate16k} {
		b.Run(name, func(b *testing.B) {
			tap, f := stream.NewSession(stream.Options{}).Tap("4:+15550100"), media.Frame{Rate: rate}
			b.ReportAllocs()
			for b.Loop() {
				f.Tick++
				tap.Write(&f)
			}
		})
	}
}

// BenchmarkDecodeAudio is what a frame on the way back costs its goroutine.
func BenchmarkDecodeAudio(b *testing.B) {
	text := stream.AppendReply(nil, ramp(320))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stream.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
