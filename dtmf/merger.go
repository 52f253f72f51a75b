package dtmf

// How far apart, in ticks of 20 ms, one key press may be in two ways.
const (
	soundEarly = 6  // sound before its event: a gateway that takes time to notice the tone
	soundLate  = 25 // sound behind its event: the jitter buffer, and the detector
	infoApart  = 50 // SIP INFO before or behind either: it goes another road
)

// A Merger makes one stream of the three ways in which digits come: a key press
// that comes in two or three ways is one digit, whichever is first. Its zero
// value is ready.
//
// A digit is one that was already counted when the same symbol came another way
// at nearly the same time, and that press was not yet heard this way: so the
// same key pressed twice is two in each way, and they pair up in order. Sound
// has one freedom more. It may begin twice under one event, because a gateway
// let some of it through before and after the event, or because the event is
// long: beside a signalled press of the same key it is never a digit of its
// own. (Should that press have been a second one, its own event says so.)
//
// A Merger belongs to one goroutine and allocates nothing.
type Merger struct {
	presses [16]press // a ring
	next    int
}

// press is one key press that was counted.
type press struct {
	symbol byte
	heard  [Info + 1]bool
	first  [Info + 1]uint64 // when it began, by each way
	last   uint64           // until when its event was seen to go on
}

// Add takes a digit that came in, and reports whether it is a new one.
func (m *Merger) Add(d Digit) bool {
	if d.Way < InBand || d.Way > Info {
		return false
	}
	for i := range m.presses {
		p := &m.presses[(m.next+i)%len(m.presses)] // the oldest first
		if p.symbol == d.Symbol && !p.heard[d.Way] && p.near(d) {
			p.heard[d.Way], p.first[d.Way] = true, d.Tick
			return false
		}
	}
	if d.Way == InBand && m.signalled(d) {
		return false
	}
	p := press{symbol: d.Symbol}
	p.heard[d.Way], p.first[d.Way] = true, d.Tick
	m.presses[m.next] = p
	m.next = (m.next + 1) % len(m.presses)
	return true
}

// Hold says that the event of a digit still goes on (see Receiver.Held). It is
// worth calling for presses longer than half a second.
func (m *Merger) Hold(symbol byte, tick uint64) {
	for i := range m.presses {
		p := &m.presses[(m.next+len(m.presses)-1-i)%len(m.presses)] // the newest first
		if p.symbol == symbol && p.heard[Event] {
			p.last = max(p.last, tick)
			return
		}
	}
}

// signalled reports whether a sound belongs to a press that was also signalled,
// and heard before.
func (m *Merger) signalled(d Digit) bool {
	for i := range m.presses {
		p := &m.presses[i]
		if p.symbol == d.Symbol && (p.heard[Event] || p.heard[Info]) && p.near(d) {
			return true
		}
	}
	return false
}

// near reports whether d may be another sight of p.
func (p *press) near(d Digit) bool {
	for way := InBand; way <= Info; way++ {
		if !p.heard[way] || way == d.Way {
			continue
		}
		early, late := uint64(infoApart), uint64(infoApart)
		switch {
		case d.Way == InBand && way == Event:
			early, late = soundEarly, soundLate
		case d.Way == Event && way == InBand:
			early, late = soundLate, soundEarly
		}
		until := p.first[way]
		if way == Event {
			until = max(until, p.last)
		}
		if d.Tick+early >= p.first[way] && d.Tick <= until+late {
			return true
		}
	}
	return false
}
