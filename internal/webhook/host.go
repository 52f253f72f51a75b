package webhook

import "time"

const (
	firstSlots = 8                     // a host of which nothing is known has so many
	modest     = 64                    // who has no more may have the second half of all slots
	slow       = 2 * time.Second       // an attempt that fails after so long costs the host half of them
	pace       = 10 * time.Millisecond // between two attempts again while they fail
	forgetHost = time.Minute           // after its last event
)

// A host is one endpoint's host and port. It has lanes that wait in two ranks:
// those whose event is new, and those whose event has failed before. They take
// turns.
//
// How many attempts may be under way at one time follows what the host can
// take: each answer while lanes wait allows one more, each attempt that has
// waited long and in vain halves the number. So a host that hangs comes to hold a
// single slot, and one that is slow but alive gets as many as it fills. Half of
// all slots are for hosts that hold few: those that fill many, because they are
// slow, leave room for the others.
type host struct {
	name   string
	fresh  rank
	again  rank
	turn   bool // it is again's
	lanes  int  // that are to this host
	flying int
	limit  int
	down   bool         // it could not be connected to: new events fare no better
	paced  bool         // attempts again have been failing, so there is one at a time
	rest   time.Time    // and no attempt again before
	queue  *line[*host] // of the courier, in which its turn comes; nil: in none
	alarm  alarm        // for the end of rest

	bad    bool      // the last attempt failed
	logged time.Time // when this was said last
	left   time.Time // when its last lane ended
}

// next takes the lane whose turn it is; nil: none may go now.
func (h *host) next(now time.Time) *lane {
	resting := now.Before(h.rest)
	first, second := &h.fresh, &h.again
	if h.turn {
		first, second = second, first
	}
	for _, waiting := range []*rank{first, second} {
		if resting && (h.down || waiting == &h.again) {
			continue
		}
		if l := waiting.first; l != nil {
			waiting.remove(l)
			h.turn = !h.turn
			if h.paced && (h.down || waiting == &h.again) {
				h.rest = now.Add(pace)
			}
			return l
		}
	}
	return nil
}

// mayFly says whether next would give something, if a slot were free.
func (h *host) mayFly(now time.Time) bool {
	if h.flying >= h.limit {
		return false
	}
	if now.Before(h.rest) {
		return !h.down && h.fresh.n > 0
	}
	return h.waiting() > 0
}

func (h *host) waiting() int { return h.fresh.n + h.again.n }

// learn takes in how an attempt went.
func (h *host) learn(o outcome, again bool, most int) {
	switch {
	case o.answered:
		if h.limit < most && h.waiting() > 0 {
			h.limit++
		}
	case o.took >= slow:
		h.limit = max(1, h.limit/2)
	}
	switch {
	case o.err == nil:
		h.down, h.paced, h.rest = false, false, time.Time{}
	case o.unreachable:
		h.down, h.paced = true, true
	case o.answered:
		h.down = false
		h.paced = h.paced || again
	default:
		h.paced = h.paced || again
	}
}

// A rank is lanes that wait, in order. One in the middle can leave it.
type rank struct {
	first, last *lane
	n           int
}

func (r *rank) push(l *lane) {
	l.rank, l.before = r, r.last
	if r.last == nil {
		r.first = l
	} else {
		r.last.behind = l
	}
	r.last = l
	r.n++
}

func (r *rank) remove(l *lane) {
	if l.before == nil {
		r.first = l.behind
	} else {
		l.before.behind = l.behind
	}
	if l.behind == nil {
		r.last = l.before
	} else {
		l.behind.before = l.before
	}
	l.rank, l.before, l.behind = nil, nil, nil
	r.n--
}

// A line is a queue.
type line[T any] struct {
	items []T
	head  int
}

func (l *line[T]) len() int { return len(l.items) - l.head }

func (l *line[T]) push(v T) { l.items = append(l.items, v) }

func (l *line[T]) pop() (v T, ok bool) {
	if l.len() == 0 {
		return v, false
	}
	var none T
	v, l.items[l.head] = l.items[l.head], none
	if l.head++; l.head > 32 && l.head > len(l.items)/2 {
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, l.head = l.items[:n], 0
	}
	return v, true
}

func (l *line[T]) front() (v T, ok bool) {
	if l.len() == 0 {
		return v, false
	}
	return l.items[l.head], true
}
