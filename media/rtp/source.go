package rtp

import "net/netip"

// When the far end is believed to be somewhere.
const (
	relearn   = 50   // ticks of silence after which it may have moved: 1 s
	window    = 250  // ticks after a re-INVITE in which it may move: 5 s
	maxAhead  = 3000 // sequence numbers that it may have gone on by
	learnFrom = 3    // packets in a row, of somebody unknown
	learnNew  = 2    // packets in a row, of a new stream from the known place
	runsOn    = 10   // sequence numbers from one packet in a row to the next, at most
)

// A source is where the far end's packets come from.
type source struct {
	named  netip.AddrPort // in the SDP
	locked bool
	addr   netip.AddrPort // where it is …
	ssrc   uint32         // … and what it sends
	seq    uint16
	heard  uint64 // when it last sent something

	open  uint64 // until when it may move, after a re-INVITE
	moved bool   // the re-INVITE named another address

	strangers [4]stranger
	next      int
}

// A stranger is somebody who may turn out to be the far end.
type stranger struct {
	addr netip.AddrPort
	ssrc uint32
	seq  uint16
	runs int // packets in a row
}

// name says which address the SDP gives, now.
func (s *source) name(addr netip.AddrPort, now uint64) {
	s.moved = s.named.IsValid() && addr != s.named
	s.named, s.open = addr, now+window
	s.strangers = [4]stranger{}
}

// to is where the far end is sent to: where it was heard, or, before that and
// after it said that it moved, where it says it is.
func (s *source) to(now uint64) netip.AddrPort {
	if s.locked && !(s.moved && now < s.open) {
		return s.addr
	}
	return s.named
}

// judge decides about one good packet: whether it is the far end's, and if so,
// whether it begins another stream. why says why not.
func (s *source) judge(from netip.AddrPort, ssrc uint32, seq uint16, now uint64) (ours, fresh bool, why reason) {
	switch {
	case s.locked && from == s.addr && ssrc == s.ssrc:
		s.seq, s.heard = seq, now
		return true, false, 0
	case s.locked && from == s.addr:
		return s.learn(from, ssrc, seq, now, learnNew)
	case s.locked && now-s.heard < relearn && now >= s.open:
		return false, false, dropStranger
	case from == s.named:
		return true, s.lock(from, ssrc, seq, now), 0
	case s.locked && s.goesOn(ssrc, seq):
		return true, s.lock(from, ssrc, seq, now), 0
	case s.locked && !(s.moved && now < s.open):
		return false, false, dropStranger
	}
	return s.learn(from, ssrc, seq, now, learnFrom)
}

// goesOn reports whether a packet continues the stream we know.
func (s *source) goesOn(ssrc uint32, seq uint16) bool {
	ahead := seq - s.seq
	return ssrc == s.ssrc && ahead > 0 && ahead <= maxAhead
}

// lock takes a place and a stream for the far end's. It reports whether the
// stream is another one than before.
func (s *source) lock(from netip.AddrPort, ssrc uint32, seq uint16, now uint64) (fresh bool) {
	fresh = !s.locked || !s.goesOn(ssrc, seq)
	if from != s.addr {
		s.open, s.moved = 0, false
	}
	s.locked, s.addr, s.ssrc, s.seq, s.heard = true, from, ssrc, seq, now
	s.strangers = [4]stranger{}
	return fresh
}

// learn counts the packets in a row that somebody sends, and believes them when
// there are enough.
func (s *source) learn(from netip.AddrPort, ssrc uint32, seq uint16, now uint64, enough int) (ours, fresh bool, why reason) {
	for i := range s.strangers {
		c := &s.strangers[i]
		if c.runs == 0 || c.addr != from || c.ssrc != ssrc {
			continue
		}
		if step := seq - c.seq; step == 0 || step > runsOn {
			c.runs = 0
		}
		c.seq = seq
		if c.runs++; c.runs >= enough {
			return true, s.lock(from, ssrc, seq, now), 0
		}
		return false, false, dropLearning
	}
	s.strangers[s.next] = stranger{addr: from, ssrc: ssrc, seq: seq, runs: 1}
	s.next = (s.next + 1) % len(s.strangers)
	return false, false, dropLearning
}
