//go:build !linux

package rtp

import "net/netip"

// Listen opens a UDP socket at addr. Port 0 is any free port.
func Listen(addr netip.AddrPort) (Conn, error) { return listenNet(addr) }

type rawBatch struct{}

func (rawBatch) init(*Batch) {}
