package metronome

// A beat is the arithmetic of deadlines, in nanoseconds since the start: step k
// is due at k × step, and belongs to slot k mod slots.
type beat struct {
	step  int64
	slots int64
	k     int64 // the next step
}

// patience is how many ticks of one slot may be due at once before some are
// left out.
const patience = 3

// due is when the next step begins.
func (b *beat) due() int64 { return b.k * b.step }

// slot is the slot of the next step.
func (b *beat) slot() int { return int(b.k % b.slots) }

// skip says how many whole periods are to be left out when it is now, and goes
// on behind them: so many that no more than patience ticks of a slot are due.
func (b *beat) skip(now int64) uint64 {
	period := b.step * b.slots
	behind := (now-b.due())/period + 1 - patience
	if now < b.due() || behind <= 0 {
		return 0
	}
	b.k += behind * b.slots
	return uint64(behind)
}

// resume goes on with the first step that is not before now, after a rest.
func (b *beat) resume(now int64) {
	b.k = max(b.k, (now+b.step-1)/b.step)
}
