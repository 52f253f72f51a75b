// Package leg says what a network leg is: the way one participant's sound comes
// in and goes out, whatever network carries it.
//
// # What it does
//
// A [Leg] is a voice and an ear (media.Source, media.Sink) with a short list of
// things that happen to it ([Event]) and one way to end it (Hangup). SIP and
// WebRTC make legs; package call plugs them into a room and knows nothing of
// the network behind.
//
// # How it works
//
// Read and Write run inside the tick and never block. Events come from the
// leg's own goroutine on a channel that is closed after Ended. Digits do not
// come as events: the room hears them with the sound (see room.Keypad).
//
// # How to use it
//
// Implement Leg (package leg/legtest has one in memory), and [Incoming] for a
// leg that rings at our door.
package leg

import (
	"context"
	"io"

	"github.com/tipring/tipring/media"
)

// A Leg is one participant's connection to the network.
type Leg interface {
	// Read is what the far end says, at the rate asked for. An error says that
	// the sound is gone for good (a media timeout, say).
	media.Source
	// Write is what the far end hears.
	media.Sink

	// Party is who is at the far end.
	Party() Party
	// Rate is the rate of the negotiated codec, valid once answered.
	Rate() media.Rate
	// Events gives what happens to the leg, in order. It is buffered for all
	// that can happen, and closed after Ended.
	Events() <-chan Event
	// SendDigits queues digits (0-9 * # A-D) into the outgoing sound. Its end
	// is the event DigitsSent. Call it from between two ticks.
	SendDigits(digits string)
	// StopDigits gives up the digits that are queued; a DigitsSent with an
	// error comes for each SendDigits. Call it from between two ticks.
	StopDigits()
	// Hangup ends the leg, in whatever state it is, and returns when the far
	// end knows or ctx is done. A second call does nothing.
	Hangup(ctx context.Context, cause Cause) error
	// Close frees the leg's sockets. Call it from between two ticks, after the
	// leg was unplugged from its room: a descriptor closed under a reader would
	// let it hear another caller.
	io.Closer
}

// Incoming is a leg that rings at our door. Answer or Hangup settles it; until
// then it has no sound.
type Incoming interface {
	Leg
	// Call is what the far end asked for.
	Call() Call
	// Answer accepts the call and returns when the far end has confirmed.
	Answer(ctx context.Context) error
}

// A Transferrer is a Leg whose far end can be asked to call somebody else
// instead of us (SIP: REFER).
type Transferrer interface {
	// Transfer asks it, and returns when the request was taken or refused. How
	// it went on is the event Transferred. to names the new party as Party.ID
	// does; headers are custom headers for its INVITE.
	Transfer(ctx context.Context, to string, headers map[string]string) error
}

// A Party is one end of a call.
type Party struct {
	// ID names the party as everything above does: "4:+15550100" a telephone
	// number, "8:acs:alice" a user, a browser or a phone registered by name.
	ID string
	// Display is the name the party gave itself; may be empty.
	Display string
}

// A Call is what an INVITE (or its like) says.
type Call struct {
	From, To Party
	// CorrelationID is the same for all that belongs to this call, in logs
	// and events.
	CorrelationID string
	// Headers are the custom headers that travel with a call: User-To-User and
	// those that begin with X-, by their name as received.
	Headers map[string]string
}

// An Event is something that happened to a leg. The set is sealed: Ringing,
// Answered, DigitsSent, Held, Transferred, Ended.
type Event interface{ event() }

// Ringing: an outgoing leg's far end is being alerted.
type Ringing struct{}

// Answered: sound flows from now on.
type Answered struct{}

// DigitsSent: the digits of one SendDigits have been sent; Err says why not.
type DigitsSent struct{ Err error }

// Held: the far end put us on hold (On) or took us back.
type Held struct{ On bool }

// Transferred: the far end has reached its new party (OK), or has not.
type Transferred struct {
	OK    bool
	Cause Cause // why not
}

// Ended: the leg is over. It is the last event.
type Ended struct {
	Cause Cause
	// ByFarEnd says who ended it.
	ByFarEnd bool
}

func (Ringing) event()     {}
func (Answered) event()    {}
func (DigitsSent) event()  {}
func (Held) event()        {}
func (Transferred) event() {}
func (Ended) event()       {}

// A Cause says why a leg ended, or is to be ended.
type Cause uint8

// The causes. What a network makes of them is its own matter (SIP: a status
// code before the answer, a Reason header after it).
const (
	Normal       Cause = iota // hung up
	Canceled                  // the caller gave up before the answer (SIP 487)
	Declined                  // nobody wants the call (603)
	Busy                      // (486)
	Forbidden                 // (403)
	NoAnswer                  // nobody settled it in time (480)
	Unreachable               // no such party, or no way to it (404)
	NoCodec                   // the offers have nothing in common (488)
	Overload                  // no port or no room left (503)
	MediaTimeout              // no sound for too long
	Shutdown                  // this server is going away (503, or BYE)
	Failed                    // anything else
)

var causeNames = [...]string{
	"normal", "canceled", "declined", "busy", "forbidden", "no answer", "unreachable",
	"no codec", "overload", "media timeout", "shutdown", "failed",
}

// String is the cause in words.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown cause"
}
