package dtmf

// The payload of a telephone-event packet (RFC 4733 §2.3):
//
//	event (8 bits) | E R volume(6) | duration (16 bits, in clock units)
const (
	endBit      = 0x80
	maxDuration = 0xFFFF
)

// Times, in ticks of 20 ms.
const (
	againAfter  = 2  // 40 ms: a used timestamp may start a new digit
	strayUntil  = 10 // 200 ms: a packet that was missing may still come
	silentFirst = 3  // an event of 20 ms packets ends after three of nothing
	silentLast  = 10 // and one of slow packets after this many at the latest
)

// A Receiver turns RFC 4733 telephone-event packets into digits, each exactly
// once, at its first packet that arrives. Its zero value is ready for a clock
// of 8000 Hz.
//
// An event is known by SSRC, timestamp and code. Any packet of it starts the
// digit, marker or not, update or end. It ends with its end bit, with the next
// event, or when three packet intervals pass without a packet. Packets that
// come late or twice belong to the event they name, as long as that is among
// the last eight.
//
// A Receiver belongs to one goroutine and allocates nothing.
type Receiver struct {
	// Clock is the RTP clock rate of the payload type: 8000 (also for G.722)
	// or 48000 (with Opus). Zero is 8000.
	Clock int

	recent [8]keyed // a ring of the last events …
	latest int      // … and where the newest of them is
	counts ReceiverCounts
}

// ReceiverCounts says what a Receiver has seen and not made a digit of.
type ReceiverCounts struct {
	Digits    uint64 // digits reported
	Other     uint64 // events above 15: flash, fax and modem tones
	Malformed uint64 // payloads that are not 4 bytes, or more in steps of 4
	Silent    uint64 // events that ended without an end bit
}

// keyed is one event.
type keyed struct {
	ssrc, timestamp uint32
	duration        uint16 // the longest seen
	step            uint16 // the smallest growth of duration between two packets
	event           byte
	known           bool
	ended           bool   // its end bit was seen
	silent          bool   // it ended by silence, for now
	tick            uint64 // of the last packet that told something new
	seen            uint64 // durations that came, a bit for each tick
}

// Counts is what has been counted so far.
func (r *Receiver) Counts() ReceiverCounts { return r.counts }

// Held is the digit that is being pressed now, if there is one.
func (r *Receiver) Held() (symbol byte, ok bool) {
	e := &r.recent[r.latest]
	if !e.known || e.ended || e.silent {
		return 0, false
	}
	return Symbols[e.event], true
}

// Push takes the payload of one packet that arrived in this tick. It returns a
// digit, and true, when the packet is the first of a key press. The digit's
// Tick is when the key went down: the packet's duration is taken into account,
// so that a lost beginning does not make it late.
func (r *Receiver) Push(ssrc, timestamp uint32, marker bool, payload []byte, tick uint64) (Digit, bool) {
	if len(payload) < 4 || len(payload)%4 != 0 {
		r.counts.Malformed++
		return Digit{}, false
	}
	p := keyed{
		ssrc: ssrc, timestamp: timestamp, event: payload[0], known: true, tick: tick,
		ended: payload[1]&endBit != 0, duration: uint16(payload[2])<<8 | uint16(payload[3]),
	}
	p.seen = 1 << min(int(p.duration)/r.tickUnits(), 63)
	if int(p.event) >= len(Symbols) {
		r.counts.Other++
		return Digit{}, false
	}
	if e := r.find(p); e != nil {
		if !r.again(e, p) {
			e.update(p)
			return Digit{}, false
		}
		e.known = false // a new digit under a used timestamp
	} else if r.continues(p, marker) {
		p.step = r.recent[r.latest].step
		r.keep(p)
		return Digit{}, false
	}
	r.keep(p)
	r.counts.Digits++
	began := uint64(p.duration) / uint64(r.tickUnits())
	return Digit{Symbol: Symbols[p.event], Way: Event, Tick: tick - min(tick, began)}, true
}

// Tick tells the Receiver that a tick has passed. An event of which nothing has
// come for about three packet intervals ends here.
func (r *Receiver) Tick(now uint64) {
	e := &r.recent[r.latest]
	if !e.known || e.ended || e.silent || now <= e.tick {
		return
	}
	interval := uint64(e.step) / uint64(r.tickUnits())
	if now-e.tick > min(max(3*interval, silentFirst), silentLast) {
		e.silent = true
		r.counts.Silent++
	}
}

// tickUnits is how many units of the clock a tick has.
func (r *Receiver) tickUnits() int {
	if r.Clock < 50 {
		return 8000 / 50
	}
	return r.Clock / 50
}

// find returns the event a packet belongs to, or nil.
func (r *Receiver) find(p keyed) *keyed {
	for i := range r.recent {
		e := &r.recent[i]
		if e.known && e.ssrc == p.ssrc && e.timestamp == p.timestamp && e.event == p.event {
			return e
		}
	}
	return nil
}

// again reports whether a packet under a used timestamp is a new digit: the
// event has ended, 40 ms have passed, and the duration has started again. A
// straggler looks the same but for two things: its duration was missing until
// now, or it is longer than the time since the end.
func (r *Receiver) again(e *keyed, p keyed) bool {
	if !e.ended && !e.silent || p.tick < e.tick+againAfter || p.duration >= e.duration {
		return false
	}
	since := p.tick - e.tick
	if since < strayUntil && e.seen&p.seen == 0 {
		return false
	}
	return uint64(p.duration) <= (since+againAfter)*uint64(r.tickUnits())
}

// continues reports whether a packet opens the next segment of an event that is
// longer than a duration can say (RFC 4733 §2.5.1.3): the same event, no end
// bit yet, and its timestamp is the last one plus its duration. When the last
// packets of the full segment were lost, the full length is as good.
func (r *Receiver) continues(p keyed, marker bool) bool {
	e := &r.recent[r.latest]
	if !e.known || e.ended || e.ssrc != p.ssrc || e.event != p.event {
		return false
	}
	ahead := p.timestamp - e.timestamp
	room := uint32(max(int(e.step), r.tickUnits())) * (silentFirst + 1)
	full := uint32(e.duration)+room >= maxDuration
	if full && ahead >= uint32(e.duration) && ahead <= maxDuration+1 {
		return true
	}
	return !marker && e.duration > 0 && ahead == uint32(e.duration)
}

// keep makes p the newest event.
func (r *Receiver) keep(p keyed) {
	r.latest = (r.latest + 1) % len(r.recent)
	r.recent[r.latest] = p
}

// update takes in a further packet of the same event.
func (e *keyed) update(p keyed) {
	e.seen |= p.seen
	if p.duration > e.duration {
		if grown := p.duration - e.duration; e.step == 0 || grown < e.step {
			e.step = grown
		}
		e.duration, e.tick, e.silent = p.duration, p.tick, false
	}
	if p.ended && !e.ended {
		e.ended, e.tick = true, p.tick
	}
}
