package journal

import (
	"cmp"
	"slices"
	"strings"
)

// index knows where each live value is in the stream, and what of the stream is
// no longer needed. It holds no values and knows no clock: time is a count of
// ticks, one a second.
type index struct {
	entries  map[string]*entry
	messages []*message // ascending; the first is the head
	bytes    int64      // of all messages
	live     int64      // of what is still needed of them
	order    uint64     // of the next put
	number   uint64     // of the last message
	last     uint64     // sequence of the last message
	floor    uint64     // messages below it have been declared void
	dead     int        // how many messages at the head hold nothing live
	garbage  int64      // their bytes
	below    int        // how many messages at the head were forgotten for the floor
}

// message is one message of the stream.
type message struct {
	seq     uint64
	size    int64
	tick    uint64   // when it was written
	entries []*entry // what it put, dead or alive
	alive   int
}

// entry is a live value. When it dies, msg becomes nil.
type entry struct {
	key   string
	msg   *message
	order uint64
	off   int
	size  int
}

// place is where a value was when it was asked for.
type place struct {
	key   string
	order uint64
	seq   uint64
	off   int
	size  int
}

// What a message and a record cost besides key and value: JetStream's frame and
// hash, our head; a record's kind and lengths.
const (
	messageCost = 64
	recordCost  = 8
)

// When the head is cleaned: see dirty.
const (
	cleanBytes = 8 << 20
	idleBytes  = 64 << 10
	idleTicks  = 60
)

func newIndex() *index { return &index{entries: map[string]*entry{}} }

func (e *entry) cost() int64 { return int64(len(e.key) + e.size + recordCost) }

func (e *entry) place() place { return place{e.key, e.order, e.msg.seq, e.off, e.size} }

// head is what the next message begins with, if it carries nothing.
func (x *index) head() head { return head{number: x.number + 1, floor: x.needed(), order: x.order} }

// needed is the lowest sequence that holds something live.
func (x *index) needed() uint64 {
	for x.dead < len(x.messages) {
		m := x.messages[x.dead]
		if m.alive > 0 {
			return m.seq
		}
		x.garbage += m.size
		x.dead++
	}
	return x.last + 1
}

// apply takes a message in that is in the stream now; fresh: just written, not
// read again.
func (x *index) apply(seq uint64, size int, tick uint64, h head, records []record, fresh bool) {
	if h.floor > x.floor {
		x.floor = h.floor
		if !fresh {
			x.forget()
		}
	}
	m := &message{seq: seq, size: int64(size) + messageCost, tick: tick}
	x.messages = append(x.messages, m)
	x.bytes += m.size
	x.last, x.number = seq, h.number
	for _, r := range records {
		switch r.kind {
		case kindRemove:
			x.remove(r.key)
		case kindPut:
			x.put(m, r)
			x.order = max(x.order, r.order+1)
		case kindCarry:
			x.carried(m, r, fresh)
		}
	}
}

// carried takes in an old put that came again. A fresh one may have been removed
// while it was on its way; of one that is read again, the put may be gone with
// the head of the log.
func (x *index) carried(m *message, r record, fresh bool) {
	x.order = max(x.order, r.order+1)
	e := x.entries[r.key]
	if fresh && (e == nil || e.order != r.order) {
		return
	}
	x.put(m, r)
}

func (x *index) put(m *message, r record) {
	x.remove(r.key)
	e := &entry{key: r.key, msg: m, order: r.order, off: r.off, size: r.size}
	x.entries[r.key] = e
	m.entries = append(m.entries, e)
	m.alive++
	x.live += e.cost()
}

// remove forgets a key, and says whether it was there.
func (x *index) remove(key string) bool {
	e := x.entries[key]
	if e == nil {
		return false
	}
	delete(x.entries, key)
	x.live -= e.cost()
	if e.msg.alive--; e.msg.alive == 0 {
		e.msg.entries = nil
	}
	e.msg = nil
	return true
}

// forget lets go of live values below the floor: what is carried forward comes
// again in the message that declares it, and more there is not, unless the
// system undid a purge.
func (x *index) forget() {
	for ; x.below < len(x.messages) && x.messages[x.below].seq < x.floor; x.below++ {
		m := x.messages[x.below]
		for _, e := range m.entries {
			if e.msg == m {
				x.remove(e.key)
			}
		}
	}
}

// find gives the place of a key.
func (x *index) find(key string) (place, bool) {
	e := x.entries[key]
	if e == nil {
		return place{}, false
	}
	return e.place(), true
}

// under lists the places of all keys with a prefix, in the order of their puts.
func (x *index) under(prefix string) []place {
	var all []place
	for key, e := range x.entries {
		if strings.HasPrefix(key, prefix) {
			all = append(all, e.place())
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.order, b.order) })
	return all
}

// dirty says whether the head is to be carried forward: when the log from its
// first live value on is more than twice what is live and 8 MiB, or is that on a
// smaller scale and its head older than a minute, or when the whole comes near
// its bound and has something to give.
func (x *index) dirty(tick uint64, bound int64) bool {
	x.needed()
	if x.dead == len(x.messages) {
		return false
	}
	kept := x.bytes - x.garbage
	if kept > 2*x.live+cleanBytes {
		return true
	}
	old := x.messages[x.dead].tick+idleTicks <= tick
	if old && kept > 2*x.live+idleBytes {
		return true
	}
	return x.bytes > bound/4*3 && kept > x.live+x.live/8+idleBytes
}

// carry lists what is live in the messages of the head, up to a number of bytes
// and at least one message that has any, and the floor when all of it has been
// written again.
func (x *index) carry(budget int64) (places []place, floor uint64) {
	x.needed()
	for _, m := range x.messages[x.dead:] {
		var cost int64
		for _, e := range m.entries {
			if e.msg == m {
				cost += e.cost()
			}
		}
		if cost > budget && len(places) > 0 {
			return places, m.seq
		}
		budget -= cost
		for _, e := range m.entries {
			if e.msg == m {
				places = append(places, e.place())
			}
		}
		if budget <= 0 {
			return places, m.seq + 1
		}
	}
	return places, x.last + 1
}

// purged forgets the messages below a sequence, and says how many.
func (x *index) purged(below uint64) (n int) {
	for n < len(x.messages) && x.messages[n].seq < below {
		x.bytes -= x.messages[n].size
		n++
	}
	for _, m := range x.messages[:min(n, x.dead)] {
		x.garbage -= m.size
	}
	x.dead, x.below = max(0, x.dead-n), max(0, x.below-n)
	x.messages = slices.Delete(x.messages, 0, n)
	return n
}
