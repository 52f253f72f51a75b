package rtp

import (
	"net/netip"
	"sync"
)

// pipeStart is when every Pipe's clock begins: 2026-01-01.
const pipeStart = 1_767_225_600_000_000_000

// pipeDepth is how many packets wait in one direction of a Pipe.
const pipeDepth = 256

// A Plug is one end of a Pipe: a Conn in memory, for tests. It may be used from
// several goroutines.
type Plug struct {
	// Lose, when set, is asked about every packet on its way to this plug: true
	// loses it. Set it before the first packet.
	Lose func(data []byte) bool

	pipe  *pipe
	peer  *Plug
	local netip.AddrPort
	in    []queued
	first int
	count int
	lost  uint64
	shut  bool
}

// pipe is what both ends share.
type pipe struct {
	mu  sync.Mutex
	now int64
}

// Pipe joins two Conns in memory. Its clock stands still until one of them is
// told to Advance.
func Pipe() (a, b *Plug) {
	p := &pipe{now: pipeStart}
	a = &Plug{pipe: p, local: netip.MustParseAddrPort("192.0.2.1:4000"), in: make([]queued, pipeDepth)}
	b = &Plug{pipe: p, local: netip.MustParseAddrPort("192.0.2.2:5000"), in: make([]queued, pipeDepth)}
	a.peer, b.peer = b, a
	return a, b
}

// Advance moves the clock of both ends on.
func (p *Plug) Advance(ns int64) {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	p.pipe.now += ns
}

// Inject makes data arrive at p as if from had sent it.
func (p *Plug) Inject(from netip.AddrPort, data []byte) {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	p.queue(from, data)
}

// Move gives p another address, as a NAT does: its packets come from there, and
// what is sent to the old one is lost.
func (p *Plug) Move(to netip.AddrPort) {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	p.local = to
}

// LocalAddr is the plug's address.
func (p *Plug) LocalAddr() netip.AddrPort {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	return p.local
}

// Now is the pipe's clock.
func (p *Plug) Now() int64 {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	return p.pipe.now
}

// Dropped is how many packets found no room.
func (p *Plug) Dropped() uint64 {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	return p.lost
}

// Close makes p deaf and dumb.
func (p *Plug) Close() error {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	p.shut = true
	return nil
}

// Send puts data into the other end, if to is its address.
func (p *Plug) Send(to netip.AddrPort, data []byte) error {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	if p.shut {
		return ErrClosed
	}
	if to == p.peer.local {
		p.peer.queue(p.local, data)
	}
	return nil
}

// queue is called with the lock held.
func (p *Plug) queue(from netip.AddrPort, data []byte) {
	switch {
	case p.shut, p.Lose != nil && p.Lose(data):
		return
	case p.count == len(p.in):
		p.lost++
		return
	}
	q := &p.in[(p.first+p.count)%len(p.in)]
	q.packet = Packet{From: from, Arrival: p.pipe.now, Cut: len(data) > MaxPacket}
	q.packet.Data = q.data[:copy(q.data[:], data)]
	p.count++
}

// Receive takes what has come.
func (p *Plug) Receive(b *Batch) ([]Packet, error) {
	p.pipe.mu.Lock()
	defer p.pipe.mu.Unlock()
	if p.shut {
		return nil, ErrClosed
	}
	n := min(p.count, MaxBatch)
	for i := range n {
		q := &p.in[p.first]
		b.packets[i] = q.packet
		b.packets[i].Data = b.buffers[i][:copy(b.buffers[i][:], q.packet.Data)]
		p.first = (p.first + 1) % len(p.in)
	}
	p.count -= n
	return b.packets[:n], nil
}
