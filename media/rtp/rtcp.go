package rtp

import (
	"encoding/binary"
	"net/netip"

	pionrtcp "github.com/pion/rtcp"
)

// Reports are sent every 5 s, more or less: the interval is spread by a half
// either way so that sessions do not fall into step, and divided by e − 3/2
// because that makes it shorter (RFC 3550 §6.3.1). The first comes after half
// of that. In ticks.
const (
	reportEvery = 5 * ticksPerSecond
	shortening  = 1.21828
	maxCNAME    = 64
)

// control is the RTCP side of an endpoint.
type control struct {
	random  uint64
	due     uint64         // the tick of the next report
	to      netip.AddrPort // where the far end's reports come from
	spoke   uint64         // packets sent by the last report
	first   bool
	farLost uint8  // what the far end says of ours: 1/256 lost …
	farJit  uint32 // … and jitter in units of the clock
	trip    int64  // to the far end and back, in ns; 0: not known
	heard   uint64 // reports that came
	leaving bool   // the far end has said BYE
}

// reports are read into these, again and again.
type reports struct {
	sender   pionrtcp.SenderReport
	receiver pionrtcp.ReceiverReport
}

func (c *control) start(seed uint32) {
	c.random, c.first = uint64(seed), true
	c.plan(0)
}

// plan chooses when the next report is sent.
func (c *control) plan(now uint64) {
	c.random += 0x9e3779b97f4a7c15 // splitmix64
	z := c.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	share := float64((z^z>>31)>>40)/(1<<24) + 0.5
	every := float64(reportEvery)
	if c.first {
		every /= 2
		c.first = false
	}
	c.due = now + max(uint64(every*share/shortening), 1)
}

// reportsTo is where reports go.
func (e *Endpoint) reportsTo() netip.AddrPort {
	to := e.source.to(e.now)
	switch {
	case e.rtcp == nil:
		return to
	case e.control.to.IsValid():
		return e.control.to
	case e.config.RemoteRTCP.IsValid() && to == e.config.Remote:
		return e.config.RemoteRTCP
	case to.IsValid():
		return netip.AddrPortFrom(to.Addr(), to.Port()+1)
	}
	return to
}

// sendReport sends a compound packet: a sender report, or a receiver report
// when nothing was sent of late; who we are; and BYE when bye is set.
func (e *Endpoint) sendReport(b *Batch, bye bool) {
	e.control.plan(e.now)
	to := e.reportsTo()
	if !reachable(to) {
		return
	}
	conn := e.config.Conn
	if e.rtcp != nil {
		conn = e.rtcp
	}
	now := conn.Now()
	out := e.appendReport(b.out[:0], now)
	out = appendName(out, e.config.SSRC, e.config.CNAME)
	if bye {
		out = append(out, 2<<6|1, byte(pionrtcp.TypeGoodbye), 0, 1)
		out = binary.BigEndian.AppendUint32(out, e.config.SSRC)
	}
	if err := conn.Send(to, out); err != nil {
		e.tally.drop(dropSend)
	}
}

// appendReport appends a sender or receiver report. It is written here and not
// by pion/rtcp, whose Marshal allocates.
func (e *Endpoint) appendReport(out []byte, now int64) []byte {
	blocks := byte(0)
	if e.reception.running {
		blocks = 1
	}
	start := len(out)
	if e.tally.packetsOut > e.control.spoke {
		out = append(out, 2<<6|blocks, byte(pionrtcp.TypeSenderReport), 0, 0)
		out = binary.BigEndian.AppendUint32(out, e.config.SSRC)
		out = binary.BigEndian.AppendUint64(out, ntp(now))
		out = binary.BigEndian.AppendUint32(out, e.stamp)
		out = binary.BigEndian.AppendUint32(out, uint32(e.tally.packetsOut))
		out = binary.BigEndian.AppendUint32(out, uint32(e.tally.bytesOut))
	} else {
		out = append(out, 2<<6|blocks, byte(pionrtcp.TypeReceiverReport), 0, 0)
		out = binary.BigEndian.AppendUint32(out, e.config.SSRC)
	}
	e.control.spoke = e.tally.packetsOut
	if blocks > 0 {
		r := e.reception.block(now)
		out = binary.BigEndian.AppendUint32(out, r.SSRC)
		out = binary.BigEndian.AppendUint32(out, uint32(r.FractionLost)<<24|r.TotalLost)
		out = binary.BigEndian.AppendUint32(out, r.LastSequenceNumber)
		out = binary.BigEndian.AppendUint32(out, r.Jitter)
		out = binary.BigEndian.AppendUint32(out, r.LastSenderReport)
		out = binary.BigEndian.AppendUint32(out, r.Delay)
	}
	setLength(out[start:])
	return out
}

// appendName appends the source description: the CNAME and nothing more.
func appendName(out []byte, ssrc uint32, name string) []byte {
	start := len(out)
	out = append(out, 2<<6|1, byte(pionrtcp.TypeSourceDescription), 0, 0)
	out = binary.BigEndian.AppendUint32(out, ssrc)
	out = append(out, byte(pionrtcp.SDESCNAME), byte(len(name)))
	out = append(append(out, name...), 0)
	for (len(out)-start)%4 != 0 {
		out = append(out, 0)
	}
	setLength(out[start:])
	return out
}

// setLength writes the length of an RTCP packet: in words, less one.
func setLength(p []byte) { binary.BigEndian.PutUint16(p[2:], uint16(len(p)/4-1)) }

// ntp turns nanoseconds since 1970 into an NTP timestamp (RFC 3550 §4).
func ntp(ns int64) uint64 {
	const second, since1900 = 1_000_000_000, 2_208_988_800
	return uint64(ns/second+since1900)<<32 | uint64(ns%second)<<32/second
}

// goodbye sends the last report.
func (e *Endpoint) goodbye() {
	if !e.writing && !e.reception.running {
		return // the far end has never heard of us
	}
	b := take(&e.place)
	e.sendReport(b, true)
	put(e.place, b)
}

// report takes one datagram of RTCP: a compound of a few packets. Only reports
// are read; of the rest only the length matters.
func (e *Endpoint) report(p *Packet, b *Batch) {
	data := p.Data
	switch {
	case p.Cut:
		e.tally.drop(dropOversized)
		return
	case !e.fromFarEnd(p.From):
		e.tally.drop(dropControlStranger)
		return
	}
	for len(data) > 0 {
		var h pionrtcp.Header
		if err := h.Unmarshal(data); err != nil {
			e.tally.drop(dropControlMalformed)
			return
		}
		size := (int(h.Length) + 1) * 4
		if size > len(data) {
			e.tally.drop(dropControlMalformed)
			return
		}
		if !e.part(h.Type, data[:size], p, b) {
			e.tally.drop(dropControlMalformed)
			return
		}
		data = data[size:]
	}
	e.life = e.now
	e.control.heard++
	if e.rtcp != nil {
		e.control.to = p.From
	}
}

// fromFarEnd reports whether an address is the far end's host.
func (e *Endpoint) fromFarEnd(from netip.AddrPort) bool {
	host := from.Addr()
	return host == e.source.to(e.now).Addr() || host == e.config.Remote.Addr() || host == e.config.RemoteRTCP.Addr()
}

// part takes one packet of a compound, and reports whether it is in order.
func (e *Endpoint) part(kind pionrtcp.PacketType, data []byte, p *Packet, b *Batch) bool {
	switch kind {
	case pionrtcp.TypeSenderReport:
		r := &b.reports.sender
		r.Reports = r.Reports[:0]
		if err := r.Unmarshal(data); err != nil {
			return false
		}
		if r.SSRC == e.reception.ssrc {
			e.reception.senderTime = uint32(r.NTPTime >> 16)
			e.reception.senderCame = p.Arrival
		}
		e.blocks(r.Reports, p.Arrival)
	case pionrtcp.TypeReceiverReport:
		r := &b.reports.receiver
		r.Reports = r.Reports[:0]
		if err := r.Unmarshal(data); err != nil {
			return false
		}
		e.blocks(r.Reports, p.Arrival)
	case pionrtcp.TypeGoodbye:
		e.control.leaving = true // how a call ends is for its signalling to say
	}
	return true
}

// blocks reads what the far end says of what we sent.
func (e *Endpoint) blocks(blocks []pionrtcp.ReceptionReport, arrival int64) {
	for _, r := range blocks {
		if r.SSRC != e.config.SSRC {
			continue
		}
		e.control.farLost, e.control.farJit = r.FractionLost, r.Jitter
		if r.LastSenderReport == 0 {
			continue
		}
		trip := uint32(ntp(arrival)>>16) - r.LastSenderReport - r.Delay
		if trip < 60<<16 { // a negative one wraps: clocks are not that exact
			e.control.trip = int64(trip) * 1_000_000_000 >> 16
		}
	}
}
