package call

import (
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// A LegID numbers the legs of one call, from 1.
type LegID int

// An Input is something that happened to a call: what Machine.Step is told.
// The set is sealed: the types of this file.
type Input interface{ input() }

// A Request is a command of an application for one connection. Its answer is
// the action Reply with the same Ask.
type Request struct {
	Ask        Ask
	Connection string
	Command    Command
}

// Rang: leg rings at our door.
type Rang struct {
	Leg   LegID
	Call  leg.Call
	Token string // answers it
}

// AnswerRequest: an application answers the ringing call; connection will be
// its callConnectionId.
type AnswerRequest struct {
	Ask        Ask
	Connection string
	Answer     Answer
}

// CreateRequest: an application begins this call. It is the first input of a
// call that did not ring at our door.
type CreateRequest struct {
	Ask        Ask
	Connection string
	Create     Create
}

// ConnectRequest: an application adds a connection to this call.
type ConnectRequest struct {
	Ask        Ask
	Connection string
	Connect    Connect
}

// RedirectRequest: an application hands the ringing call over to others.
type RedirectRequest struct {
	Ask      Ask
	Redirect Redirect
}

// DepartRequest: another call takes a participant of this one.
type DepartRequest struct {
	Ask         Ask
	Participant string
}

// WalkIn: somebody enters an open call, a group or a room, without being asked.
// The machine leaves Handle unread.
type WalkIn struct {
	Leg    LegID
	Handle leg.Incoming
	Who    leg.Party
}

// LegArrived: a leg that was dialled, or taken from another call, is there, or
// could not be had. The machine leaves Leg's Handle unread.
type LegArrived struct {
	Leg    LegID
	Handle leg.Leg
	Err    error
}

// RejectRequest: an application refuses the ringing call.
type RejectRequest struct {
	Ask   Ask
	Cause leg.Cause
}

// AnswerDone: the leg has been answered and confirmed, or could not be.
type AnswerDone struct {
	Leg LegID
	Err error
}

// LegHappened: an event of a leg.
type LegHappened struct {
	Leg   LegID
	Event leg.Event
}

// PortFailed: the room has unplugged a leg whose sound broke.
type PortFailed struct {
	Leg LegID
	Err error
}

// Loaded: the first sound of an operation's prompts is there, or source number
// Index could not be had.
type Loaded struct {
	Op    uint64
	Index int
	Err   error
}

// PlayEnded: an operation's sound came to its end. Err says of what it broke,
// at source number Index.
type PlayEnded struct {
	Op    uint64
	Index int
	Err   error
}

// Pressed: a participant pressed a digit.
type Pressed struct {
	Leg   LegID
	Digit byte
}

// StreamUp: a connection's media streaming has reached its websocket.
type StreamUp struct{ Connection string }

// StreamDown: it is over. A nil Err says that we ended it.
type StreamDown struct {
	Connection string
	Err        error
}

// RecordRequest: an application starts a recording of this call.
type RecordRequest struct {
	Ask    Ask
	ID     string // of the new recording
	Record Record
}

// RecordingOpened: a recording runs, or could not be started.
type RecordingOpened struct {
	Ask Ask
	ID  string
	Err error
}

// RecordingClosed: a recording's files are complete.
type RecordingClosed struct {
	ID   string
	File event.RecordingFileReady
}

// RecordingBroke: a recording has ended by itself: the disk was full.
type RecordingBroke struct{ ID string }

// RecordingRequest: an application asks something of a recording.
type RecordingRequest struct {
	Ask  Ask
	ID   string
	Verb RecordingVerb
}

// A RecordingVerb is what can be asked of a recording.
type RecordingVerb uint8

// The verbs.
const (
	DescribeRecording RecordingVerb = iota
	PauseRecording
	ResumeRecording
	StopRecording
)

// Due: the time of Machine.Deadline has come.
type Due struct{}

// Shutdown: this server is going away.
type Shutdown struct{}

// Restarted: the process that had this call was killed, and this machine has
// been restored from its memo. Legs, room and sockets are gone.
type Restarted struct {
	// Files are the files of recordings, by recording. One that is neither here
	// nor in Unfinished has left nothing on disk.
	Files map[string]event.RecordingFileReady
	// Unfinished are the recordings whose files cannot be completed now: they are
	// told after another restart.
	Unfinished map[string]bool
}

func (Request) input()          {}
func (Rang) input()             {}
func (AnswerRequest) input()    {}
func (RejectRequest) input()    {}
func (CreateRequest) input()    {}
func (ConnectRequest) input()   {}
func (RedirectRequest) input()  {}
func (DepartRequest) input()    {}
func (WalkIn) input()           {}
func (LegArrived) input()       {}
func (AnswerDone) input()       {}
func (LegHappened) input()      {}
func (PortFailed) input()       {}
func (Loaded) input()           {}
func (PlayEnded) input()        {}
func (Pressed) input()          {}
func (StreamUp) input()         {}
func (StreamDown) input()       {}
func (RecordRequest) input()    {}
func (RecordingRequest) input() {}
func (RecordingOpened) input()  {}
func (RecordingClosed) input()  {}
func (RecordingBroke) input()   {}
func (Due) input()              {}
func (Shutdown) input()         {}
func (Restarted) input()        {}
