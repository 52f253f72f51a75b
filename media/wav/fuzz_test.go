package wav_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tipring/tipring/media/wav"
)

// FuzzReader: no input panics, loops, or gives more samples than it has bytes;
// what a bytes.Reader holds is a WAV or ErrFormat, never another error.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(golden, "*.wav"))
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 400)])
	}
	f.Add(join([]byte("RF64"), le32(-1), []byte("WAVE"), chunk("ds64", make([]byte, 28)), fmtChunk(wav.PCM, 2, 8000, 16), []byte("data"), le32(-1), pcm16(ramp(9)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, mono := range []bool{true, false} {
			r, err := wav.NewReader(bytes.NewReader(b))
			if err != nil {
				if !errors.Is(err, wav.ErrFormat) {
					t.Fatalf("%v, want ErrFormat", err)
				}
				return
			}
			if format := r.Format(); format.Rate < wav.MinRate || format.Rate > wav.MaxRate || format.Channels < 1 || format.Channels > wav.MaxChannels {
				t.Fatalf("format %v", format)
			}
			read, p, total := r.ReadChannels, make([]int16, 300), 0
			if mono {
				read = r.ReadSamples
			}
			for {
				n, err := read(p)
				if total += n; err == io.EOF {
					break
				} else if err != nil || n <= 0 || n > len(p) {
					t.Fatalf("%d, %v", n, err)
				}
			}
			if total > len(b) {
				t.Fatalf("%d samples of %d bytes", total, len(b))
			}
		}
	})
}
