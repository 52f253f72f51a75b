package rtp

import (
	pionrtp "github.com/pion/rtp"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/jitter"
)

const (
	headerSize   = 12
	comfortNoise = 13  // RFC 3389: the far end is silent
	pausedAfter  = 10  // ticks of nothing after which it is a pause, not a loss
	quietPeak    = 400 // −38 dBFS
)

// poll takes what has come.
func (e *Endpoint) poll() {
	b := take(&e.place)
	packets, err := e.config.Conn.Receive(b)
	if err != nil {
		e.tally.drop(dropSocket)
	}
	for i := range packets {
		e.datagram(&packets[i], b)
	}
	// The socket for reports is looked at once a second, each endpoint's in
	// another tick.
	if e.rtcp != nil && (e.now+uint64(e.config.SSRC))%ticksPerSecond == 0 {
		packets, err = e.rtcp.Receive(b)
		if err != nil {
			e.tally.drop(dropSocket)
		}
		for i := range packets {
			e.report(&packets[i], b)
		}
	}
	put(e.place, b)
}

// datagram takes one datagram of the RTP socket.
func (e *Endpoint) datagram(p *Packet, b *Batch) {
	data := p.Data
	switch {
	case p.Cut:
		e.tally.drop(dropOversized)
		return
	case len(data) >= 2 && data[0]>>6 == 2 && data[1] >= 192 && data[1] <= 223: // RFC 5761 §4
		e.report(p, b)
		return
	case len(data) < headerSize:
		e.tally.drop(dropShort)
		return
	case data[0]>>6 != 2:
		e.tally.drop(dropVersion)
		return
	}
	h := &b.header
	n, err := h.Unmarshal(data)
	if err != nil {
		e.tally.drop(dropMalformed)
		return
	}
	payload := data[n:]
	if h.Padding {
		pad := int(data[len(data)-1])
		if pad == 0 || pad > len(payload) {
			e.tally.drop(dropMalformed)
			return
		}
		payload = payload[:len(payload)-pad]
	}
	e.packet(p, h, payload)
}

// packet takes one RTP packet.
func (e *Endpoint) packet(p *Packet, h *pionrtp.Header, payload []byte) {
	event := e.config.EventIn != 0 && h.PayloadType == e.config.EventIn
	if !event && h.PayloadType != e.config.PayloadIn && h.PayloadType != comfortNoise {
		e.tally.drop(dropPayloadType)
		return
	}
	ours, fresh, why := e.source.judge(p.From, h.SSRC, h.SequenceNumber, e.now)
	if !ours {
		e.tally.drop(why)
		return
	}
	if fresh {
		e.jitter.Reset()
		e.concealer.Reset()
		e.reception = reception{}
	}
	e.life = e.now
	e.tally.packetsIn++
	e.tally.bytesIn += uint64(len(payload))
	e.reception.seen(h.SSRC, h.SequenceNumber)
	switch {
	case !e.config.Direction.receives():
		e.tally.drop(dropDirection)
	case event:
		e.jitter.Beside(h.SequenceNumber)
		if d, ok := e.events.Push(h.SSRC, h.Timestamp, h.Marker, payload, e.tick); ok && e.count < len(e.digits) {
			e.digits[(e.first+e.count)%len(e.digits)] = d
			e.count++
		}
	case h.PayloadType == comfortNoise, len(payload) == 0:
		e.jitter.Beside(h.SequenceNumber)
	default:
		e.reception.timed(h.Timestamp, p.Arrival, e.config.Codec.Clock)
		e.jitter.Push(h.SequenceNumber, h.Timestamp, payload, p.Arrival)
	}
}

// play takes one period out of the jitter buffer into f and says how many
// samples it has.
func (e *Endpoint) play(f *media.Frame) int {
	pieces := e.jitter.Pop(e.quiet)
	if len(pieces) == 1 && pieces[0].State == jitter.Idle {
		e.dry = pausedAfter
		return 0
	}
	rate := e.config.Codec.Rate
	pcm := e.pcm
	if f.Rate == rate {
		pcm = f.PCM()
	}
	n := 0
	for _, p := range pieces {
		m := min(p.Units*int(rate)/e.config.Codec.Clock, len(pcm)-n)
		if e.sound(p, pcm[n:n+m]) {
			f.Lost = true
		}
		n += m
	}
	clear(pcm[n:])
	if f.Lost {
		e.tally.concealed++
	}
	e.quiet = e.jitter.Restless() && quiet(pcm)
	if f.Rate == rate {
		return len(pcm)
	}
	return e.upward.convert(f.PCM(), f.Rate, pcm, rate)
}

// sound fills pcm with one piece, and reports whether it was made up.
func (e *Endpoint) sound(p jitter.Piece, pcm []int16) (madeUp bool) {
	if p.Cut {
		e.concealer.Cut()
	}
	switch p.State {
	case jitter.Heard:
		e.dry = 0
		n, err := e.decoder.Decode(pcm, p.Payload)
		if err != nil {
			e.tally.drop(dropUndecodable)
			e.concealer.Conceal(pcm)
			return true
		}
		clear(pcm[n:])
		e.concealer.Heard(pcm)
		return false
	case jitter.Starved:
		if e.dry++; e.dry > pausedAfter {
			clear(pcm)
			return false
		}
		e.concealer.Conceal(pcm)
		return true
	case jitter.Lost:
		e.concealer.Conceal(pcm)
		return true
	}
	// The far end is silent on purpose: what it said before fades into silence.
	if e.dry++; e.dry == 1 {
		e.concealer.Cut()
	}
	clear(pcm)
	e.concealer.Heard(pcm)
	return false
}

// quiet reports whether a period has nothing in it that would be missed.
func quiet(pcm []int16) bool {
	for _, v := range pcm {
		if v > quietPeak || v < -quietPeak {
			return false
		}
	}
	return true
}
