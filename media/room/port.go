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
// blocks. A digit's Tick is on the axis of the frames that are read.
type Keypad interface {
	NextDigit() (dtmf.Digit, bool)
}

// A Holder is a Keypad that knows which key is being held down now. Then the
// sound of a long press is not mistaken for a second one.
type Holder interface {
	HeldDigit() (symbol byte, ok bool)
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
	ear    dtmf.Detector // hears digits in the sound
	merger dtmf.Merger   // an event and its own sound are one digit
}

// plug makes the port ready for its first tick, on a new time axis.
func (p *Port) plug() {
	if p.Peer == nil {
		panic("room: a port needs a peer")
	}
	p.failed = nil
	p.ear, p.merger = dtmf.Detector{}, dtmf.Merger{}
}

// rate is what the port's peer carries.
func (p *Port) rate() media.Rate {
	if wide, ok := p.Peer.(Wideband); ok {
		if r := wide.Rate(); r.Valid() {
			return r
		}
	}
	return media.Rate8k
}
