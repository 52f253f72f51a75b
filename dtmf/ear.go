package dtmf

import "math"

const (
	tries   = 4  // so often a candidate is looked at again
	needed  = 4  // windows in a row: a tone of 25 ms may, one of 30 ms does
	missing = 5  // halves in a row end a digit: a pause of 20 ms may, one of 25 ms does
	looked  = 16 // segments kept to find where a tone began and ended
	memory  = verifyLen
)

// A spell is one sounding of a digit, in samples at 8 kHz.
type spell struct {
	code       int8
	start, end int64
}

// An ear finds spells of digits in sound at 8 kHz that comes in frames.
type ear struct {
	sound [memory + frameLen]float32 // what was before, then the present frame
	used  int                        // samples of the present frame that were heard
	at    int64                      // position of the next sample to be heard

	segment [2]segment                         // the last and the newest
	halves  [3]half                            // ending one segment apart, the newest last
	past    [looked]struct{ power [8]float32 } // of the last segments, a ring …
	turn    int                                // … and the newest of them
	fresh   int                                // segments since sound was lost

	candidate int8 // code of the last window that passed
	passed    int  // windows in a row

	sounding  bool
	now       spell
	row       int
	column    int
	reference float32 // power of the digit that sounds
	missed    int     // halves in a row without it
	last      int64   // end of the last half with it

	begun, over       spell
	hasBegun, hasOver bool
}

// room is where the next frame goes. It is heard by four calls of hear.
func (e *ear) room() []float32 {
	copy(e.sound[:memory], e.sound[frameLen:])
	e.used = 0
	return e.sound[memory:]
}

// frameEnd is the position behind the present frame.
func (e *ear) frameEnd() int64 { return e.at + int64(frameLen-e.used) }

// hear takes in the next 5 ms of the present frame.
func (e *ear) hear() {
	from := memory + e.used
	e.segment[0] = e.segment[1]
	e.segment[1].analyse((*[segmentLen]float32)(e.sound[from : from+segmentLen]))
	e.used += segmentLen
	e.at += segmentLen
	e.fresh++
	e.turn = (e.turn + 1) % looked
	for i, x := range e.segment[1].x {
		e.past[e.turn].power[i] = square(x)
	}
	if e.fresh < 2 {
		return
	}
	e.halves[0], e.halves[1] = e.halves[1], e.halves[2]
	e.halves[2].join(&e.segment[0], &e.segment[1])
	if e.sounding {
		e.follow()
	}
	if e.fresh >= 4 {
		e.seek()
	}
}

// skip goes over sound that is not there.
func (e *ear) skip(samples int64) {
	e.at += samples
	e.fresh = 0
	e.used = frameLen
	for range min(samples/segmentLen, looked) {
		e.turn = (e.turn + 1) % looked
		clear(e.past[e.turn].power[:])
	}
}

// follow sees whether the digit that sounds goes on.
func (e *ear) follow() {
	h := &e.halves[2]
	if h.present(e.row, e.column, e.reference) {
		e.missed, e.last = 0, e.at
		power := h.power[e.row] + h.power[e.column]
		e.reference = max(power, 0.95*e.reference)
		return
	}
	if e.missed++; e.missed >= missing {
		e.hangUp()
	}
}

// hangUp ends the digit that sounds.
func (e *ear) hangUp() {
	if !e.sounding {
		return
	}
	e.sounding = false
	e.now.end = max(e.endOf(), e.now.start)
	e.over, e.hasOver = e.now, true
}

// seek looks for a new digit in the last 20 ms.
func (e *ear) seek() {
	w := window{&e.halves[0], &e.halves[1], &e.halves[2]}
	row, column := w.strongest(0, 4), w.strongest(4, 8)
	if e.sounding && row == e.row && column == e.column {
		e.passed = 0 // follow looks after this one
		return
	}
	p, ok := w.judge(row, column)
	if !ok {
		e.passed = 0
		return
	}
	if p.code() != e.candidate || e.passed == 0 {
		e.candidate, e.passed = p.code(), 0
	}
	e.passed++
	if e.passed < needed || e.passed >= needed+tries {
		return
	}
	if !verify(e.sound[:memory+e.used], p) {
		return
	}
	e.hangUp()
	e.sounding, e.row, e.column = true, p.row, p.column
	e.reference = e.halves[2].power[p.row] + e.halves[2].power[p.column]
	e.missed, e.last = 0, e.at
	e.now = spell{code: p.code(), start: e.startOf()}
	e.begun, e.hasBegun = e.now, true
}

func (e *ear) takeBegun() (spell, bool) {
	ok := e.hasBegun
	e.hasBegun = false
	return e.begun, ok
}

func (e *ear) takeEnded() (spell, bool) {
	ok := e.hasOver
	e.hasOver = false
	return e.over, ok
}

// powerOf is the power of the digit's tones in the segment that ended back
// segments ago.
func (e *ear) powerOf(back int) float32 {
	power := &e.past[(e.turn-back+2*looked)%looked].power
	return power[e.row] + power[e.column]
}

// A segment with less than this share of the digit's power lies outside of it.
const outside = 0.06

// startOf finds where the digit that was just found began: segments before the
// four windows are gone through backwards, and the first that has only part of
// the power has the start in it.
func (e *ear) startOf() int64 {
	full := (e.powerOf(0) + e.powerOf(1) + e.powerOf(2)) / 3
	back := needed - 1
	for back+1 < looked && e.powerOf(back+1) > outside*full {
		back++
	}
	end := e.at - int64(back)*segmentLen
	return end - int64(segmentLen*share(e.powerOf(back), full))
}

// endOf finds where the digit that fell silent ended, as startOf does.
func (e *ear) endOf() int64 {
	back := int((e.at - e.last) / segmentLen)
	if back+1 >= looked {
		return e.last
	}
	full := e.reference / 4 // a half is two segments: twice the amplitude
	for back > 0 && e.powerOf(back-1) > outside*full {
		back--
	}
	for back+1 < looked && e.powerOf(back) <= outside*full {
		back++
	}
	begin := e.at - int64(back+1)*segmentLen
	return begin + int64(segmentLen*share(e.powerOf(back), full))
}

// share is which part of a segment a tone fills, of which it has some power.
func share(power, full float32) float64 {
	return min(1, math.Sqrt(float64(power/full)))
}
