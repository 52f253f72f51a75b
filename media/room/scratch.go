package room

import (
	"sync/atomic"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mix"
)

// A scratch is the memory that a tick works in. Nothing of it outlives the
// tick, so rooms share it: whoever ticks thousands of rooms works in one that
// stays in the nearest cache, and a room at rest holds none.
type scratch struct {
	sum     mix.Sum
	play    media.Frame // the room's play in this tick
	out     media.Frame // what the tap or peer in turn is given
	own     media.Frame // the own play of the port in turn
	silence media.Frame
}

// The scratches of all who tick. Each takes one for the time of a tick and puts
// it back where it found it, so there are as many as there are workers, and in
// the steady state everybody finds their own at the first look.
var shelf [128]struct {
	atomic.Pointer[scratch]
	_ [56]byte // a cache line each: workers do not disturb each other
}

// take finds a scratch, beginning at the place where it was found last.
func take(place *int) *scratch {
	for i := range len(shelf) {
		at := (*place + i) % len(shelf)
		if shelf[at].Load() == nil {
			continue
		}
		if s := shelf[at].Swap(nil); s != nil {
			*place = at
			return s
		}
	}
	return new(scratch)
}

// put gives a scratch back.
func put(place int, s *scratch) {
	for i := range len(shelf) {
		if shelf[(place+i)%len(shelf)].CompareAndSwap(nil, s) {
			return
		}
	}
}
