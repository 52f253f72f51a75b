package sdp

import (
	"net/netip"
	"strings"
)

// Event is the format name of RFC 4733 telephone-events.
const Event = "telephone-event"

// A Format is one line of "a=rtpmap", with its "a=fmtp".
type Format struct {
	PayloadType uint8  // 0 … 127
	Name        string // encoding name: PCMU, telephone-event; case does not matter
	Clock       int    // RTP clock in hertz; 8000 for G.722 too (RFC 3551)
	Channels    int    // 0 and 1 mean one
	Fmtp        string // "0-16", "useinbandfec=1"; empty for none
}

// Same reports whether two formats are the same encoding, whatever their
// payload types.
func (f Format) Same(g Format) bool {
	return strings.EqualFold(f.Name, g.Name) && f.Clock == g.Clock && max(f.Channels, 1) == max(g.Channels, 1)
}

// IsEvent reports whether this is telephone-event.
func (f Format) IsEvent() bool { return strings.EqualFold(f.Name, Event) }

// A Direction says who sends. It is always seen from the side whose
// description it stands in.
type Direction uint8

// The directions of RFC 3264 §5.1.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// String is the attribute's name.
func (d Direction) String() string {
	return [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}[d&3]
}

// Sends reports whether this side sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether this side receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Mirror is the same stream seen from the other side.
func (d Direction) Mirror() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	}
	return d
}

// direction is the one of these two abilities.
func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// A Media is one m-line as its sender described it.
type Media struct {
	Kind    string // audio, video, image …
	Profile string // RTP/AVP, RTP/SAVP …
	// Addr is where the sender wants its RTP. Its address is the zero value
	// when the sender gave a host name, its port 0 when it refused the line.
	Addr netip.AddrPort
	// RTCP is where it wants its RTCP: a=rtcp, else the port above Addr's.
	RTCP      netip.AddrPort
	Mux       bool // a=rtcp-mux
	Direction Direction
	Formats   []Format // in order of preference; only those with a known name
	Ptime     int      // milliseconds a packet; 0 if not said
	MaxPtime  int

	fmts []string // the m-line's formats as written, to echo in a refusal
}

// carried reports whether this is a line that we can take.
func (m *Media) carried() bool {
	return m.Kind == "audio" && m.Addr.Port() != 0 && (m.Profile == "RTP/AVP" || m.Profile == "RTP/AVPF")
}

// static are the payload types that need no rtpmap (RFC 3551 §6), as far as
// telephones use them.
var static = map[uint8]Format{
	0:  {PayloadType: 0, Name: "PCMU", Clock: 8000},
	3:  {PayloadType: 3, Name: "GSM", Clock: 8000},
	4:  {PayloadType: 4, Name: "G723", Clock: 8000},
	8:  {PayloadType: 8, Name: "PCMA", Clock: 8000},
	9:  {PayloadType: 9, Name: "G722", Clock: 8000},
	10: {PayloadType: 10, Name: "L16", Clock: 44100, Channels: 2},
	11: {PayloadType: 11, Name: "L16", Clock: 44100},
	13: {PayloadType: 13, Name: "CN", Clock: 8000},
	15: {PayloadType: 15, Name: "G728", Clock: 8000},
	18: {PayloadType: 18, Name: "G729", Clock: 8000},
}
