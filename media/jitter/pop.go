package jitter

// Pop gives the next period of media, in one piece or several, and moves on.
// quiet says that the last period was quiet: a good moment to change the depth.
// The pieces are valid until the next Push or Pop.
func (b *Buffer) Pop(quiet bool) []Piece {
	out := b.pieces[:0]
	if !b.running {
		return append(out, Piece{State: Idle, Units: int(b.period)})
	}
	b.depth.tick()
	if b.adjust(quiet) {
		b.stats.Inserted++
		b.depth.shift(b.period)
		return append(out, Piece{State: Starved, Units: int(b.period)})
	}
	left := b.period
	for left > 0 && len(out) < cap(out) {
		p, took := b.piece(left, len(out) == cap(out)-1)
		if p.State == Starved { // the cursor waits
			b.wait(left, &p)
			left = 0
		}
		b.cursor += took
		left -= took
		p.Cut, b.cut = b.cut && p.State == Heard, b.cut && p.State != Heard
		out = append(out, p)
	}
	return out
}

// piece is what stands at the cursor, at most left units of it, and how far
// the cursor moves. When it must be the last one, it fills all that is left.
func (b *Buffer) piece(left int64, last bool) (p Piece, took int64) {
	s, whole := b.find()
	switch {
	case s == nil:
		return Piece{State: Starved, Units: int(left)}, 0
	case s.at > b.cursor || last && s.at+int64(s.units)-b.cursor < left:
		took = left
		if !last {
			took = min(left, s.at-b.cursor)
		}
		p = Piece{State: Lost, Units: int(took)}
		if whole {
			p.State = Silence
		} else {
			b.stats.Lost += uint64(took)
		}
		return p, took
	}
	b.starved = 0
	from, units := b.cursor-s.at, int64(s.units)
	took = min(left, units-from)
	p = Piece{State: Heard, Units: int(took), Payload: b.payload(s)}
	if b.cfg.Whole {
		p.From = int(from)
	} else {
		size := int64(s.bytes)
		p.Payload = p.Payload[from*size/units : (from+took)*size/units]
	}
	if from+took == units {
		s.kind, b.head = played, s.seq+1
	}
	return p, took
}

// find gives the first packet that plays at the cursor or after it, and whether
// every packet before it has come: what is missing then was never sent.
func (b *Buffer) find() (first *slot, whole bool) {
	whole = true
	for n := b.head; n <= b.newest; n++ {
		switch {
		case b.has(n, held):
			s := b.slotOf(n)
			switch {
			case b.payload(s) == nil: // overwritten
				s.kind, whole = played, false
				b.stats.Overflow++
			case s.at+int64(s.units) <= b.cursor: // its time has passed
				s.kind, b.head = played, n+1
			default:
				return s, whole
			}
		case b.has(n, beside), b.has(n, played):
		default:
			whole = false
		}
	}
	return nil, whole
}

// wait is a period, or its rest, in which there was nothing to play.
func (b *Buffer) wait(units int64, p *Piece) {
	b.starved++
	b.depth.shift(units)
	switch {
	case b.starved > idleAfter:
		p.State = Idle
	case b.has(b.newest, beside):
		p.State = Silence
	default:
		b.stats.Starved += uint64(units)
	}
}

// adjust changes the depth by a period if it should: it moves the cursor to
// leave one out, or reports that one is to be inserted.
func (b *Buffer) adjust(quiet bool) (insert bool) {
	if over := b.end - b.cursor; over > int64(b.cfg.Max)*b.period {
		keep := min(roundUp(b.depth.need.top(), b.period)+b.period, int64(b.cfg.Max)*b.period)
		b.skip((over - keep) / b.period * b.period)
		return false
	}
	if b.starved > 0 || !b.depth.due(quiet, b.period) {
		return false
	}
	switch b.depth.wish(b.period) {
	case deeper:
		b.depth.done()
		return b.cursor < b.end
	case shallower:
		b.depth.done()
		if b.cursor+b.period < b.end {
			b.stats.Left++
			b.skip(b.period)
		}
	}
	return false
}

// skip leaves out what is next.
func (b *Buffer) skip(units int64) {
	b.cursor += units
	b.depth.shift(-units)
	b.cut = true
}
