package rtp

import (
	"net/netip"
	"testing"
)

// ListenNet opens a Conn the portable way, on every system.
func ListenNet(t *testing.T, addr string) Conn {
	t.Helper()
	c, err := listenNet(netip.MustParseAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
