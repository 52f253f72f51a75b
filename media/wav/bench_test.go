package wav_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/tipring/tipring/media/wav"
)

// A second of 16 kHz.
func BenchmarkRead(b *testing.B) {
	for name, format := range map[string]wav.Format{
		"pcm16":        {Encoding: wav.PCM, Bits: 16, Channels: 1},
		"pcm16-stereo": {Encoding: wav.PCM, Bits: 16, Channels: 2},
		"pcm24":        {Encoding: wav.PCM, Bits: 24, Channels: 1},
		"float32":      {Encoding: wav.Float, Bits: 32, Channels: 1},
		"mulaw":        {Encoding: wav.MuLaw, Bits: 8, Channels: 1},
	} {
		b.Run(name, func(b *testing.B) {
			file := riff(fmtChunk(format.Encoding, format.Channels, 16000, format.Bits), chunk("data", make([]byte, 16000*format.Channels*format.Bits/8)))
			p := make([]int16, 320)
			for b.Loop() {
				r, err := wav.NewReader(bytes.NewReader(file))
				for err == nil {
					_, err = r.ReadSamples(p)
				}
			}
		})
	}
}

// A frame of 20 ms of five channels.
func BenchmarkWrite(b *testing.B) {
	w, err := wav.NewStreamWriter(io.Discard, wav.Format{Rate: 16000, Channels: 5})
	if err != nil {
		b.Fatal(err)
	}
	p := make([]int16, 5*320)
	b.ReportAllocs()
	for b.Loop() {
		w.WriteSamples(p)
	}
}
