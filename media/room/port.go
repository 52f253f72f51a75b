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
	Play    media.Source   // heard by this port only
	Filters []media.Filter // on what it says
	Taps    []media.Sink   // its unmixed voice: recorders, streams, recognizers
	Barge   *media.Gate    // opened, inside the tick, by this port's next digit
	Muted   bool           // it is not heard; its digits are
	Held    bool           // it neither hears nor is heard by the others

	// Deaf turns in-band detection off.
	Deaf bool
}
