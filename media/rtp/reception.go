package rtp

import pionrtcp "github.com/pion/rtcp"

// A reception is what a receiver report says of the stream that comes in
// (RFC 3550 §6.4.1, A.1, A.3, A.8).
type reception struct {
	running  bool
	ssrc     uint32
	base     uint32 // the first sequence number
	highest  uint32 // the highest, with its turns of 16 bits above
	received uint32

	expectedThen, receivedThen uint32 // at the last report

	timedOnce bool
	stamp     uint32 // of the last packet of sound …
	arrival   int64  // … and when it came
	jitter    int64  // in sixteenths of a unit

	senderTime uint32 // the middle of the NTP time of the last sender report …
	senderCame int64  // … and when it came
}

// seen counts one packet.
func (r *reception) seen(ssrc uint32, seq uint16) {
	if !r.running {
		*r = reception{running: true, ssrc: ssrc, base: uint32(seq), highest: uint32(seq), received: 1}
		return
	}
	r.received++
	const restart = 3000 // RFC 3550's MAX_DROPOUT: farther ahead is another numbering
	switch ahead := seq - uint16(r.highest); {
	case ahead == 0:
	case ahead < restart:
		r.highest += uint32(ahead)
	case ahead < 0x10000-100:
		r.base, r.highest, r.received = uint32(seq), uint32(seq), 1
		r.expectedThen, r.receivedThen, r.timedOnce = 0, 0, false
	}
}

// timed estimates the jitter of arrivals from one packet of sound.
func (r *reception) timed(stamp uint32, arrival int64, clock int) {
	if r.timedOnce {
		const limit = 10_000_000_000 // 10 s
		passed := min(max(arrival-r.arrival, -limit), limit) * int64(clock) / 1_000_000_000
		d := passed - int64(int32(stamp-r.stamp))
		if d = max(d, -d); d < int64(clock) { // a jump of the timestamps is no jitter
			r.jitter += d - (r.jitter+8)>>4
		}
	}
	r.timedOnce, r.stamp, r.arrival = true, stamp, arrival
}

// lost is how many packets are missing; duplicates make it less.
func (r *reception) lost() int64 {
	if !r.running {
		return 0
	}
	return int64(r.highest-r.base+1) - int64(r.received)
}

// block is the report of what was received since the last one.
func (r *reception) block(now int64) pionrtcp.ReceptionReport {
	expected := r.highest - r.base + 1
	interval := expected - r.expectedThen
	missing := int64(interval) - int64(r.received-r.receivedThen)
	r.expectedThen, r.receivedThen = expected, r.received
	fraction := int64(0)
	if interval > 0 && missing > 0 {
		fraction = min(missing*256/int64(interval), 255)
	}
	b := pionrtcp.ReceptionReport{
		SSRC:               r.ssrc,
		FractionLost:       uint8(fraction),
		TotalLost:          uint32(min(max(r.lost(), -0x800000), 0x7fffff)) & 0xffffff,
		LastSequenceNumber: r.highest,
		Jitter:             uint32(r.jitter >> 4),
		LastSenderReport:   r.senderTime,
	}
	if r.senderTime != 0 {
		b.Delay = uint32(middle(now - r.senderCame))
	}
	return b
}

// middle turns nanoseconds into 1/65536 of a second.
func middle(ns int64) int64 {
	const second = 1_000_000_000
	return max(ns/second<<16+ns%second<<16/second, 0)
}
