package rtp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ringSize is how many packets wait in a Conn that is not polled.
const ringSize = 64

// netConn is a Conn over the standard library, for systems without recvmmsg: a
// goroutine reads the socket into a ring that Receive empties. The goroutine
// ends with Close.
type netConn struct {
	udp   *net.UDPConn
	local netip.AddrPort
	done  chan struct{}

	mu      sync.Mutex // guards what follows; held for the copy of a packet
	ring    []queued
	first   int
	count   int
	dropped uint64
	err     error
}

type queued struct {
	packet Packet
	data   [MaxPacket]byte
}

func listenNet(addr netip.AddrPort) (Conn, error) {
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", addr, err)
	}
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok {
		udp.Close()
		return nil, fmt.Errorf("listen at %s: no UDP address", addr)
	}
	c := &netConn{
		udp:   udp,
		local: netip.AddrPortFrom(addr.Addr(), bound.AddrPort().Port()),
		done:  make(chan struct{}),
		ring:  make([]queued, ringSize),
	}
	go c.run()
	return c, nil
}

// run reads until the socket is closed.
func (c *netConn) run() {
	defer close(c.done)
	buffer := make([]byte, MaxPacket+1)
	for {
		n, from, err := c.udp.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			continue
		}
		c.queue(buffer[:n], netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port()), time.Now().UnixNano())
	}
}

func (c *netConn) queue(data []byte, from netip.AddrPort, arrival int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == len(c.ring) {
		c.dropped++
		return
	}
	q := &c.ring[(c.first+c.count)%len(c.ring)]
	q.packet = Packet{From: from, Arrival: arrival, Cut: len(data) > MaxPacket}
	q.packet.Data = q.data[:copy(q.data[:], data)]
	c.count++
}

func (c *netConn) Receive(b *Batch) ([]Packet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(c.count, MaxBatch)
	for i := range n {
		q := &c.ring[c.first]
		p := &b.packets[i]
		*p = q.packet
		p.Data = b.buffers[i][:copy(b.buffers[i][:], q.packet.Data)]
		c.first = (c.first + 1) % len(c.ring)
	}
	c.count -= n
	err := c.err
	c.err = nil
	return b.packets[:n], err
}

func (c *netConn) Send(to netip.AddrPort, data []byte) error {
	_, err := c.udp.WriteToUDPAddrPort(data, to)
	return err
}

func (c *netConn) LocalAddr() netip.AddrPort { return c.local }

func (c *netConn) Now() int64 { return time.Now().UnixNano() }

func (c *netConn) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

func (c *netConn) Close() error {
	err := c.udp.Close()
	<-c.done
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close socket: %w", err)
	}
	return nil
}
