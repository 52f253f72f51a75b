// Package rtp carries sound over the network: packets (RFC 3550, RFC 3551),
// their reports (RTCP), and digits beside the sound (RFC 4733).
//
// # What it does
//
// An [Endpoint] is one end of one RTP session, and plugs into a room's port:
// Read gives what the far end says, Write sends what it is to hear, NextDigit
// gives the keys it pressed. Under it lies a [Conn], a UDP socket that is read
// without waiting; [Ports] hands out pairs of them; [Pipe] is one in memory.
//
// # How it works
//
// Everything happens in the tick, and nothing waits. Read empties the socket,
// at most eight packets a tick, with one system call. Each packet is checked
// (is it RTP, is its payload type one we know, does it come from the far end),
// and goes to the jitter buffer with the arrival time that the kernel stamped
// on it, or to the receiver of digits. One period is taken out, decoded, and
// where it is missing, concealed. Write encodes, adds the header and sends.
//
// There is no clock, no goroutine and no timer. Time is the arrival stamps and
// the count of ticks; when the room's ticks skip, so do the timestamps sent.
// Only a report asks the Conn what its clock says.
//
// The far end is whoever sends, for a phone behind NAT does not know its own
// address. Its address is learnt from the first good packets and locked. It is
// learnt again after a second of silence, or when Update says so, and then only
// from packets that go on where the old ones ended (same SSRC, a sequence
// number soon after the last), or from the address in the SDP. Everything else
// is dropped, and counted with its reason.
//
// # How to use it
//
//	rtpConn, rtcpConn, err := ports.Open()
//	e, err := rtp.NewEndpoint(rtp.Config{
//		Conn: rtpConn, RTCP: rtcpConn, Codec: pcmu, Remote: addr, EventIn: 101, EventOut: 101,
//	})
//	port := &room.Port{Peer: e}
//
// All its verbs belong to the tick: call them from the room's goroutine or
// between two ticks. Close it after it was unplugged.
package rtp
