package room

import (
	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// A Peer is what a port leads to: a leg, a websocket, a test. Its Read is what
// the far end says, its Write what the far end hears. An error of either
// unplugs the port, and one notice says so.
type Peer interface {
	media.Source
	media.Sink
}

// A Keypad is a Peer that hears digits beside the sound (RFC 4733, SIP INFO).
// The room asks it in every tick, after Read, until it has no more; it never
// blocks.
type Keypad interface {
	NextDigit() (dtmf.Digit, bool)
}

// A Wideband is a Peer that knows which rate it carries. The room runs at the
// highest rate of its ports; a peer that does not say counts as 8 kHz.
type Wideband interface {
	Rate() media.Rate
}

// A Port is where a participant plugs into a room. Its fields may be changed
// between two ticks (Room.Do) only.
type Port struct {
	Peer    Peer
	Play    media.Source   // heard by this port only; nil again at its end
	Filters []media.Filter // on what it says
	Taps    []media.Sink   // its unmixed voice: recorders, streams, recognizers
	Barge   *media.Gate    // opened, inside the tick, by this port's next digit
	Muted   bool           // it is not heard; its digits are
	Held    bool           // it neither hears nor is heard by the others

	// Deaf turns in-band detection off.
	Deaf bool

	in     media.Frame // what it says in this tick
	spoke  bool        // in holds more than silence
	added  bool        // in is part of the sum
	failed error
	keypad Keypad   // Peer, if it is one
	wide   Wideband // Peer, if it is one
	queue  []dtmf.Digit
}

// plug makes the port ready for its first tick.
func (p *Port) plug() {
	p.keypad, _ = p.Peer.(Keypad)
	p.wide, _ = p.Peer.(Wideband)
	p.failed = nil
	if p.queue == nil {
		p.queue = make([]dtmf.Digit, 0, 16)
	}
}

// keys takes the digits that the peer knows of.
func (p *Port) keys() {
	if p.keypad == nil {
		return
	}
	for d, ok := p.keypad.NextDigit(); ok; d, ok = p.keypad.NextDigit() {
		p.queue = append(p.queue, d)
	}
}

// listen looks for digits in the sound.
func (p *Port) listen() {
	if p.Deaf {
		return
	}
}

// next gives a digit that is due.
func (p *Port) next() (dtmf.Digit, bool) {
	if len(p.queue) == 0 {
		return dtmf.Digit{}, false
	}
	d := p.queue[0]
	p.queue = p.queue[:copy(p.queue, p.queue[1:])]
	return d, true
}
