package dtmf

import (
	"math"
	"math/cmplx"
)

// What a window must be to be a digit. The limits lie between what ITU-T Q.24
// and its national tables want accepted and what they want rejected.
const (
	offShare = 0.025 // a tone may be off by this share of its frequency …
	offHertz = 1.0   // … and this: between 1.5 % + 2 Hz and 3.5 %

	twistNormal  = 10.0 // dB, the row louder: more than 8.5
	twistReverse = 6.0  // dB, the column louder: more than 4.5

	leastLevel = -38.0 // dBm0 of either tone: below -25 less the twist, above -55

	// The two tones' least share of all sound in the window. A noise 3 dB
	// below them leaves 0.67.
	leastShare = 0.55
	// The least power of the weaker half over the stronger. It is 1/4 when the
	// tone fills three quarters of the window.
	leastBalance = 0.25
)

// Limits that follow.
var (
	leastPower  = float32(amplitude(leastLevel) * amplitude(leastLevel) / 2)
	mostReverse = float32(math.Pow(10, twistReverse/10))
	mostNormal  = float32(math.Pow(10, twistNormal/10))
)

// A pair is two tones found in a window.
type pair struct {
	row, column           int
	rowHertz, columnHertz float64 // measured
}

// code is the event code of the pair.
func (p pair) code() int8 { return codes[p.row][p.column-4] }

// codes are the event codes of the keypad.
var codes = func() (out [4][4]int8) {
	for code := range Symbols {
		row, column := place(byte(code))
		out[row][column-4] = int8(code)
	}
	return out
}()

// A window is 20 ms of sound: an older and a newer half, and the one that
// overlaps both.
type window struct{ old, mid, new *half }

// judge says whether a window is filled with the two tones of a digit: those at
// its strongest row and column.
func (w window) judge(row, column int) (pair, bool) {
	energy := w.old.energy + w.new.energy
	rough := w.old.power[row] + w.new.power[row] + w.old.power[column] + w.new.power[column]
	if rough < 0.6*leastShare*halfLen/2*energy || energy < leastPower*windowLen {
		return pair{}, false // most sound ends here
	}
	low, ok := w.measure(row, column)
	if !ok {
		return pair{}, false
	}
	high, ok := w.measure(column, row)
	if !ok {
		return pair{}, false
	}
	if low.power > high.power*mostNormal || high.power > low.power*mostReverse {
		return pair{}, false
	}
	if (low.power+high.power)*windowLen < leastShare*energy {
		return pair{}, false
	}
	return pair{
		row: row, column: column,
		rowHertz: low.hertz, columnHertz: high.hertz,
	}, true
}

// strongest is the index of the most powerful frequency of a group.
func (w window) strongest(from, to int) int {
	best := from
	for i := from + 1; i < to; i++ {
		if w.old.power[i]+w.new.power[i] > w.old.power[best]+w.new.power[best] {
			best = i
		}
	}
	return best
}

// A measured tone.
type measured struct {
	hertz float64
	power float32 // half the square of its amplitude
}

// measure takes the exact frequency and power of one tone of a window, beside
// the other. The frequency is in how far the phasor turns from the older half
// to the newer; that is ambiguous by 100 Hz, which the turn by half a half
// settles.
func (w window) measure(i, other int) (measured, bool) {
	leak := leaks[other][i]
	old := w.old.x[i] - leak*w.old.x[other]
	mid := w.mid.x[i] - leak*w.mid.x[other]
	late := w.new.x[i] - leak*w.new.x[other]
	a, b := square(old), square(late)
	if min(a, b) < leastBalance*max(a, b) {
		return measured{}, false
	}
	quick := (conj(old)*mid + conj(mid)*late) * onward[i]
	if real(quick) < 0 && real(quick)*real(quick) > 0.05*square(quick) { // turned by more than 103°: 57 Hz
		return measured{}, false
	}
	angle := cmplx.Phase(complex128(conj(old) * late * onhalf[i]))
	off := angle * hertz / (2 * math.Pi * halfLen)
	if math.Abs(off) > offShare*frequencies[i]+offHertz {
		return measured{}, false
	}
	size := (math.Sqrt(float64(a)) + math.Sqrt(float64(b))) / halfLen // the amplitude, but for the loss off the middle
	if angle != 0 {
		size *= angle / 2 / math.Sin(angle/2)
	}
	power := float32(size * size / 2)
	return measured{hertz: frequencies[i] + off, power: power}, power >= leastPower
}

// present reports whether a digit sounds in one half, at no less than a share
// of the power it had.
func (h *half) present(row, column int, reference float32) bool {
	power := h.power[row] + h.power[column]
	return power >= presentPower*reference && power >= presentShare*halfLen/2*h.energy
}

// A digit goes on as long as it has these shares of its own power and of all
// sound: a digit that is interrupted for 10 ms does.
const (
	presentPower = 0.125
	presentShare = 0.35
)
