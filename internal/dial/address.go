package dial

import (
	"fmt"
	"net/netip"

	"code.dny.dev/ssrf"
)

// A Refused error says that an address must not be reached.
type Refused struct {
	Addr   netip.Addr
	Reason string // one of the reasons of dial_refused_total: "loopback", "private", …
}

// Error names the address and the reason.
func (r *Refused) Error() string {
	return fmt.Sprintf("connections to %s are not allowed (%s address)", r.Addr, r.Reason)
}

// metadata are the addresses at which clouds tell a machine its secrets, as far
// as they are not link-local anyway.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // Amazon, IPv6
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("168.63.129.16"),   // Azure's host
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("fd20:ce::254"),    // Google, IPv6
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// special knows the registries of special-purpose addresses (RFC 6890).
var special = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAnyNetwork())

// Check says whether the address may be connected to: nil, or a *Refused.
func (d *Dialer) Check(addr netip.Addr) error {
	addr = addr.Unmap()
	if reason := never(addr); reason != "" {
		return &Refused{addr, reason}
	}
	plain := addr.WithZone("")
	for _, p := range d.AllowNet {
		if p.Contains(plain) {
			return nil
		}
	}
	switch {
	case plain.IsLoopback():
		return &Refused{addr, "loopback"}
	case plain.IsPrivate():
		return &Refused{addr, "private"}
	case special.SafeAddr(plain) != nil:
		return &Refused{addr, "special"}
	case d.NoPublic:
		return &Refused{addr, "public"}
	}
	return nil
}

// never is the reason why no configuration allows addr; empty for none. What
// an IPv6 address leads to by way of a translator or a tunnel counts as well.
func never(addr netip.Addr) string {
	if reason := neverItself(addr); reason != "" {
		return reason
	}
	for _, inner := range embedded(addr) {
		if reason := neverItself(inner); reason != "" && !inner.IsUnspecified() { // that is an empty place in the address
			return reason
		}
	}
	return ""
}

// embedded are the IPv4 addresses that an IPv6 address may stand for.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	for _, way := range []struct {
		prefix string
		inner  []netip.Addr
	}{
		{"64:ff9b::/96", []netip.Addr{last}},                                                      // NAT64, RFC 6052
		{"64:ff9b:1::/48", []netip.Addr{last, netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]})}}, // NAT64 of one's own, RFC 8215
		{"2002::/16", []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}},                             // 6to4, RFC 3056
		{"2001::/32", []netip.Addr{netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}},     // Teredo, RFC 4380
		{"::/96", []netip.Addr{last}},                                                             // IPv4-compatible, RFC 4291
	} {
		if netip.MustParsePrefix(way.prefix).Contains(addr.WithZone("")) {
			return way.inner
		}
	}
	return nil
}

func neverItself(addr netip.Addr) string {
	switch {
	case !addr.IsValid(), addr.IsUnspecified():
		return "unspecified"
	case addr.IsLinkLocalUnicast():
		return "link-local"
	case addr.IsMulticast(), addr == broadcast:
		return "multicast"
	}
	for _, m := range metadata {
		if addr.WithZone("") == m {
			return "metadata"
		}
	}
	return ""
}
