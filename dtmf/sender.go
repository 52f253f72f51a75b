package dtmf

import (
	"fmt"
	"strings"
)

// Lengths of what a Sender makes, in ticks of 20 ms.
const (
	commaTicks = 50 // a comma waits a second
	sendOn     = 5  // a digit lasts 100 ms …
	sendOff    = 5  // … and so does the pause after it
	endPackets = 3  // the end packet is sent three times (RFC 4733 §2.5.1.4)
)

// A Sender makes the RFC 4733 packets of a string of digits, one tick after
// another. Its zero value is ready for a clock of 8000 Hz. It knows nothing of
// RTP: who sends adds the header.
type Sender struct {
	// Clock is the RTP clock rate of the payload type. Zero is 8000.
	Clock int
	// On and Off are the lengths of a digit and of the pause after it, in
	// ticks of 20 ms. Zero is 5, 100 ms. Off is at least 3, for the end packets.
	On, Off int
	// Volume is the level announced, in dBm0 below zero: 0 … 63. Zero is 10.
	Volume byte

	queue []byte // symbols and commas; 0 ends what one Queue call gave
	wait  int    // ticks of pause that remain
	event byte   // code of the digit being sent
	at    int    // ticks since that digit began …
	from  int    // … and when its present segment did
	keyed bool   // a digit, or its end, is being sent
}

// An EventPacket is one telephone-event packet to be sent now.
type EventPacket struct {
	Payload [4]byte
	Marker  bool // the first packet of a digit
	End     bool // the end bit is set: one of the last three packets
	// Back is how far the event's timestamp lies behind the timestamp of the
	// present tick, in clock units.
	Back uint32
}

// A Sending says what a tick sends.
type Sending struct {
	Packet EventPacket
	Send   bool // Packet is to be sent
	Tone   bool // a key is down: the packet takes the place of the sound
	Done   bool // the digits of one Queue call are all sent, and the pause is over
}

// Queue appends digits: 0-9 * # A-D in upper or lower case, and commas, each of
// which waits a second. It refuses the whole string when it holds anything
// else.
func (s *Sender) Queue(digits string) error {
	for i := range len(digits) {
		if _, ok := symbol(digits[i]); !ok && digits[i] != ',' {
			return fmt.Errorf("queue digits: %q is none", digits[i])
		}
	}
	s.queue = append(append(s.queue, digits...), 0)
	return nil
}

// Busy reports whether something is still to be sent.
func (s *Sender) Busy() bool { return s.keyed || s.wait > 0 || len(s.queue) > 0 }

// Clear drops what is queued. A digit that has begun is sent to its end.
func (s *Sender) Clear() { s.queue = s.queue[:0] }

// Tick goes one tick on and says what is to be sent in it. It allocates
// nothing.
func (s *Sender) Tick() Sending {
	if !s.keyed {
		if s.wait > 0 {
			s.wait--
			return Sending{}
		}
		if len(s.queue) == 0 {
			return Sending{}
		}
		next := s.queue[0]
		s.queue = append(s.queue[:0], s.queue[1:]...)
		switch next {
		case 0:
			return Sending{Done: true}
		case ',':
			s.wait = commaTicks - 1
			return Sending{}
		}
		code, _ := symbol(next)
		s.event, s.keyed, s.at, s.from = code, true, 0, 0
	}
	return s.key()
}

// key is one tick of a digit: at = 0 … on-1 while the key is down, the last of
// them with the end bit, and two more end packets in the pause.
func (s *Sender) key() Sending {
	units, on := s.units(), max(s.On, 0)
	if on == 0 {
		on = sendOn
	}
	if (s.at-s.from+1)*units > maxDuration && s.at < on {
		s.from = s.at // the next segment of a long digit
	}
	lasted := (min(s.at+1, on) - s.from) * units
	p := EventPacket{
		Payload: [4]byte{s.event, s.volume(), byte(lasted >> 8), byte(lasted)},
		Marker:  s.at == 0,
		End:     s.at >= on-1,
		Back:    uint32((s.at - s.from) * units),
	}
	if p.End {
		p.Payload[1] |= endBit
	}
	sending := Sending{Packet: p, Send: true, Tone: s.at < on}
	s.at++
	if s.at == on-1+endPackets {
		s.keyed, s.wait = false, s.off()-(endPackets-1)
	}
	return sending
}

func (s *Sender) units() int {
	if s.Clock < 50 {
		return 8000 / 50
	}
	return s.Clock / 50
}

func (s *Sender) off() int {
	if s.Off <= 0 {
		return sendOff
	}
	return max(s.Off, endPackets)
}

func (s *Sender) volume() byte {
	if s.Volume == 0 {
		return 10
	}
	return min(s.Volume, 63)
}

// symbol gives the event code of a symbol of either case.
func symbol(c byte) (code byte, ok bool) {
	if 'a' <= c && c <= 'd' {
		c -= 'a' - 'A'
	}
	i := strings.IndexByte(Symbols, c)
	return byte(max(i, 0)), i >= 0
}
