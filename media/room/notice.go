package room

import (
	"sync/atomic"

	"github.com/tipring/tipring/dtmf"
)

// A Kind is what a notice tells of.
type Kind uint8

// The kinds of notices.
const (
	Digit      Kind = iota + 1 // Port pressed Digit
	PlayEnded                  // an announced play ended: Token, Err. Without a token: a play failed (Port nil: the room's)
	PortFailed                 // Port's peer returned Err and was unplugged; io.EOF: it just ended
)

// A Notice is something that happened in a room.
type Notice struct {
	Kind  Kind
	Port  *Port
	Digit dtmf.Digit
	Token uint64
	Err   error
}

// capacity is how many notices wait in a room's queue without a reader, and
// again as many before the tick has to allocate: some seconds of fast typing.
const capacity = 32

// Notices is a queue from the ticking goroutine to one other. The tick puts
// without waiting or allocating. Nothing in it is ever dropped: when the queue
// is full, the room keeps the rest for the ticks to come.
type Notices struct {
	slots [capacity]Notice
	read  atomic.Uint64            // how many were read
	wrote atomic.Uint64            // how many were written
	rest  []Notice                 // what found no slot; ticking goroutine only …
	last  atomic.Pointer[[]Notice] // … until finish gives it to the reader
	wake  chan struct{}
	fresh bool // something was put since the last flush
}

func newNotices() *Notices {
	return &Notices{wake: make(chan struct{}, 1), rest: make([]Notice, 0, capacity)}
}

// C has a value whenever there may be something to read. Drain with Next then,
// until it says false. C is never closed.
func (n *Notices) C() <-chan struct{} { return n.wake }

// Next takes the oldest notice, if there is one.
func (n *Notices) Next() (Notice, bool) {
	at := n.read.Load()
	if at < n.wrote.Load() {
		slot := &n.slots[at%capacity]
		got := *slot
		*slot = Notice{} // keeps no port alive
		n.read.Store(at + 1)
		return got, true
	}
	last := n.last.Load()
	if last == nil || len(*last) == 0 {
		return Notice{}, false
	}
	if at < n.wrote.Load() { // written between the look and the end
		return n.Next()
	}
	got := (*last)[0]
	*last = (*last)[1:]
	return got, true
}

// put appends one notice. Ticking goroutine only.
func (n *Notices) put(v Notice) {
	n.fresh = true
	if len(n.rest) > 0 || !n.push(v) {
		n.rest = append(n.rest, v)
	}
}

// push writes into a free slot, if there is one.
func (n *Notices) push(v Notice) bool {
	at := n.wrote.Load()
	if at-n.read.Load() == capacity {
		return false
	}
	n.slots[at%capacity] = v
	n.wrote.Store(at + 1)
	return true
}

// flush moves what waited into free slots and wakes the reader.
func (n *Notices) flush() {
	moved := 0
	for moved < len(n.rest) && n.push(n.rest[moved]) {
		moved++
	}
	if moved > 0 {
		left := copy(n.rest, n.rest[moved:])
		clear(n.rest[left:])
		n.rest = n.rest[:left]
	}
	if !n.fresh && moved == 0 {
		return
	}
	n.fresh = false
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// finish gives the reader all that is left. Nothing is put after it.
func (n *Notices) finish() {
	n.flush()
	if n.last.Load() == nil {
		rest := n.rest
		n.rest = nil
		n.last.Store(&rest)
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}
