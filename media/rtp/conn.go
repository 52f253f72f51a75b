package rtp

import (
	"errors"
	"net/netip"
	"sync/atomic"

	pionrtp "github.com/pion/rtp"
)

const (
	// MaxPacket is the longest packet taken or sent, in bytes. A longer one is
	// dropped and counted.
	MaxPacket = 1500
	// MaxBatch is how many packets one Receive takes: the rest waits for the
	// next tick, so that a flood on one leg costs the others nothing.
	MaxBatch = 8
)

// A Conn sends and receives datagrams without waiting. It belongs to one
// goroutine. Listen opens one; Pipe makes two in memory.
type Conn interface {
	// Receive takes what has come, at most MaxBatch packets, into b. They are
	// valid until b is used again. None and nil: nothing has come.
	Receive(b *Batch) ([]Packet, error)
	// Send sends one datagram. It does not wait: without room it is an error.
	Send(to netip.AddrPort, data []byte) error
	// LocalAddr is where it listens.
	LocalAddr() netip.AddrPort
	// Now is the clock that stamps arrivals, in nanoseconds since 1970.
	Now() int64
	// Dropped is how many datagrams came and found no room, in the kernel or
	// in the Conn.
	Dropped() uint64
	// Close frees the socket. Only its reader may call it: a closed descriptor
	// is reused at once, and a stale reader would hear somebody else.
	Close() error
}

// Errors of a Conn.
var (
	ErrClosed = errors.New("rtp: closed")
	ErrFull   = errors.New("rtp: no room to send")
)

// A Packet is one datagram that came.
type Packet struct {
	Data    []byte
	From    netip.AddrPort
	Arrival int64 // nanoseconds since 1970, as the kernel stamped it
	Cut     bool  // it was longer than MaxPacket: Data is its beginning
}

// A Batch is the memory that packets are received into. It belongs to who
// reads, not to the Conn, so that a leg at rest holds none.
type Batch struct {
	packets [MaxBatch]Packet
	buffers [MaxBatch][MaxPacket]byte
	out     [MaxPacket]byte // a packet being made
	header  pionrtp.Header  // a header being read or written
	reports reports         // reports being read
	raw     rawBatch        // what the system needs
}

// NewBatch makes a Batch, about 14 KiB.
func NewBatch() *Batch {
	b := new(Batch)
	b.raw.init(b)
	return b
}

// The batches of all workers. Each takes one for the time of a Read or Write
// and puts it back where it found it, so there are as many as there are
// workers, and in the steady state everybody finds their own at the first look.
var shelf [128]struct {
	atomic.Pointer[Batch]
	_ [56]byte // a cache line each: workers do not disturb each other
}

// take finds a batch, beginning at the place where it was found last.
func take(place *int) *Batch {
	for i := range len(shelf) {
		at := (*place + i) % len(shelf)
		if shelf[at].Load() == nil {
			continue
		}
		if b := shelf[at].Swap(nil); b != nil {
			*place = at
			return b
		}
	}
	return NewBatch()
}

// put gives a batch back.
func put(place int, b *Batch) {
	for i := range len(shelf) {
		if shelf[(place+i)%len(shelf)].CompareAndSwap(nil, b) {
			return
		}
	}
}
