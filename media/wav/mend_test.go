package wav_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/tipring/tipring/media/wav"
)

// ReadAt, WriteAt and Truncate make a seekFile a wav.File.
func (f *seekFile) ReadAt(p []byte, at int64) (int, error) {
	n := copy(p, f.b[min(int(at), len(f.b)):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *seekFile) WriteAt(p []byte, at int64) (int, error) {
	if f.fails != nil {
		return 0, f.fails
	}
	return copy(f.b[at:], p), nil
}

func (f *seekFile) Truncate(size int64) error {
	if f.fails != nil {
		return f.fails
	}
	f.b = f.b[:size]
	return nil
}

// cutOff is what a Writer of a ramp had written when it was cut off, before its
// first Flush.
func cutOff(t testing.TB, channels, frames int) []byte {
	t.Helper()
	f := &seekFile{}
	w, err := wav.NewWriter(f, wav.Format{Rate: 16000, Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	return append(f.b, pcm16(ramp(frames*w.Format().Channels)...)...)
}

// TestMendedAtAnyLength: whole samples of all channels are kept, the rest is
// cut off, and the header says so.
func TestMendedAtAnyLength(t *testing.T) {
	for _, channels := range []int{1, 2, 5} {
		whole, known := cutOff(t, channels, 30), wav.Format{Rate: 16000, Channels: channels}
		for size := range len(whole) + 1 {
			f, want := &seekFile{b: slices.Clone(whole[:size])}, max(size-44, 0)/(2*channels)
			format, frames, err := wav.Mend(f, int64(size), known)
			if err != nil || frames != int64(want) || format.Channels != channels || format.Rate != 16000 {
				t.Fatalf("%d channels, %d bytes: %v, %d samples, %v; want %d", channels, size, format, frames, err, want)
			}
			if want == 0 {
				if !bytes.Equal(f.b, whole[:size]) {
					t.Errorf("%d bytes without a sample were touched", size)
				}
				continue
			}
			format, got := reread(t, f.b)
			if !slices.Equal(got, ramp(want*channels)) || format.Channels != channels || len(f.b) != 44+2*channels*want {
				t.Fatalf("%d channels, %d bytes: a file of %d bytes with %d samples", channels, size, len(f.b), len(got))
			}
		}
	}
}

func TestWhatMendTellsOfAHeader(t *testing.T) {
	whole := cutOff(t, 2, 30)
	edit := func(at int, with string) []byte {
		b := slices.Clone(whole)
		copy(b[at:], with)
		return b
	}
	two, none := wav.Format{Rate: 16000, Channels: 2}, wav.Format{}
	zeros := edit(0, string(make([]byte, 44)))
	for name, c := range map[string]struct {
		b     []byte
		known wav.Format
		bad   bool
	}{
		"as it was written":         {whole, two, false},
		"nobody knows but itself":   {whole, none, false},
		"it knows better":           {whole, wav.Format{Rate: 8000, Channels: 5}, false},
		"sizes of somewhere else":   {edit(4, "\xff\xff\xff\x7f"), two, false},
		"zeros":                     {zeros, two, false},
		"zeros, and nobody knows":   {zeros, none, true},
		"zeros, known nonsense":     {zeros, wav.Format{Rate: 1, Channels: 1}, true},
		"other letters":             {edit(0, "RIFX"), two, true},
		"a chunk between":           {edit(36, "LIST"), two, true},
		"no PCM":                    {edit(20, "\x07"), two, true},
		"too many channels":         {edit(22, "\xff\xff"), two, true},
		"no rate":                   {edit(24, "\x00\x00\x00\x00"), two, true},
		"the block is a wrong one":  {edit(32, "\x09"), two, true},
		"24 bits":                   {edit(34, "\x18"), two, true},
		"another file, and a short": {[]byte("hello"), two, true},
	} {
		f := &seekFile{b: slices.Clone(c.b)}
		format, frames, err := wav.Mend(f, int64(len(c.b)), c.known)
		if c.bad {
			if !errors.Is(err, wav.ErrFormat) || !bytes.Equal(f.b, c.b) {
				t.Errorf("%s: %v, touched: %v", name, err, !bytes.Equal(f.b, c.b))
			}
			continue
		}
		if err != nil || frames != 30 || format != (wav.Format{Rate: 16000, Channels: 2, Encoding: wav.PCM, Bits: 16}) {
			t.Errorf("%s: %v, %d samples, %v", name, format, frames, err)
			continue
		}
		if _, got := reread(t, f.b); !slices.Equal(got, ramp(60)) {
			t.Errorf("%s: %d samples", name, len(got))
		}
	}
}

func TestMendSaysWhatTheDiskSays(t *testing.T) {
	broken := errors.New("broken")
	for _, cut := range []int{0, 1} { // writes the header; cuts first
		b := cutOff(t, 2, 30)
		f := &seekFile{b: b[:len(b)-cut], fails: broken}
		if _, frames, err := wav.Mend(f, int64(len(f.b)), wav.Format{}); !errors.Is(err, broken) || frames != 0 {
			t.Errorf("%d samples, %v", frames, err)
		}
	}
	if _, _, err := wav.Mend(&seekFile{}, 100, wav.Format{}); !errors.Is(err, io.EOF) {
		t.Errorf("a file that is shorter than it was: %v", err)
	}
}

// FuzzMend: what is mended is a whole file with all that was in it, and stays
// so; what is none of ours is not touched.
func FuzzMend(f *testing.F) {
	f.Add(cutOff(f, 2, 30), 2)
	f.Add(cutOff(f, 5, 3)[:50], 0)
	f.Add(make([]byte, 100), 3)
	f.Add([]byte("hello"), 1)
	f.Fuzz(func(t *testing.T, b []byte, channels int) {
		file, known := &seekFile{b: slices.Clone(b)}, wav.Format{Rate: 16000, Channels: channels}
		format, frames, err := wav.Mend(file, int64(len(b)), known)
		if err != nil || frames == 0 {
			if !bytes.Equal(file.b, b) || err != nil && !errors.Is(err, wav.ErrFormat) {
				t.Fatalf("%d samples, %v, touched: %v", frames, err, !bytes.Equal(file.b, b))
			}
			return
		}
		frame := 2 * format.Channels
		if lost := len(b) - len(file.b); lost < 0 || lost >= frame || !bytes.Equal(file.b[44:], b[44:len(file.b)]) {
			t.Fatalf("%d of %d bytes are left", len(file.b), len(b))
		}
		read, got := reread(t, file.b)
		if read.Channels != format.Channels || int64(len(got)) != frames*int64(format.Channels) {
			t.Fatalf("%v, %d values of %d samples", read, len(got), frames)
		}
		mended := slices.Clone(file.b)
		if _, again, err := wav.Mend(file, int64(len(file.b)), wav.Format{}); err != nil || again != frames || !bytes.Equal(file.b, mended) {
			t.Fatalf("mended again: %d samples, %v", again, err)
		}
	})
}
