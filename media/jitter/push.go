package jitter

// How far from the others a packet may be without being suspect.
const (
	maxAhead  = 1000 // sequence numbers
	maxBehind = 100
	maxEarly  = 25 // periods before its timestamp says
	maxLate   = 50 // periods after it
)

// idleAfter is after how many periods of nothing the stream has stopped: what
// comes then is a new start.
const idleAfter = 25

// Push takes one packet of media, with its arrival in nanoseconds on any clock
// that runs evenly. The payload is copied.
func (b *Buffer) Push(seq uint16, stamp uint32, payload []byte, arrival int64) Verdict {
	b.stats.Received++
	units := len(payload)
	if b.cfg.Units != nil {
		units = b.cfg.Units(payload)
	}
	if units <= 0 || len(payload) > len(b.arena) {
		b.stats.Unfit++
		return Unfit
	}
	if b.running && !b.believable(seq, stamp, arrival) {
		if b.starved < idleAfter && !b.confirmed(seq, stamp) {
			b.stats.Astray++
			return Astray
		}
		b.Reset()
		b.stats.Restarts++
	}
	b.suspect.known = false
	if !b.running {
		b.begin(seq, stamp, arrival)
	}
	return b.take(b.unwrapSeq(seq), b.unwrapStamp(stamp), units, payload, b.units(arrival))
}

// Beside takes note of a packet that belongs to the stream's sequence but is no
// media (a telephone-event, comfort noise), so that it does not count as lost.
func (b *Buffer) Beside(seq uint16) {
	if !b.running {
		return
	}
	n := b.unwrapSeq(seq)
	if n < b.head || n > b.newest+maxAhead {
		return
	}
	b.makeRoom(n)
	if s := b.slotOf(n); s.seq != n || s.kind == empty {
		*s = slot{seq: n, kind: beside}
	}
	if n > b.newest {
		b.newest = n // its timestamp says nothing of the media
	}
}

// begin starts a stream with its first packet, Start periods or what is needed
// before it is played.
func (b *Buffer) begin(seq uint16, stamp uint32, arrival int64) {
	clear(b.slot[:])
	b.running, b.starved, b.cut = true, 0, false
	b.newest, b.stamp = int64(seq)+1<<20, int64(stamp)+1<<40 // room to go back
	b.head, b.end = b.newest, b.stamp
	b.origin = arrival
	b.cursor = b.stamp - b.patience()
	b.depth.forget()
}

// patience is how long before its first packet a stream begins.
func (b *Buffer) patience() int64 {
	return max(int64(b.cfg.Start)*b.period, roundUp(b.depth.need.top(), b.period))
}

// take puts a believable packet into its slot.
func (b *Buffer) take(n, at int64, units int, payload []byte, arrival int64) Verdict {
	if b.has(n, held) || b.has(n, played) {
		b.stats.Duplicates++
		return Duplicate
	}
	if b.starved > 0 {
		b.resume(n, at, arrival)
	}
	late := at+int64(units) <= b.cursor
	b.depth.seen(arrival, at, b.cursor, b.period, late)
	if n > b.newest {
		b.newest, b.stamp = n, at
	}
	if late || n < b.head {
		b.stats.Late++
		b.makeRoom(n)
		if s := b.slotOf(n); s.seq < n {
			*s = slot{seq: n, kind: played}
		}
		return Late
	}
	b.makeRoom(n)
	*b.slotOf(n) = slot{seq: n, at: at, pos: b.store(payload), bytes: int32(len(payload)), units: int32(units), kind: held}
	b.end = max(b.end, at+int64(units))
	return Kept
}

// resume is called with the first packet after the buffer ran dry. What lies
// between the cursor and the packet will not come any more: it is left out as
// far as the depth allows.
func (b *Buffer) resume(n, at, arrival int64) {
	if b.starved >= idleAfter { // a new start
		b.starved = 0
		b.cursor = at - b.patience()
		b.depth.forget()
		b.head = max(b.head, n)
		return
	}
	b.starved = 0
	gap := at - b.cursor
	if gap <= 0 {
		return
	}
	b.depth.lead.raise(arrival - b.cursor)
	spare := b.depth.now() - b.depth.need.top()
	if skip := min(gap, spare/b.period*b.period); skip > 0 {
		b.cursor += skip
		b.depth.shift(-skip)
	}
}

// makeRoom drops the oldest packets so that n has its slot.
func (b *Buffer) makeRoom(n int64) {
	for ; b.head <= n-slots; b.head++ {
		if b.head < n-2*slots {
			b.head = n - 2*slots
		}
		if b.has(b.head, held) {
			b.slotOf(b.head).kind = played
			b.stats.Overflow++
		}
	}
}

// believable reports whether a packet is near enough to the others.
func (b *Buffer) believable(seq uint16, stamp uint32, arrival int64) bool {
	if d := b.unwrapSeq(seq) - b.newest; d > maxAhead || d < -maxBehind {
		return false
	}
	base, ok := b.depth.base()
	if !ok {
		return true
	}
	away := b.units(arrival) - b.unwrapStamp(stamp) - base
	return -maxEarly*b.period < away && away < maxLate*b.period
}

// confirmed reports whether the packet follows the last suspect, and remembers
// it as the next one.
func (b *Buffer) confirmed(seq uint16, stamp uint32) bool {
	s := b.suspect
	b.suspect = suspect{seq: seq, stamp: stamp, known: true}
	step := int64(int32(stamp - s.stamp))
	return s.known && seq == s.seq+1 && step >= 0 && step < int64(b.cfg.Clock)
}

// unwrapSeq and unwrapStamp choose the turn of the counter nearest to the
// newest packet.
func (b *Buffer) unwrapSeq(seq uint16) int64 {
	return b.newest + int64(int16(seq-uint16(b.newest)))
}

func (b *Buffer) unwrapStamp(stamp uint32) int64 {
	return b.stamp + int64(int32(stamp-uint32(b.stamp)))
}

func roundUp(v, to int64) int64 { return (v + to - 1) / to * to }
