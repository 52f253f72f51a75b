package dtmf

import "math"

// The eight frequencies of the keypad in hertz (ITU-T Q.23): four rows, then
// four columns.
var frequencies = [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633}

// keys are the symbols of the keypad by row and column.
const keys = "123A456B789C*0#D"

// place gives the row and column, as indexes of frequencies, of an event code.
func place(code byte) (row, column int) {
	for i := range keys {
		if keys[i] == Symbols[code] {
			return i / 4, 4 + i%4
		}
	}
	return 0, 4
}

// fullScale is the level of a full-scale sine in dBm0 (ITU-T G.711).
const fullScale = 3.14

// amplitude is the peak of a sine of a level in dBm0.
func amplitude(dBm0 float64) float64 { return math.MaxInt16 * math.Pow(10, (dBm0-fullScale)/20) }

const (
	toneUnits = 96000            // in a second: a multiple of every rate
	toneRamp  = toneUnits * 3e-3 // 3 ms up and down
)

// tone fills pcm with the pair of tones of a digit, from at to the end of pcm,
// of a digit that lasts so many units.
func tone(pcm []int16, code byte, peak float64, at, step, lasts int64) {
	row, column := place(code)
	low := spin(frequencies[row], at, step)
	high := spin(frequencies[column], at, step)
	for i := range pcm {
		gain := peak
		if edge := float64(min(at, lasts-at)); edge < toneRamp {
			gain *= 0.5 - 0.5*math.Cos(math.Pi*edge/toneRamp)
		}
		v := math.Round(gain * (low.next() + high.next()))
		pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, v)))
		at += step
	}
}

// A sine is a sine in steps, by recurrence. It is started anew for every
// frame, so its error does not grow.
type sine struct{ now, last, turn float64 }

func spin(hertz float64, at, step int64) sine {
	w := 2 * math.Pi * hertz / toneUnits
	return sine{
		now:  math.Sin(w * float64(at)),
		last: math.Sin(w * float64(at-step)),
		turn: 2 * math.Cos(w*float64(step)),
	}
}

func (s *sine) next() float64 {
	v := s.now
	s.now, s.last = s.turn*s.now-s.last, s.now
	return v
}
