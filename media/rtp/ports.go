package rtp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/tipring/tipring/internal/metric"
)

// The range of ports that is used when none is named: below the ephemeral range
// of Linux.
const (
	DefaultMin = 16384
	DefaultMax = 32767
)

// ErrNoPorts says that every pair of the range is taken.
var ErrNoPorts = errors.New("rtp: no free pair of ports")

// Ports opens pairs of sockets: RTP on an even port, RTCP on the odd one above
// (RFC 3550 §11). It keeps no list: the system knows what is taken. It may be
// used from several goroutines.
type Ports struct {
	IP       netip.Addr
	Min, Max uint16 // both 0: DefaultMin to DefaultMax
	Counters *metric.Set
}

// Open opens a pair. It begins at a random place of the range, so that a port
// just given up rests; a taken pair means the next. With none left the error is
// ErrNoPorts.
func (p *Ports) Open() (rtp, rtcp Conn, err error) {
	low, high := int(p.Min), int(p.Max)
	if low == 0 && high == 0 {
		low, high = DefaultMin, DefaultMax
	}
	low += low % 2
	pairs := (high - low + 1) / 2
	if pairs <= 0 {
		return nil, nil, fmt.Errorf("open a pair of ports in %d-%d: %w", low, high, ErrNoPorts)
	}
	start := rand.IntN(pairs)
	for i := range pairs {
		port := uint16(low + (start+i)%pairs*2)
		rtp, rtcp, err = p.pair(port)
		if err == nil {
			p.count("opened")
			return rtp, rtcp, nil
		}
		if !taken(err) {
			p.count("failed")
			return nil, nil, fmt.Errorf("open a pair of ports: %w", err)
		}
	}
	p.count("none left")
	return nil, nil, fmt.Errorf("open a pair of ports in %d-%d: %w", low, high, ErrNoPorts)
}

func (p *Ports) pair(port uint16) (rtp, rtcp Conn, err error) {
	rtp, err = Listen(netip.AddrPortFrom(p.IP, port))
	if err != nil {
		return nil, nil, err
	}
	rtcp, err = Listen(netip.AddrPortFrom(p.IP, port+1))
	if err != nil {
		rtp.Close()
		return nil, nil, err
	}
	return rtp, rtcp, nil
}

func (p *Ports) count(what string) {
	p.Counters.Counter("media_ports_total", "outcome", what, "Pairs of media ports asked for").Add(1)
}
