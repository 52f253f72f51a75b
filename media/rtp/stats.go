package rtp

import (
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// A reason is why something was dropped.
type reason uint8

const (
	_ reason = iota
	dropShort
	dropVersion
	dropMalformed
	dropOversized
	dropPayloadType
	dropStranger
	dropLearning
	dropDirection
	dropUndecodable
	dropSocket
	dropSend
	dropKernel
	dropLate
	dropDuplicate
	dropAstray
	dropOverflow
	dropControlMalformed
	dropControlStranger
	reasonCount
)

var reasonNames = [reasonCount]string{
	dropShort:            "too short",
	dropVersion:          "not RTP version 2",
	dropMalformed:        "malformed header",
	dropOversized:        "too long",
	dropPayloadType:      "unknown payload type",
	dropStranger:         "stranger",
	dropLearning:         "source not yet known",
	dropDirection:        "not to be received",
	dropUndecodable:      "undecodable payload",
	dropSocket:           "socket error on receiving",
	dropSend:             "socket error on sending",
	dropKernel:           "socket buffer full",
	dropLate:             "too late",
	dropDuplicate:        "duplicate",
	dropAstray:           "far from the others",
	dropOverflow:         "jitter buffer full",
	dropControlMalformed: "malformed RTCP",
	dropControlStranger:  "RTCP from a stranger",
}

// Stats is what an Endpoint has counted since it was made.
type Stats struct {
	PacketsIn, BytesIn   uint64 // accepted; bytes of payload
	PacketsOut, BytesOut uint64
	Lost                 int64  // packets missing by their sequence numbers
	Concealed            uint64 // periods with something made up
	ReportsIn            uint64 // RTCP

	Jitter    time.Duration // of arrivals, RFC 3550 §6.4.1
	Depth     time.Duration // how long the jitter buffer holds an undelayed packet
	RoundTrip time.Duration // 0: not known

	FarLost   float64       // share of our packets that the far end says it lost of late
	FarJitter time.Duration // as the far end sees it

	Far   string            // where the far end is, "192.0.2.7:4000"; empty: not yet heard
	Drops map[string]uint64 // what was dropped, by reason
}

// Stats is a snapshot. Call it between two ticks.
func (e *Endpoint) Stats() Stats {
	e.tally.gather(e)
	clock := time.Duration(e.config.Codec.Clock)
	s := Stats{
		PacketsIn: e.tally.packetsIn, BytesIn: e.tally.bytesIn,
		PacketsOut: e.tally.packetsOut, BytesOut: e.tally.bytesOut,
		Lost: e.reception.lost(), Concealed: e.tally.concealed, ReportsIn: e.control.heard,
		Jitter:    time.Duration(e.reception.jitter>>4) * time.Second / clock,
		Depth:     time.Duration(e.jitter.Stats().Depth) * time.Second / clock,
		RoundTrip: time.Duration(e.control.trip),
		FarLost:   float64(e.control.farLost) / 256,
		FarJitter: time.Duration(e.control.farJit) * time.Second / clock,
		Drops:     map[string]uint64{},
	}
	if e.source.locked {
		s.Far = e.source.addr.String()
	}
	for why, n := range e.tally.drops {
		if n > 0 {
			s.Drops[reasonNames[why]] = n
		}
	}
	return s
}

// A tally counts for one endpoint, and once a second adds what is new to the
// counters that all share: those would be a place where all workers meet.
type tally struct {
	packetsIn, bytesIn   uint64
	packetsOut, bytesOut uint64
	concealed            uint64
	drops                [reasonCount]uint64

	shared *shared
	told   struct {
		packetsIn, packetsOut, concealed uint64
		drops                            [reasonCount]uint64
	}
}

type shared struct {
	packetsIn, packetsOut, concealed *metric.Counter
	drops                            [reasonCount]*metric.Counter
}

func (t *tally) start(set *metric.Set) {
	if set == nil {
		return
	}
	s := &shared{
		packetsIn:  set.Counter("rtp_packets_total", "way", "in", "RTP packets accepted and sent"),
		packetsOut: set.Counter("rtp_packets_total", "way", "out", "RTP packets accepted and sent"),
		concealed:  set.Counter("rtp_concealed_total", "", "", "Periods of 20 ms with sound that was made up"),
	}
	for why := dropShort; why < reasonCount; why++ {
		s.drops[why] = set.Counter("rtp_dropped_total", "reason", reasonNames[why], "Packets dropped")
	}
	t.shared = s
}

func (t *tally) drop(why reason) { t.drops[why]++ }

// gather takes over what others count.
func (t *tally) gather(e *Endpoint) {
	if e.closed {
		return
	}
	j := e.jitter.Stats()
	t.drops[dropLate], t.drops[dropDuplicate] = j.Late, j.Duplicates
	t.drops[dropAstray], t.drops[dropOverflow] = j.Astray, j.Overflow
	t.drops[dropKernel] = e.config.Conn.Dropped()
	if e.rtcp != nil {
		t.drops[dropKernel] += e.rtcp.Dropped()
	}
}

// flush adds what is new to the shared counters.
func (t *tally) flush(e *Endpoint) {
	if t.shared == nil {
		return
	}
	t.gather(e)
	tell := func(c *metric.Counter, now uint64, told *uint64) {
		if now > *told { // less after a change of codec: the jitter buffer is new
			c.Add(now - *told)
		}
		*told = now
	}
	tell(t.shared.packetsIn, t.packetsIn, &t.told.packetsIn)
	tell(t.shared.packetsOut, t.packetsOut, &t.told.packetsOut)
	tell(t.shared.concealed, t.concealed, &t.told.concealed)
	for why := range t.drops {
		tell(t.shared.drops[why], t.drops[why], &t.told.drops[why])
	}
}
