package rtp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Listen opens a UDP socket at addr: a non-blocking descriptor that is polled,
// not waited on. Port 0 is any free port. A zone is a number, the index of the
// interface.
func Listen(addr netip.AddrPort) (Conn, error) {
	if !addr.IsValid() {
		return nil, fmt.Errorf("listen at %s: no address", addr)
	}
	c := &descriptor{six: addr.Addr().Is6() && !addr.Addr().Is4In6()}
	if zone := addr.Addr().Zone(); zone != "" {
		n, err := strconv.ParseUint(zone, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("listen at %s: zone %q is no number", addr, zone)
		}
		c.zone = uint32(n)
	}
	family := unix.AF_INET
	if c.six {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	c.fd = fd
	if err := c.bind(addr); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen at %s: %w", addr, err)
	}
	return c, nil
}

// A descriptor is a Conn on a socket of Linux.
type descriptor struct {
	fd      int // −1 when closed
	six     bool
	zone    uint32 // scope of link-local addresses
	local   netip.AddrPort
	dropped uint64
	said    uint32 // the kernel's own count, which wraps

	to   netip.AddrPort // the last one sent to …
	name sockaddr       // … as the system wants it
	size uintptr
}

// A sockaddr has room for an address of either family.
type sockaddr = unix.RawSockaddrInet6

func (c *descriptor) bind(addr netip.AddrPort) error {
	for _, option := range []int{unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, option, 1); err != nil {
			return fmt.Errorf("set a socket option: %w", err)
		}
	}
	var sa unix.Sockaddr
	const expedited = 0xb8 // RFC 3246, where the system lets us
	if c.six {
		_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, expedited)
		sa = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16(), ZoneId: c.zone}
	} else {
		_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_TOS, expedited)
		sa = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().Unmap().As4()}
	}
	if err := unix.Bind(c.fd, sa); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	bound, err := unix.Getsockname(c.fd)
	if err != nil {
		return fmt.Errorf("ask for the port: %w", err)
	}
	port := addr.Port()
	switch b := bound.(type) {
	case *unix.SockaddrInet4:
		port = uint16(b.Port)
	case *unix.SockaddrInet6:
		port = uint16(b.Port)
	}
	c.local = netip.AddrPortFrom(addr.Addr(), port)
	return nil
}

func (c *descriptor) LocalAddr() netip.AddrPort { return c.local }

func (c *descriptor) Dropped() uint64 { return c.dropped }

func (c *descriptor) Now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &t); err != nil {
		return 0
	}
	return t.Nano()
}

func (c *descriptor) Close() error {
	if c.fd < 0 {
		return nil
	}
	err := unix.Close(c.fd)
	c.fd = -1
	if err != nil {
		return fmt.Errorf("close socket: %w", err)
	}
	return nil
}

// Send is one sendto. The address is translated when it changes.
func (c *descriptor) Send(to netip.AddrPort, data []byte) error {
	switch {
	case c.fd < 0:
		return ErrClosed
	case len(data) == 0:
		return nil
	}
	if to != c.to {
		if err := c.address(to); err != nil {
			return err
		}
	}
	// A raw call: it never waits, so the scheduler need not know of it.
	_, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd),
		uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(&c.name)), c.size)
	switch e {
	case 0:
		return nil
	case unix.EAGAIN, unix.ENOBUFS:
		return ErrFull
	}
	return e // an errno is a value: no allocation
}

// address writes an address as the system wants it.
func (c *descriptor) address(to netip.AddrPort) error {
	if !to.IsValid() || !c.six && !to.Addr().Unmap().Is4() {
		return unix.EAFNOSUPPORT
	}
	c.to = to
	if c.six {
		c.name = sockaddr{Family: unix.AF_INET6, Addr: to.Addr().As16()}
		if to.Addr().IsLinkLocalUnicast() {
			c.name.Scope_id = c.zone
		}
		setPort(&c.name.Port, to.Port())
		c.size = unix.SizeofSockaddrInet6
		return nil
	}
	name := (*unix.RawSockaddrInet4)(unsafe.Pointer(&c.name))
	*name = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().Unmap().As4()}
	setPort(&name.Port, to.Port())
	c.size = unix.SizeofSockaddrInet4
	return nil
}

// setPort writes a port in the network's order, whatever the machine's is.
func setPort(field *uint16, port uint16) {
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(field))[:], port)
}

// rawBatch is a Batch as recvmmsg wants it.
type rawBatch struct {
	messages [MaxBatch]message
	vectors  [MaxBatch]unix.Iovec
	names    [MaxBatch]sockaddr
	controls [MaxBatch]ancillary
}

// message is the system's struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
}

// ancillary has room for a time stamp and a drop count, aligned as they need.
type ancillary struct {
	_     [0]uint64
	bytes [96]byte
}

func (r *rawBatch) init(b *Batch) {
	for i := range r.messages {
		r.vectors[i].Base = &b.buffers[i][0]
		r.vectors[i].SetLen(MaxPacket)
		h := &r.messages[i].header
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Iov = &r.vectors[i]
		h.SetIovlen(1)
		h.Control = &r.controls[i].bytes[0]
	}
}

// Receive is one recvmmsg.
func (c *descriptor) Receive(b *Batch) ([]Packet, error) {
	if c.fd < 0 {
		return nil, ErrClosed
	}
	r := &b.raw
	for i := range r.messages {
		h := &r.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(len(r.controls[i].bytes))
	}
	n, _, e := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd),
		uintptr(unsafe.Pointer(&r.messages[0])), MaxBatch, unix.MSG_DONTWAIT, 0, 0)
	switch e {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return nil, nil
	default:
		return nil, e
	}
	for i := range int(n) {
		m := &r.messages[i]
		p := &b.packets[i]
		p.Data = b.buffers[i][:min(int(m.length), MaxPacket)]
		p.Cut = m.header.Flags&unix.MSG_TRUNC != 0
		p.From = c.from(&r.names[i])
		p.Arrival = 0
		c.notes(p, r.controls[i].bytes[:m.header.Controllen])
		if p.Arrival == 0 {
			p.Arrival = c.Now()
		}
	}
	return b.packets[:n], nil
}

// from reads an address as the system writes it. A zone is left out: it is that
// of the socket.
func (c *descriptor) from(name *sockaddr) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if c.six {
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
	}
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
}

// notes reads what the kernel wrote beside a packet: when it came, and how many
// were dropped before it.
func (c *descriptor) notes(p *Packet, b []byte) {
	const head = unix.SizeofCmsghdr
	for len(b) >= head {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < head || size > len(b) {
			return
		}
		body := b[head:size]
		if h.Level == unix.SOL_SOCKET {
			switch {
			case h.Type == unix.SCM_TIMESTAMPNS && len(body) >= int(unsafe.Sizeof(unix.Timespec{})):
				p.Arrival = (*unix.Timespec)(unsafe.Pointer(&body[0])).Nano()
			case h.Type == unix.SO_RXQ_OVFL && len(body) >= 4:
				said := *(*uint32)(unsafe.Pointer(&body[0]))
				c.dropped += uint64(said - c.said)
				c.said = said
			}
		}
		const word = int(unsafe.Sizeof(uintptr(0)))
		b = b[min((size+word-1)/word*word, len(b)):]
	}
}
