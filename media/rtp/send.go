package rtp

import (
	"net/netip"

	"github.com/tipring/tipring/media"
)

// Write sends what the far end is to hear: one packet. It drops what the system
// has no room for, and counts it.
func (e *Endpoint) Write(f *media.Frame) error {
	if e.closed {
		return ErrClosed
	}
	e.step(f.Tick)
	b := take(&e.place)
	if e.config.Direction.sends() {
		e.speak(f, b)
	} else {
		e.marker = true
	}
	if e.now >= e.control.due {
		e.sendReport(b, false)
	}
	put(e.place, b)
	return nil
}

// step moves the timestamp to the present tick. It goes on through skipped
// ticks, so that the far end plays what follows at its time.
func (e *Endpoint) step(tick uint64) {
	units := uint32(e.config.Codec.Clock / 50)
	step := tick - e.wrote
	switch {
	case !e.writing:
		step, e.writing, e.marker = 0, true, true
	case step == 0, step > maxSkip: // another room's ticks
		step = 1
	case step > 1:
		e.marker = true
	}
	e.wrote = tick
	e.stamp += uint32(step) * units
}

// speak sends one period: a digit if there is one to send, else sound.
func (e *Endpoint) speak(f *media.Frame, b *Batch) {
	rate := e.config.Codec.Rate
	pcm := f.PCM()
	switch what, event := e.keypad.press(rate); {
	case event.Send && e.config.EventOut != 0:
		n := copy(b.out[headerSize:], event.Packet.Payload[:])
		e.send(b, e.config.EventOut, event.Packet.Marker, e.stamp-event.Packet.Back, n)
		if what == keyDown {
			return
		}
		pcm = e.keypad.frame.PCM()
	case what == keyDown:
		return
	case what == keySound:
		pcm = e.keypad.frame.PCM()
	case f.Rate != rate:
		n := e.downward.convert(e.pcm, rate, pcm, f.Rate)
		clear(e.pcm[n:])
		pcm = e.pcm
	}
	n := e.encoder.Encode(b.out[headerSize:], pcm)
	e.send(b, e.config.PayloadOut, e.marker, e.stamp, n)
	e.marker = false
}

// send puts a header before the payload of n bytes in b.out, and sends both.
func (e *Endpoint) send(b *Batch, payloadType uint8, marker bool, stamp uint32, n int) {
	to := e.source.to(e.now)
	if !reachable(to) {
		return
	}
	h := &b.header
	h.Version, h.Padding, h.Extension, h.CSRC = 2, false, false, h.CSRC[:0]
	h.Marker, h.PayloadType = marker, payloadType
	h.SequenceNumber, h.Timestamp, h.SSRC = e.sequence, stamp, e.config.SSRC
	size, err := h.MarshalTo(b.out[:headerSize])
	if err == nil {
		err = e.config.Conn.Send(to, b.out[:size+n])
	}
	e.sequence++
	if err != nil {
		e.tally.drop(dropSend)
		return
	}
	e.tally.packetsOut++
	e.tally.bytesOut += uint64(n)
}

// reachable reports whether an address can be sent to: 0.0.0.0 in an SDP is an
// old way to say hold.
func reachable(to netip.AddrPort) bool {
	return to.IsValid() && to.Port() != 0 && !to.Addr().IsUnspecified()
}
