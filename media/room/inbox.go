package room

import "sync/atomic"

// An inbox takes functions from any goroutine to the ticking one, in order. Who
// puts never waits, and the tick never waits for who puts: it is a list that is
// pushed to with compare-and-swap and taken whole.
type inbox struct{ head atomic.Pointer[errand] }

type errand struct {
	f    func(*Room)
	next *errand // the one put before
}

// closed is the head of an inbox that takes nothing any more.
var closed = new(errand)

func (b *inbox) put(f func(*Room)) bool {
	e := &errand{f: f}
	for {
		e.next = b.head.Load()
		if e.next == closed {
			return false
		}
		if b.head.CompareAndSwap(e.next, e) {
			return true
		}
	}
}

// run runs what is there, oldest first. What is put meanwhile waits for the
// next run.
func (b *inbox) run(r *Room) {
	if head := b.head.Load(); head == nil || head == closed {
		return
	}
	runAll(b.head.Swap(nil), r)
}

// close runs what is there and refuses from now on.
func (b *inbox) close(r *Room) {
	if head := b.head.Swap(closed); head != closed {
		runAll(head, r)
	}
}

func runAll(newest *errand, r *Room) {
	var oldest *errand
	for e := newest; e != nil; {
		before := e.next
		e.next, oldest = oldest, e
		e = before
	}
	for e := oldest; e != nil; e = e.next {
		e.f(r)
	}
}
