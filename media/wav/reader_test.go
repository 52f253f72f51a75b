package wav_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/wav"
)

const golden = "../../testdata/wav"

var _ media.SampleReader = (*wav.Reader)(nil)

// TestReadsAsSoxDoes holds each fixture against what sox makes of it.
func TestReadsAsSoxDoes(t *testing.T) {
	for name, want := range map[string]wav.Format{
		"pcm8":                      {Rate: 8000, Channels: 1, Encoding: wav.PCM, Bits: 8},
		"pcm16":                     {Rate: 8000, Channels: 1, Encoding: wav.PCM, Bits: 16},
		"pcm24":                     {Rate: 16000, Channels: 1, Encoding: wav.PCM, Bits: 24},
		"pcm32":                     {Rate: 16000, Channels: 1, Encoding: wav.PCM, Bits: 32},
		"float32":                   {Rate: 16000, Channels: 1, Encoding: wav.Float, Bits: 32},
		"float64":                   {Rate: 16000, Channels: 1, Encoding: wav.Float, Bits: 64},
		"alaw":                      {Rate: 8000, Channels: 1, Encoding: wav.ALaw, Bits: 8},
		"mulaw":                     {Rate: 8000, Channels: 1, Encoding: wav.MuLaw, Bits: 8},
		"pcm16-44100":               {Rate: 44100, Channels: 1, Encoding: wav.PCM, Bits: 16},
		"pcm16-11025":               {Rate: 11025, Channels: 1, Encoding: wav.PCM, Bits: 16},
		"pcm16-stereo":              {Rate: 8000, Channels: 2, Encoding: wav.PCM, Bits: 16},
		"extensible24-48000-stereo": {Rate: 48000, Channels: 2, Encoding: wav.PCM, Bits: 24},
		"extensible16-5ch":          {Rate: 8000, Channels: 5, Encoding: wav.PCM, Bits: 16},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(golden, name+".wav"))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(filepath.Join(golden, name+".s16"))
			if err != nil {
				t.Fatal(err)
			}
			sox := make([]int16, len(raw)/2)
			for i := range sox {
				sox[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
			}
			for how, in := range map[string]io.Reader{
				"at once":      bytes.NewReader(file),
				"byte by byte": iotest.OneByteReader(bytes.NewReader(file)),
				"end and all":  iotest.DataErrReader(bytes.NewReader(file)),
			} {
				r, err := wav.NewReader(in)
				if err != nil {
					t.Fatal(err)
				}
				if r.Format() != want {
					t.Fatalf("format %v, want %v", r.Format(), want)
				}
				got, err := readAll(r.ReadChannels)
				if err != nil || !slices.Equal(got, sox) {
					t.Errorf("%s: %d samples, %v; differs from sox's %d", how, len(got), err, len(sox))
				}
			}
			r, _ := wav.NewReader(bytes.NewReader(file))
			mono, err := readAll(r.ReadSamples)
			if err != nil || len(mono) != len(sox)/want.Channels {
				t.Fatalf("mono: %d samples, %v; want %d", len(mono), err, len(sox)/want.Channels)
			}
			for i, v := range mono {
				mean := 0.0
				for _, c := range sox[i*want.Channels : (i+1)*want.Channels] {
					mean += float64(c) / float64(want.Channels)
				}
				if math.Abs(float64(v)-mean) > 1 {
					t.Fatalf("mono: sample %d is %d, want %.1f", i, v, mean)
				}
			}
		})
	}
}

// TestReadsOddHeaders: all of these hold the same ten samples.
func TestReadsOddHeaders(t *testing.T) {
	ten := ramp(10)
	body, plain := pcm16(ten...), fmtChunk(wav.PCM, 1, 8000, 16)
	data := func(size int) []byte { return join([]byte("data"), le32(size), body) }
	ds64 := func(size int) []byte {
		return chunk("ds64", join(le32(size+100), le32(0), le32(size), le32(0), le32(10), le32(0), le32(0)))
	}
	head := func(id string, size int) []byte { return join([]byte(id), le32(size), []byte("WAVE")) }
	wide := func(bits int, sample []byte) []byte { // each of the ten in more bytes, left-justified
		b := []byte{}
		for i := range ten {
			b = append(append(b, sample...), body[2*i:2*i+2]...)
		}
		return riff(fmtChunk(wav.PCM, 1, 8000, bits), chunk("data", b))
	}
	for name, file := range map[string][]byte{
		"plain":                    riff(plain, chunk("data", body)),
		"chunks before":            riff(chunk("bext", make([]byte, 602)), chunk("JUNK", make([]byte, 28)), plain, chunk("LIST", []byte("INFOxyz")), chunk("data", body)),
		"odd chunks are padded":    riff(chunk("odd1", []byte{1}), plain, chunk("odd3", []byte{1, 2, 3}), chunk("data", body)),
		"chunks after":             riff(plain, chunk("data", body), chunk("LIST", make([]byte, 400))),
		"empty chunks":             riff(chunk("none", nil), plain, chunk("none", nil), chunk("data", body)),
		"a chunk of a megabyte":    riff(chunk("big ", make([]byte, 1<<20)), plain, chunk("data", body)),
		"streamed, sizes -1":       join(head("RIFF", -1), plain, data(-1)),
		"streamed, sizes 0":        join(head("RIFF", 0), plain, data(0)),
		"a header never filled in": join(head("RIFF", 36), plain, data(0)),
		"streamed, data -1 only":   join(head("RIFF", 200), plain, data(-1)),
		"a size beyond the end":    join(head("RIFF", 5000), plain, data(5000)),
		"half a sample at the end": join(head("RIFF", -1), plain, data(-1), []byte{7}),
		"RF64":                     join(head("RF64", -1), ds64(20), plain, data(-1), chunk("LIST", make([]byte, 40))),
		"BW64":                     join(head("BW64", -1), ds64(20), plain, data(-1), chunk("LIST", make([]byte, 40))),
		"RF64 without a size":      join(head("RF64", -1), ds64(0), plain, data(-1)),
		"fmt of 18 bytes":          riff(chunk("fmt ", append(plain[8:24:24], 0, 0)), chunk("data", body)),
		"24 bits":                  wide(24, []byte{0}),
		"20 bits in 24":            wide(20, []byte{0}),
		"32 bits":                  wide(32, []byte{0, 0}),
		"14 bits in 16":            riff(fmtChunk(wav.PCM, 1, 8000, 14), chunk("data", body)),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := wav.NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readAll(r.ReadSamples); err != nil || !slices.Equal(got, ten) {
				t.Errorf("got %v, %v", got, err)
			}
			if n, err := r.ReadSamples(make([]int16, 5)); n != 0 || err != io.EOF {
				t.Errorf("after the end: %d, %v", n, err)
			}
		})
	}
}

func TestReadsAnEmptyFile(t *testing.T) {
	for name, file := range map[string][]byte{
		"nothing after":     riff(fmtChunk(wav.PCM, 1, 8000, 16), chunk("data", nil)),
		"a list comes next": riff(fmtChunk(wav.PCM, 1, 8000, 16), chunk("data", nil), chunk("LIST", []byte("abcdefgh"))),
	} {
		r, err := wav.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(r.ReadSamples); len(got) != 0 || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestRoundsAndSaturates(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, tt := range map[string]struct {
		file []byte
		want []int16
	}{
		"float": {
			riff(fmtChunk(wav.Float, 1, 8000, 32), chunk("data", floats(0, 1, -1, 2, -2, 0.5, 0.4/32768, 0.6/32768, nan, inf, -inf))),
			[]int16{0, 32767, -32768, 32767, -32768, 16384, 0, 1, 0, 32767, -32768},
		},
		"24 bits": {
			riff(fmtChunk(wav.PCM, 1, 8000, 24), chunk("data", []byte{0x7f, 0, 0, 0x80, 0, 0, 0xff, 0xff, 0x7f, 0, 0, 0x80})),
			[]int16{0, 1, 32767, -32768},
		},
		"8 bits": {
			riff(fmtChunk(wav.PCM, 1, 8000, 8), chunk("data", []byte{0, 128, 255})),
			[]int16{-32768, 0, 127 << 8},
		},
		"loud stereo": {
			riff(fmtChunk(wav.PCM, 2, 8000, 16), chunk("data", pcm16(32767, 32767, -32768, -32768, 100, -50))),
			[]int16{32767, -32768, 25},
		},
	} {
		r, err := wav.NewReader(bytes.NewReader(tt.file))
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := readAll(r.ReadSamples); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tt.want)
		}
	}
}

func TestWhatIsNotAudioIsErrFormat(t *testing.T) {
	data := chunk("data", pcm16(1, 2, 3))
	extensible := func(tail []byte) []byte {
		return riff(chunk("fmt ", join(le16(0xfffe), le16(1), le32(8000), le32(16000), le16(2), le16(16), le16(22), le16(16), le32(4), tail)), data)
	}
	for name, tt := range map[string]struct {
		file []byte
		says string
	}{
		"nothing":               {nil, "ends after 0 bytes"},
		"HTML":                  {[]byte("<!DOCTYPE html><html><body>404 not found</body></html>"), "begins with"},
		"an MP3":                {join([]byte("ID3\x04"), make([]byte, 500)), "begins with"},
		"a RIFF of video":       {join([]byte("RIFF"), le32(100), []byte("AVI "), make([]byte, 100)), "begins with"},
		"big-endian":            {join([]byte("RIFX"), le32(100), []byte("WAVE"), make([]byte, 100)), "begins with"},
		"cut in the header":     {riff(fmtChunk(wav.PCM, 1, 8000, 16), data)[:30], "within its header"},
		"cut in a chunk":        {riff(chunk("LIST", make([]byte, 5000)))[:400], "before its samples"},
		"no samples":            {riff(fmtChunk(wav.PCM, 1, 8000, 16)), "within its header"},
		"samples before format": {riff(data, fmtChunk(wav.PCM, 1, 8000, 16)), "no fmt chunk"},
		"short fmt":             {riff(chunk("fmt ", make([]byte, 14)), data), "fmt chunk of 14"},
		"MP3 inside":            {riff(fmtChunk(0x55, 1, 8000, 16), data), "format 0x0055"},
		"ADPCM":                 {riff(fmtChunk(2, 1, 8000, 4), data), "format 0x0002"},
		"16-bit float":          {riff(fmtChunk(wav.Float, 1, 8000, 16), data), "float of 16 bits"},
		"64-bit PCM":            {riff(fmtChunk(wav.PCM, 1, 8000, 64), data), "PCM of 64 bits"},
		"no bits":               {riff(fmtChunk(wav.PCM, 1, 8000, 0), data), "PCM of 0 bits"},
		"no channels":           {riff(fmtChunk(wav.PCM, 0, 8000, 16), data), "0 channels"},
		"too many channels":     {riff(fmtChunk(wav.PCM, 257, 8000, 16), data), "257 channels"},
		"too slow":              {riff(fmtChunk(wav.PCM, 1, 3999, 16), data), "3999 Hz"},
		"too fast":              {riff(fmtChunk(wav.PCM, 1, 192001, 16), data), "192001 Hz"},
		"extensible, cut":       {extensible([]byte{1, 0}), "extensible"},
		"extensible, other":     {extensible(make([]byte, 16)), "extensible"},
		"RF64 without sizes":    {join([]byte("RF64"), le32(-1), []byte("WAVE"), chunk("ds64", make([]byte, 8)), data), "ds64"},
	} {
		_, err := wav.NewReader(bytes.NewReader(tt.file))
		if !errors.Is(err, wav.ErrFormat) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want ErrFormat that says %q", name, err, tt.says)
		}
	}
}

// TestFailuresAreNotErrFormat: wherever the network breaks, it says so.
func TestFailuresAreNotErrFormat(t *testing.T) {
	file := riff(chunk("LIST", make([]byte, 300)), fmtChunk(wav.PCM, 1, 8000, 16), chunk("data", pcm16(ramp(5000)...)))
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} {
		for at := 0; at < len(file); at += 1 + at/9 {
			r, err := wav.NewReader(io.MultiReader(bytes.NewReader(file[:at]), iotest.ErrReader(broken)))
			n := 0
			if err == nil {
				var got []int16
				got, err = readAll(r.ReadSamples)
				n = len(got)
			}
			if !errors.Is(err, broken) || errors.Is(err, wav.ErrFormat) {
				t.Fatalf("broken at %d: %v", at, err)
			}
			if want := max(at-(len(file)-10000), 0) / 2; n != want {
				t.Fatalf("broken at %d: %d samples before, want %d", at, n, want)
			}
		}
	}
}

// TestGivesWhatIsThere: a slow stream is not waited for beyond the first sample.
func TestGivesWhatIsThere(t *testing.T) {
	for _, channels := range []int{1, 2} {
		in, out := io.Pipe()
		go func() {
			out.Write(join([]byte("RIFF"), le32(-1), []byte("WAVE"), fmtChunk(wav.PCM, channels, 8000, 16), []byte("data"), le32(-1)))
			out.Write(pcm16(ramp(20 * channels)...))
			// and no more
		}()
		r, err := wav.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.ReadSamples(make([]int16, 1000)); n != 20 || err != nil {
			t.Errorf("%d channels: %d, %v; want the 20 samples that came", channels, n, err)
		}
		out.Close()
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	for _, channels := range []int{1, 2, 5} {
		file := riff(fmtChunk(wav.PCM, channels, 8000, 16), chunk("data", make([]byte, 320*channels*60)))
		r, err := wav.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		p := make([]int16, 160)
		if n := testing.AllocsPerRun(50, func() {
			if _, err := r.ReadSamples(p); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%d channels: %v allocations, want 0", channels, n)
		}
	}
}
