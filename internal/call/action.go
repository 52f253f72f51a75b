package call

import (
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// An Action is something to be done: what Machine.Step answers and the call's
// goroutine carries out, in order. The set is sealed: the types of this file.
type Action interface{ action() }

// An Ask is an application's request that waits for its answer. The machine
// passes it on unread.
type Ask chan<- Answered

// Answered is the answer to an Ask: the fields that its command asks for, or
// Err.
type Answered struct {
	Properties   Properties
	Participants []event.Participant
	Recording    RecordingState
	Leg          leg.Leg // of a participant that departs
	Err          error
}

// Reply answers an Ask, once.
type Reply struct {
	Ask    Ask
	Answer Answered
}

// Publish tells applications what happened.
type Publish struct{ Event event.Event }

// DialLeg calls somebody; its end is the input LegArrived, and then the leg's
// own events.
type DialLeg struct {
	Leg     LegID
	Target  string
	From    leg.Party
	Headers Headers
}

// TakeLeg takes a participant out of another call; its end is LegArrived.
type TakeLeg struct {
	Leg         LegID
	From        string // callConnectionId of the other call
	Participant string
}

// GiveLeg takes a participant's leg out of the room, open as it is, and answers
// Ask with it.
type GiveLeg struct {
	Ask Ask
	Leg LegID
}

// TransferLeg asks a leg's far end to call somebody else; its end is
// LegHappened{leg.Transferred}.
type TransferLeg struct {
	Leg     LegID
	To      string
	Headers Headers
}

// SendDigits sends digits to a leg; its end is LegHappened{leg.DigitsSent}.
type SendDigits struct {
	Leg    LegID
	Digits string
}

// StopDigits gives up the digits that are being sent to a leg; what ends with it
// comes as LegHappened{leg.DigitsSent}, for each SendDigits.
type StopDigits struct{ Leg LegID }

// Adjust says whether a leg is heard, and whether it is on hold.
type Adjust struct {
	Leg         LegID
	Muted, Held bool
}

// AnswerLeg answers a ringing leg; its end is the input AnswerDone.
type AnswerLeg struct{ Leg LegID }

// HangupLeg ends a leg; its end is LegHappened{leg.Ended}.
type HangupLeg struct {
	Leg   LegID
	Cause leg.Cause
}

// Plug puts an answered leg into the room.
type Plug struct {
	Leg         LegID
	Participant string
}

// Unplug takes a leg out of the room and frees its sockets.
type Unplug struct{ Leg LegID }

// Load fetches an operation's prompts; its end is the input Loaded.
type Load struct {
	Op      uint64
	Prompts []Prompt
}

// StartPlay plays an operation's loaded prompts, to one leg or (0) to all; its
// end is the input PlayEnded. With Barge, the next digit of that leg ends it
// inside the tick.
type StartPlay struct {
	Op    uint64
	Leg   LegID
	Loop  bool
	Barge LegID
}

// Drop forgets an operation: its sound stops within a tick, and no PlayEnded
// comes of it any more.
type Drop struct{ Op uint64 }

// OpenStream connects a connection's media streaming.
type OpenStream struct {
	Connection string
	Streaming  Streaming
}

// CloseStream ends it; its end is StreamDown.
type CloseStream struct{ Connection string }

// StreamDigit tells a stream of a digit.
type StreamDigit struct {
	Connection  string
	Participant string
	Digit       byte
}

// OpenRecording starts a recording; its end is the input RecordingOpened.
type OpenRecording struct {
	Ask    Ask
	ID     string
	Record Record
}

// TurnRecording pauses, resumes or stops a recording; the end of a stop is the
// input RecordingClosed.
type TurnRecording struct {
	ID   string
	Verb RecordingVerb
}

// Finish closes the room and ends the call's goroutine. It is the last action.
type Finish struct{}

func (Reply) action()         {}
func (Publish) action()       {}
func (DialLeg) action()       {}
func (TakeLeg) action()       {}
func (GiveLeg) action()       {}
func (TransferLeg) action()   {}
func (SendDigits) action()    {}
func (StopDigits) action()    {}
func (Adjust) action()        {}
func (AnswerLeg) action()     {}
func (HangupLeg) action()     {}
func (Plug) action()          {}
func (Unplug) action()        {}
func (Load) action()          {}
func (StartPlay) action()     {}
func (Drop) action()          {}
func (OpenStream) action()    {}
func (CloseStream) action()   {}
func (StreamDigit) action()   {}
func (OpenRecording) action() {}
func (TurnRecording) action() {}
func (Finish) action()        {}
