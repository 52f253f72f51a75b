package codec_test

import (
	"errors"
	"io"
	"math"
	"testing"

	zafg711 "github.com/zaf/g711"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/mediatest"
)

func find(t testing.TB, name string) codec.Codec {
	t.Helper()
	c, ok := codec.ByName(name)
	if !ok {
		t.Fatalf("no codec %q", name)
	}
	return c
}

var laws = []struct {
	name   string
	encode func(int16) uint8
	decode func(uint8) int16
}{
	{"PCMU", zafg711.EncodeUlawFrame, zafg711.DecodeUlawFrame},
	{"PCMA", zafg711.EncodeAlawFrame, zafg711.DecodeAlawFrame},
}

func TestG711IsZafG711ForEveryInput(t *testing.T) {
	for _, law := range laws {
		c := find(t, law.name)
		pcm, payload := make([]int16, 1<<16), make([]byte, 1<<16)
		for i := range pcm {
			pcm[i] = int16(i + math.MinInt16)
		}
		if n := c.NewEncoder().Encode(payload, pcm); n != len(pcm) {
			t.Fatalf("%s: encoded %d of %d", law.name, n, len(pcm))
		}
		for i, s := range pcm {
			if want := law.encode(s); payload[i] != want {
				t.Fatalf("%s: %d is %#x, want %#x", law.name, s, payload[i], want)
			}
		}
		for i := range 256 {
			payload[i] = byte(i)
		}
		if n, err := c.NewDecoder().Decode(pcm, payload[:256]); n != 256 || err != nil {
			t.Fatal(n, err)
		}
		for i, s := range pcm[:256] {
			if want := law.decode(uint8(i)); s != want {
				t.Fatalf("%s: code %#x is %d, want %d", law.name, i, s, want)
			}
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	for pt, name := range map[uint8]string{0: "PCMU", 8: "PCMA"} {
		c, ok := codec.ByPayloadType(pt)
		if !ok || c.Name != name || c.Clock != 8000 || c.Rate != media.Rate8k {
			t.Errorf("payload type %d is %+v, want %s at 8 kHz", pt, c, name)
		}
		if low, ok := codec.ByName("pcm" + string(name[3]|0x20)); !ok || low.PayloadType != pt {
			t.Errorf("%s is not found in small letters", name)
		}
		var pcm [1]int16
		if c.NewDecoder().Decode(pcm[:], []byte{c.SilenceByte}); pcm[0] < -8 || pcm[0] > 8 {
			t.Errorf("%s: the silence byte is %d", name, pcm[0])
		}
	}
	if _, ok := codec.ByName("G729"); ok {
		t.Error("found G729")
	}
	if _, ok := codec.ByPayloadType(18); ok {
		t.Error("found payload type 18")
	}
}

// TestAnyLengthWorks: 10, 20, 30, 40, 60 ms and what stands between.
func TestAnyLengthWorks(t *testing.T) {
	for _, c := range codec.Codecs {
		most := int(c.Rate) / 1000 * codec.MaxPayloadMillis
		pcm, payload, back := make([]int16, most), make([]byte, most), make([]int16, most)
		for i := range pcm {
			pcm[i] = int16(i * 64)
		}
		for n := range most + 1 {
			if got := c.NewEncoder().Encode(payload, pcm[:n]); got != n {
				t.Fatalf("%s: encoded %d of %d", c.Name, got, n)
			}
			if got, err := c.NewDecoder().Decode(back, payload[:n]); got != n || err != nil {
				t.Fatalf("%s: decoded %d, %v of %d", c.Name, got, err, n)
			}
		}
		if n := c.NewEncoder().Encode(payload[:100], pcm); n != 100 {
			t.Errorf("%s: encoded %d into 100 bytes", c.Name, n)
		}
		if n, err := c.NewDecoder().Decode(back[:100], payload); n != 100 || !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("%s: decoded %d, %v into 100 samples; want 100, short buffer", c.Name, n, err)
		}
	}
}

func TestAToneComesThrough(t *testing.T) {
	for _, c := range codec.Codecs {
		var heard mediatest.Capture
		tone, enc, dec := mediatest.Tone(1004, -10, 0), c.NewEncoder(), c.NewDecoder()
		f, payload := media.Frame{Rate: c.Rate}, make([]byte, 160)
		for range 50 {
			media.Pull(tone, &f)
			n := enc.Encode(payload, f.PCM())
			dec.Decode(f.PCM(), payload[:n])
			heard.Write(&f)
		}
		if p := heard.Power(1004); math.Abs(p+10+mediatest.FullScale) > 0.1 {
			t.Errorf("%s: a tone of -10 dBm0 has %.2f dBFS", c.Name, p)
		}
		if j := heard.PhaseJumps(1004); len(j) != 0 {
			t.Errorf("%s: jumps at %v", c.Name, j)
		}
	}
}

func TestCodecsDoNotAllocate(t *testing.T) {
	for _, c := range codec.Codecs {
		enc, dec := c.NewEncoder(), c.NewDecoder()
		pcm, payload := make([]int16, 160), make([]byte, 160)
		if n := testing.AllocsPerRun(100, func() {
			n := enc.Encode(payload, pcm)
			dec.Decode(pcm, payload[:n])
		}); n != 0 {
			t.Errorf("%s: %v allocations a frame, want 0", c.Name, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 255, 0x80})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, c := range codec.Codecs {
			pcm := make([]int16, 480)
			n, err := c.NewDecoder().Decode(pcm, payload)
			if n != min(len(payload), len(pcm)) || (err != nil) != (len(payload) > len(pcm)) {
				t.Errorf("%s: %d bytes gave %d, %v", c.Name, len(payload), n, err)
			}
		}
	})
}
