package dtmf_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// keypad gives the row and column of a symbol in hertz.
func keypad(symbol byte) (row, column float64) {
	rows := [4]float64{697, 770, 852, 941}
	columns := [4]float64{1209, 1336, 1477, 1633}
	for i, s := range []byte("123A456B789C*0#D") {
		if s == symbol {
			return rows[i/4], columns[i%4]
		}
	}
	panic("no such symbol")
}

// peak is the amplitude of a sine of a level in dBm0.
func peak(dBm0 float64) float64 { return 32767 * math.Pow(10, (dBm0-3.14)/20) }

// A scene is sound at 8 kHz being put together, apart from the code under test.
type scene struct {
	rate float64
	pcm  []float64
	rng  *rand.Rand
}

func newScene(seed uint64) *scene {
	return &scene{rate: 8000, rng: rand.New(rand.NewPCG(seed, 4711))}
}

// key is one pair of tones.
type key struct {
	symbol            byte
	level, twist      float64 // level of the louder tone in dBm0; column over row in dB
	rowOff, columnOff float64 // Hz
	on                float64 // ms
	gapAt, gap        float64 // ms of interruption
}

func (s *scene) silence(ms float64) *scene {
	s.pcm = append(s.pcm, make([]float64, int(ms*s.rate/1000+0.5))...)
	return s
}

func (s *scene) press(k key) *scene {
	row, column := keypad(k.symbol)
	row, column = row+k.rowOff, column+k.columnOff
	rowLevel, columnLevel := k.level, k.level
	if k.twist < 0 {
		columnLevel += k.twist
	} else {
		rowLevel -= k.twist
	}
	a, b := peak(rowLevel), peak(columnLevel)
	p, q := s.rng.Float64()*2*math.Pi, s.rng.Float64()*2*math.Pi
	for i := range int(k.on*s.rate/1000 + 0.5) {
		t := float64(i) / s.rate
		v := a*math.Sin(2*math.Pi*row*t+p) + b*math.Sin(2*math.Pi*column*t+q)
		if ms := t * 1000; ms >= k.gapAt && ms < k.gapAt+k.gap {
			v = 0
		}
		s.pcm = append(s.pcm, v)
	}
	return s
}

// noise adds white noise in 0 … 4 kHz of a level in dBm0 to all of the scene.
func (s *scene) noise(dBm0 float64) *scene {
	rms := peak(dBm0) / math.Sqrt2
	if s.rate != 8000 {
		panic("noise is for 8 kHz")
	}
	for i := range s.pcm {
		s.pcm[i] += rms * s.rng.NormFloat64()
	}
	return s
}

// frames cuts the scene into frames, the last filled with silence.
func (s *scene) frames() []media.Frame {
	rate := media.Rate(s.rate)
	var out []media.Frame
	for from := 0; from < len(s.pcm); from += rate.Samples() {
		f := media.Frame{Rate: rate, Tick: uint64(len(out))}
		for i := range f.PCM() {
			if from+i < len(s.pcm) {
				f.PCM()[i] = int16(max(-32768, min(32767, math.Round(s.pcm[from+i]))))
			}
		}
		out = append(out, f)
	}
	return out
}

// hear gives all digits of frames.
func hear(frames []media.Frame) (digits string, hits []dtmf.Hit) {
	var d dtmf.Detector
	drain := func() {
		for {
			digit, ok := d.Next()
			if !ok {
				break
			}
			digits += string(digit.Symbol)
		}
		for {
			hit, ok := d.Ended()
			if !ok {
				return
			}
			hits = append(hits, hit)
		}
	}
	for i := range frames {
		d.Write(&frames[i])
		drain()
	}
	d.Flush()
	drain()
	return digits, hits
}

// count plays one key n times with pauses, at every phase against the segments,
// and says how many times it was heard once, not at all, and otherwise.
func count(t *testing.T, n int, noise float64, k key) (once, never, other int) {
	t.Helper()
	for i := range n {
		s := newScene(uint64(i) + 1)
		k.symbol = dtmf.Symbols[i%16]
		s.silence(60 + float64(i%97)/8*1.7).press(k).silence(80)
		if noise > -90 {
			s.noise(noise)
		}
		switch digits, _ := hear(s.frames()); {
		case digits == string(k.symbol):
			once++
		case digits == "":
			never++
		default:
			other++
		}
	}
	return once, never, other
}
