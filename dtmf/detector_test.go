package dtmf_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	zafg711 "github.com/zaf/g711"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

const quiet = -99 // no noise

// TestHears holds the detector against what ITU-T Q.24 and its national tables
// want accepted, with margin. SNR is of both tones against white noise.
func TestHears(t *testing.T) {
	both := func(level, snr float64) float64 { return level + 3.01 - snr }
	for _, tt := range []struct {
		name  string
		noise float64
		key
	}{
		{"plain", quiet, key{level: -10, on: 50}},
		{"shortest", quiet, key{level: -10, on: 40}},
		{"a second", quiet, key{level: -10, on: 1000}},
		{"as loud as it gets, clipped", quiet, key{level: 3, on: 40}},
		{"0 dBm0", quiet, key{level: 0, on: 40}},
		{"-25 dBm0", quiet, key{level: -25, on: 40}},
		{"-29 dBm0", quiet, key{level: -29, on: 40}},
		{"-25 dBm0, row louder by 8.5 dB", quiet, key{level: -25, on: 40, twist: -8.5}},
		{"row louder by 8.5 dB", quiet, key{level: -10, on: 40, twist: -8.5}},
		{"column louder by 4.5 dB", quiet, key{level: -10, on: 40, twist: 4.5}},
		{"SNR 12 dB", both(-10, 12), key{level: -10, on: 40}},
		{"SNR 6 dB", both(-10, 6), key{level: -10, on: 40}},
		{"SNR 6 dB, long", both(-10, 6), key{level: -10, on: 400}},
		{"a gap of 5 ms", quiet, key{level: -10, on: 100, gapAt: 45, gap: 5}},
		{"a gap of 8 ms", quiet, key{level: -10, on: 105, gapAt: 45, gap: 8}},
		{"a gap of 10 ms", quiet, key{level: -10, on: 110, gapAt: 45, gap: 10}},
		{"a gap of 10 ms in noise", both(-10, 12), key{level: -10, on: 110, gapAt: 45, gap: 10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 97
			if once, never, other := count(t, n, tt.noise, tt.key); once != n {
				t.Errorf("of %d digits %d were heard once, %d not, %d otherwise", n, once, never, other)
			}
		})
	}
}

// TestHearsNot: what is no digit, or too little of one.
func TestHearsNot(t *testing.T) {
	for _, tt := range []struct {
		name string
		key
	}{
		{"10 ms", key{level: -10, on: 10}},
		{"20 ms", key{level: -10, on: 20}},
		{"23 ms", key{level: -10, on: 23}},
		{"-55 dBm0", key{level: -55, on: 100}},
		{"row alone", key{level: -10, on: 100, twist: -40}},
		{"column alone", key{level: -10, on: 100, twist: 40}},
		{"row louder by 12 dB", key{level: -10, on: 100, twist: -12}},
		{"column louder by 8 dB", key{level: -10, on: 100, twist: 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 48
			if _, never, _ := count(t, n, quiet, tt.key); never != n {
				t.Errorf("of %d that are none, %d were heard", n, n-never)
			}
		})
	}
}

// TestFrequencies: off by 1.5 % + 2 Hz is a digit, off by 3.5 % is none, for the
// row, the column and both, at the limits of twist.
func TestFrequencies(t *testing.T) {
	for _, twist := range []float64{-8.5, 0, 4.5} {
		for i := range dtmf.Symbols {
			for _, sign := range []float64{-1, 1} {
				k := key{symbol: dtmf.Symbols[i], level: -10, twist: twist, on: 40}
				row, column := keypad(k.symbol)
				try := func(rowOff, columnOff float64, want string) {
					t.Helper()
					k.rowOff, k.columnOff = rowOff, columnOff
					s := newScene(uint64(i)).silence(60 + 1.7*float64(i)).press(k).silence(60)
					if got, _ := hear(s.frames()); got != want {
						t.Errorf("%c twist %v off by %+.1f and %+.1f Hz: heard %q, want %q", k.symbol, twist, rowOff, columnOff, got, want)
					}
				}
				one, other := sign*(0.015*row+2), sign*(0.015*column+2)
				try(one, 0, string(k.symbol))
				try(0, other, string(k.symbol))
				try(one, other, string(k.symbol))
				try(one, -other, string(k.symbol))
				k.on = 200
				try(sign*0.035*row, 0, "")
				try(0, sign*0.035*column, "")
				try(sign*0.05*row, 0, "")
				try(0, sign*0.05*column, "")
				try(sign*0.07*row, sign*0.07*column, "")
			}
		}
	}
}

// TestEveryLimitAtOnce: 40 ms on and off, both tones off by 1.5 %, twist at its
// limit, SNR 23 dB, through µ-law and A-law.
func TestEveryLimitAtOnce(t *testing.T) {
	laws := map[string]func(int16) int16{
		"µ-law": func(v int16) int16 { return zafg711.DecodeUlawFrame(zafg711.EncodeUlawFrame(v)) },
		"A-law": func(v int16) int16 { return zafg711.DecodeAlawFrame(zafg711.EncodeAlawFrame(v)) },
	}
	for name, law := range laws {
		for _, twist := range []float64{-8, 4} {
			for _, sign := range []float64{-1, 1} {
				s := newScene(uint64(5 + twist + sign)).silence(61)
				for i := range dtmf.Symbols {
					row, column := keypad(dtmf.Symbols[i])
					s.press(key{symbol: dtmf.Symbols[i], level: -12, twist: twist, on: 40, rowOff: sign * 0.015 * row, columnOff: -sign * 0.015 * column})
					s.silence(40)
				}
				frames := s.noise(-12 - 23).frames()
				for i := range frames {
					for k, v := range frames[i].PCM() {
						frames[i].PCM()[k] = law(v)
					}
				}
				if got, _ := hear(frames); got != dtmf.Symbols {
					t.Errorf("%s, twist %v, sign %v: heard %q", name, twist, sign, got)
				}
			}
		}
	}
}

// TestSameKeyTwice: a pause of 30 ms parts two presses, with and without noise.
func TestSameKeyTwice(t *testing.T) {
	for _, pause := range []float64{30, 35, 40, 100} {
		for _, noise := range []float64{quiet, -19} {
			for i := range 32 {
				s := newScene(uint64(i)).silence(60 + 0.7*float64(i))
				for range 3 {
					s.press(key{symbol: dtmf.Symbols[i%16], level: -10, on: 45}).silence(pause)
				}
				want := strings.Repeat(string(dtmf.Symbols[i%16]), 3)
				if got, _ := hear(s.silence(60).noise(noise).frames()); got != want {
					t.Fatalf("pause %v ms, noise %v dBm0: heard %q, want %q", pause, noise, got, want)
				}
			}
		}
	}
}

// TestLossNeitherSplitsNorMakes: a frame is lost at every place of a long digit,
// and silence is not made a digit of.
func TestLossNeitherSplitsNorMakes(t *testing.T) {
	s := newScene(3).silence(61).press(key{symbol: '7', level: -10, on: 300}).silence(100)
	frames := s.frames()
	for from := range frames {
		for n := 1; n <= 5 && from+n <= len(frames); n++ {
			lossy := slices.Clone(frames)
			for i := range n {
				lossy[from+i].Lost = true
				lossy[from+i].Silence()
			}
			if got, _ := hear(lossy); got != "7" {
				t.Errorf("frames %d … %d lost: heard %q", from, from+n-1, got)
			}
			skipped := slices.Delete(slices.Clone(frames), from, from+n)
			if got, hits := hear(skipped); got != "7" {
				t.Errorf("frames %d … %d skipped: heard %q", from, from+n-1, got)
			} else if from > 0 && from+n < 15 && hits[0].End > 361*8+20 {
				t.Errorf("frames %d … %d skipped: ended at %d", from, from+n-1, hits[0].End)
			}
		}
	}
	for i := range frames { // what a concealer makes up is not listened to
		frames[i].Lost = true
	}
	if got, _ := hear(frames); got != "" {
		t.Errorf("in concealment: heard %q", got)
	}
}

// TestRandomLoss: 5 % of the frames, flagged; or filled with silence, which is
// still no pause as long as it is one frame at a time.
func TestRandomLoss(t *testing.T) {
	for _, flagged := range []bool{true, false} {
		for seed := range uint64(10) {
			s := newScene(seed).silence(61)
			want := ""
			for i := range 20 {
				k := key{symbol: dtmf.Symbols[(i+int(seed))%16], level: -10, on: 140}
				s.press(k).silence(100)
				want += string(k.symbol)
			}
			frames := s.frames()
			for i, last := 0, -9; i < len(frames); i++ {
				if s.rng.Float64() < 0.05 && (flagged || i > last+2) {
					last = i
					frames[i].Lost = flagged
					frames[i].Silence()
				}
			}
			if got, _ := hear(frames); got != want {
				t.Errorf("flagged %v, seed %d: heard %q, want %q", flagged, seed, got, want)
			}
		}
	}
}

// TestRates: every rate hears, and puts the digit in its place.
func TestRates(t *testing.T) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k} {
		t.Run(fmt.Sprint(int(rate)), func(t *testing.T) {
			s := newScene(7)
			s.rate = float64(rate)
			s.silence(205)
			for i := range dtmf.Symbols {
				s.press(key{symbol: dtmf.Symbols[i], level: -10, on: 60}).silence(60)
			}
			for i := range s.pcm { // sound that would fold into the band of the tones
				if rate > media.Rate8k {
					s.pcm[i] += peak(-16) * math.Sin(2*math.Pi*6900*float64(i)/s.rate)
				}
			}
			got, hits := hear(s.frames())
			if got != dtmf.Symbols {
				t.Fatalf("heard %q", got)
			}
			for i, hit := range hits {
				start := int64(205*8 + i*120*8)
				if hit.Symbol != dtmf.Symbols[i] || hit.Way != dtmf.InBand || abs(hit.Start-start) > 24 || abs(hit.End-start-480) > 24 {
					t.Errorf("%c from %d to %d, want %c from %d to %d", hit.Symbol, hit.Start, hit.End, dtmf.Symbols[i], start, start+480)
				}
				if want := uint64(start / 160); hit.Tick+1 < want || hit.Tick > want+1 {
					t.Errorf("%c at tick %d, want %d", hit.Symbol, hit.Tick, want)
				}
			}
		})
	}
}

func abs(v int64) int64 { return max(v, -v) }

// TestRateMayChange: a wideband leg joins in the middle of things.
func TestRateMayChange(t *testing.T) {
	var d dtmf.Detector
	got := ""
	tones := dtmf.Tones("1234567890", 80*time.Millisecond, 80*time.Millisecond, -10)
	rates := []media.Rate{media.Rate8k, media.Rate16k, media.Rate48k}
	for tick := range 82 {
		f := media.Frame{Rate: rates[tick/8%3], Tick: uint64(tick)} // a change at the start of each digit
		media.Pull(tones, &f)
		d.Write(&f)
		for digit, ok := d.Next(); ok; digit, ok = d.Next() {
			got += string(digit.Symbol)
		}
	}
	if got != "1234567890" {
		t.Errorf("heard %q", got)
	}
}

// TestReportsSoon: counted in sound, 95 of 100 digits are reported within 36 ms
// of their start. The same digit is put at four places in the frame, as the
// detector speaks at the end of a frame only.
func TestReportsSoon(t *testing.T) {
	var late []float64
	for i := range 160 {
		soonest := math.Inf(1)
		for shift := range 4 {
			lead := 100 + float64(i)/8 + 5*float64(shift)
			s := newScene(uint64(i)).silence(lead).press(key{symbol: dtmf.Symbols[i%16], level: -10, on: 60}).silence(40)
			var d dtmf.Detector
			for k, f := range s.frames() {
				d.Write(&f)
				if _, ok := d.Next(); ok {
					soonest = min(soonest, float64(k+1)*20-lead)
					break
				}
			}
		}
		late = append(late, soonest)
	}
	slices.Sort(late)
	t.Logf("p50 %.1f ms, p95 %.1f ms", late[80], late[152])
	if late[152] > 36 {
		t.Errorf("p95 is %.1f ms", late[152])
	}
}

func TestDetectorAllocatesNothing(t *testing.T) {
	s := newScene(1).silence(35)
	for i := range dtmf.Symbols {
		s.press(key{symbol: dtmf.Symbols[i], level: -10, on: 60}).silence(60)
	}
	frames := s.frames()
	wide := media.Frame{Rate: media.Rate48k}
	var d dtmf.Detector
	if n := testing.AllocsPerRun(5, func() {
		for i := range frames {
			d.Write(&frames[i])
			d.Next()
			d.Ended()
		}
		d.Write(&wide)
		d.Flush()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestOddFrames: what no room would write does no harm.
func TestOddFrames(t *testing.T) {
	var d dtmf.Detector
	for _, f := range []media.Frame{
		{Tick: 5}, {Rate: media.Rate8k, Tick: 1 << 63}, {Rate: media.Rate8k, Tick: math.MaxUint64}, {Rate: media.Rate16k}, {Rate: 44100 / 50 * 50 / 50, Tick: 3},
	} {
		if err := d.Write(&f); err != nil {
			t.Error(err)
		}
	}
	d.Flush()
	if _, ok := d.Next(); ok {
		t.Error("a digit of nothing")
	}
}
