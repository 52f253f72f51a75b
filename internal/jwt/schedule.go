package jwt

import (
	"slices"
	"time"
)

// spare is what the schedule allows for wall clocks that jump: twice the hour
// that they may be wrong by.
const spare = 2 * time.Hour

// A schedule says how long a key signs, and how long before that it is
// published.
type schedule struct{ rotate, lead time.Duration }

// newSchedule publishes a key for a day before it signs; for half of its own
// life, if that is less.
func newSchedule(rotate time.Duration) schedule {
	return schedule{rotate, min(24*time.Hour, rotate/2)}
}

// fresh is how long others may keep the published keys: so short that they know
// a key before it signs, and before a clock that jumps has it sign.
func (s schedule) fresh() time.Duration { return min(time.Hour, s.lead/2).Truncate(time.Second) }

// sort puts keys in the order in which they sign.
func sort(keys []*key) {
	slices.SortStableFunc(keys, func(a, b *key) int { return a.from.Compare(b.from) })
}

// signing is the index of the key that signs at now, in sorted keys: the last
// that has begun, or the first. -1 if there is none.
func signing(keys []*key, now time.Time) int {
	for i := len(keys) - 1; i >= 0; i-- {
		if !keys[i].from.After(now) {
			return i
		}
	}
	return min(0, len(keys)-1)
}

// over are the keys that need not be published any more: each was replaced so
// long ago that no token it signed is alive.
func over(keys []*key, now time.Time) (gone []*key) {
	for i := range signing(keys, now) {
		if now.Sub(keys[i+1].from) > HandshakeLife+spare {
			gone = append(gone, keys[i])
		}
	}
	return gone
}

// coming says when a further key has to sign from, and whether it is time to
// make it. Without any key that is now.
func (s schedule) coming(keys []*key, now time.Time) (from time.Time, due bool) {
	if len(keys) == 0 {
		return now, true
	}
	last := keys[len(keys)-1].from
	if last.After(now) {
		return time.Time{}, false
	}
	from = last.Add(s.rotate)
	if now.Add(s.lead).Before(from) {
		return from, false
	}
	if earliest := now.Add(s.lead); from.Before(earliest) {
		from = earliest // it was due while nobody ran
	}
	return from, true
}

// astray are the keys whose time lies so far ahead that a wrong clock must have
// given it to them, with the time that they get instead. Without that such a
// key would never sign, nor any after it.
func (s schedule) astray(keys []*key, now time.Time) map[*key]time.Time {
	moved := map[*key]time.Time{}
	for i, k := range keys {
		if !k.from.After(now.Add(s.lead + spare)) {
			continue
		}
		if i == 0 {
			moved[k] = now
		} else {
			moved[k] = now.Add(s.lead)
		}
	}
	return moved
}
