package jitter

// For how long, in periods, things are remembered: at the least a window, at
// the most two.
const (
	clockWindow = 200 // base and lead: 4 s, so that drift does not blur them
	needWindow  = 500 // the delays of the network: 10 s
	quietGap    = 5   // between two periods left out in quiet moments
	loudGap     = 100 // the same, when no moment is quiet
)

// What the depth is wished to be.
const (
	deeper    = 1
	shallower = -1
)

// depth learns how deep the buffer is and how deep it should be, in units of
// the clock.
type depth struct {
	fast   highest // −(arrival − timestamp): its top is the least delay
	lead   highest // arrival − cursor
	need   highest // how late packets come
	cap    int64   // the most that need may be
	ticks  int     // periods since the last change
	urgent bool    // a packet came too late
	windows
}

// windows counts periods towards the next turn.
type windows struct{ clock, need int }

// forget forgets the time axis, not the delays.
func (d *depth) forget() {
	d.fast.forget()
	d.lead.forget()
	d.ticks, d.urgent = 0, false
}

// tick is one period.
func (d *depth) tick() {
	d.ticks++
	if d.windows.clock++; d.windows.clock >= clockWindow {
		d.windows.clock = 0
		d.fast.turn()
		d.lead.turn()
	}
	if d.windows.need++; d.windows.need >= needWindow {
		d.windows.need = 0
		d.need.turn()
	}
}

// seen learns from one packet. It is played with the period that begins at the
// last multiple of the period, counted from the cursor, before its timestamp:
// so much earlier it is needed.
func (d *depth) seen(arrival, at, cursor, period int64, late bool) {
	d.fast.raise(at - arrival)
	delay := arrival - at + d.fast.top()
	early := (at - cursor) % period
	if early < 0 {
		early += period
	}
	d.need.raise(min(delay+early, d.cap))
	d.lead.raise(arrival - cursor)
	if late {
		d.urgent = true
	}
}

// base is the delay of a packet that was not delayed.
func (d *depth) base() (int64, bool) { return -d.fast.top(), d.fast.known }

// now is how long an undelayed packet waits, at the least.
func (d *depth) now() int64 {
	if !d.lead.known {
		return d.need.top()
	}
	return d.lead.top() + d.fast.top()
}

// shift is told when the cursor stood still (by > 0) or jumped ahead (by < 0).
func (d *depth) shift(by int64) { d.lead.shift(by) }

// wish compares what is with what should be. A period and a half too much is
// too much: half a period keeps it from coming and going.
func (d *depth) wish(period int64) int {
	switch spare := d.now() - d.need.top(); {
	case spare < 0:
		return deeper
	case spare >= period+period/2:
		return shallower
	}
	d.urgent = false
	return 0
}

// due reports whether this is a moment for a change.
func (d *depth) due(quiet bool, period int64) bool {
	switch {
	case d.urgent && d.wish(period) == deeper:
		return true
	case quiet:
		return d.ticks >= quietGap
	}
	return d.ticks >= loudGap
}

// done notes a change.
func (d *depth) done() { d.ticks = 0 }

// highest is the highest value of the last one to two windows.
type highest struct {
	cur, last int64
	known     bool // cur or last is
	fresh     bool // cur is
	old       bool // last is
}

func (h *highest) forget() { *h = highest{} }

func (h *highest) raise(v int64) {
	if !h.fresh || v > h.cur {
		h.cur = v
	}
	h.fresh, h.known = true, true
}

// turn begins a new window. A window without a value keeps the one before.
func (h *highest) turn() {
	if h.fresh {
		h.last, h.old, h.fresh = h.cur, true, false
	}
}

func (h *highest) shift(by int64) {
	h.cur += by
	h.last += by
}

func (h *highest) top() int64 {
	switch {
	case h.fresh && h.old:
		return max(h.cur, h.last)
	case h.fresh:
		return h.cur
	case h.old:
		return h.last
	}
	return 0
}
