package event

import "time"

// A Participant is one party of a call as applications see it.
type Participant struct {
	ID     string // "4:+15550100", "8:acs:alice"
	Muted  bool
	OnHold bool
}

// IncomingCall: somebody calls, and waits for answer, reject or redirect. It
// goes to the Event Grid subscribers.
type IncomingCall struct {
	From, To    string
	DisplayName string
	// Token is the incomingCallContext that answers this call.
	Token   string
	Headers map[string]string // User-To-User and X- headers as received
}

// CallConnected: this connection's call is up.
type CallConnected struct{}

// CallDisconnected: this connection is over.
type CallDisconnected struct{ Reason EndReason }

// AnswerFailed: the call was answered but could not be established.
type AnswerFailed struct{ Reason EndReason }

// An EndReason says why a connection ended.
type EndReason uint8

// The ways a connection ends.
const (
	EndedByApp    EndReason = iota // hangUp or terminate
	EndedByCaller                  // the far end hung up
	EndedOther                     // the rest of the call went away
	EndedTimeout                   // the far end fell silent
	EndedShutdown                  // the server was stopped
	EndedFailed                    // it broke
	EndedLast                      // the last participant left
	EndedRestart                   // the server was killed, and has been started again
)

// ParticipantsUpdated is the list as it is now. Sequence rises from 1.
type ParticipantsUpdated struct {
	Participants []Participant
	Sequence     int
}

// PlayStarted: the first sound of a play is on its way.
type PlayStarted struct{}

// PlayCompleted: every source was played to its end.
type PlayCompleted struct{}

// PlayFailed: source number Index could not be played.
type PlayFailed struct {
	Cause PlayCause
	Index int // of the source that failed, from 0
}

// PlayCanceled: a cancel, an interrupt or the end of the call stopped it.
type PlayCanceled struct{}

// A PlayCause says why a prompt could not be played.
type PlayCause uint8

// The causes.
const (
	PlayBadFormat   PlayCause = iota // it is not audio we can read
	PlayUnreachable                  // it could not be downloaded
	PlayNoSpeech                     // no engine speaks text here
	PlayInternal
	PlayRestart // the server was killed, and has been started again
)

// RecognizeCompleted: the digits were collected, or a choice was made.
type RecognizeCompleted struct {
	Digits string // symbols of dtmf.Symbols
	Reason RecognizeReason
	Label  string // of the choice, with ChoiceByTone
}

// A RecognizeReason says what completed a collection.
type RecognizeReason uint8

// The reasons.
const (
	MaxDigits RecognizeReason = iota
	StopDigit
	ChoiceByTone
)

// RecognizeFailed: nothing, or not enough, was recognized.
type RecognizeFailed struct {
	Cause  RecognizeCause
	Digits string // those collected so far
	Index  int    // of the prompt that failed, with RecognizePromptFailed
	Play   PlayCause
}

// A RecognizeCause says why a collection failed.
type RecognizeCause uint8

// The causes.
const (
	RecognizeInitialSilence RecognizeCause = iota // nothing in time
	RecognizeInterDigit                           // too long between two digits
	RecognizePromptFailed                         // its prompt could not be played
	RecognizeWrongTone                            // a digit that is none of the choices
	RecognizeInternal
	RecognizeRestart // the server was killed, and has been started again
)

// RecognizeCanceled: a cancel, an interrupt or the end of the call stopped it.
type RecognizeCanceled struct{}

// ToneReceived: continuous recognition heard a digit.
type ToneReceived struct {
	Digit    byte
	Sequence int    // from 1, per recognition
	From     string // the participant who pressed it
}

// ToneStopped: continuous recognition was stopped.
type ToneStopped struct{}

// ToneFailed: continuous recognition could not go on.
type ToneFailed struct{}

// An InviteCause says why somebody did not join.
type InviteCause uint8

// The causes.
const (
	InviteDeclined InviteCause = iota
	InviteBusy
	InviteNoAnswer
	InviteUnreachable
	InviteCanceled // taken back, or the call ended first
	InviteFailed
	InviteRestart // the server was killed, and has been started again
)

// CreateCallFailed: nobody whom a new call rang has answered.
type CreateCallFailed struct{ Cause InviteCause }

// ConnectFailed: the call to connect to ended first.
type ConnectFailed struct{}

// AddSucceeded: an invited participant has joined.
type AddSucceeded struct{ Participant, Invitation string }

// AddFailed: an invited participant has not joined.
type AddFailed struct {
	Participant, Invitation string
	Cause                   InviteCause
}

// CancelAddSucceeded: an invitation was taken back.
type CancelAddSucceeded struct{ Invitation string }

// CancelAddFailed: it was too late to take it back.
type CancelAddFailed struct{ Invitation string }

// RemoveSucceeded: a participant was taken out.
type RemoveSucceeded struct{ Participant string }

// RemoveFailed: a participant could not be taken out.
type RemoveFailed struct{ Participant string }

// MoveSucceeded: a participant of another call is in this one. From is the
// connection of that call.
type MoveSucceeded struct{ Participant, From string }

// MoveFailed: a participant of another call could not be moved.
type MoveFailed struct {
	Participant, From string
	Restart           bool // the server was killed, and has been started again
}

// TransferAccepted: the transfer target has answered the transferred one.
type TransferAccepted struct{ Target, Transferee string }

// TransferFailed: the transfer did not happen.
type TransferFailed struct{ Cause InviteCause }

// HoldFailed: the hold music could not be played.
type HoldFailed struct{ Cause PlayCause }

// TonesSent: the digits have been sent.
type TonesSent struct{}

// TonesFailed: the digits could not be sent, or not all.
type TonesFailed struct {
	Canceled bool // by a cancel, or the end of the call
	Restart  bool // the server was killed, and has been started again
}

// CallStarted, for the Event Grid subscribers: a call is up.
type CallStarted struct {
	StartedBy string // participant id
	Group     string // groupCallId, if it has one
	Room      string // roomId
	TwoParty  bool
}

// CallEnded, for the Event Grid subscribers: a call is over.
type CallEnded struct {
	StartedBy string
	Group     string
	Room      string
	TwoParty  bool
	Duration  time.Duration
	EndedBy   string // participant id; empty: the application
	Reason    EndReason
}

// ParticipantAdded, for the Event Grid subscribers: somebody has joined.
type ParticipantAdded struct {
	Participant, StartedBy string
	Display                string
	Group, Room            string
	TwoParty               bool
}

// ParticipantRemoved, for the Event Grid subscribers: somebody has left.
type ParticipantRemoved struct {
	Participant, StartedBy string
	Display                string
	Group, Room            string
	TwoParty               bool
}

// RecordingStateChanged: a recording was started, paused, resumed or stopped.
type RecordingStateChanged struct {
	Recording string
	Active    bool
	Started   time.Time
}

// RecordingFileReady: a recording's files are complete. It goes to the Event
// Grid subscribers.
type RecordingFileReady struct {
	Recording string
	Started   time.Time
	Duration  time.Duration
	Channel   string // mixed, unmixed
	Format    string // wav, mp3
	EndReason string // SessionEnded, …
	Chunks    []RecordingChunk
}

// A RecordingChunk is one file of a recording.
type RecordingChunk struct {
	Document  string // names it in /v1/objects/…
	Index     int
	EndReason string // SessionEnded, ChunkMaximumTimeExceeded, …
}

// MediaStreamingStarted: the websocket is up and frames flow.
type MediaStreamingStarted struct{}

// MediaStreamingStopped: streaming was stopped, by the app or the call's end.
type MediaStreamingStopped struct{}

// MediaStreamingFailed: the websocket could not be reached, or broke.
type MediaStreamingFailed struct{ Cause StreamCause }

// A StreamCause says why streaming failed.
type StreamCause uint8

// The causes.
const (
	StreamUnreachable StreamCause = iota // the first connection failed
	StreamBroken                         // it was up and broke
	StreamRestart                        // the server was killed, and has been started again
)

func (IncomingCall) body()          {}
func (CallConnected) body()         {}
func (CallDisconnected) body()      {}
func (AnswerFailed) body()          {}
func (ParticipantsUpdated) body()   {}
func (PlayStarted) body()           {}
func (PlayCompleted) body()         {}
func (PlayFailed) body()            {}
func (PlayCanceled) body()          {}
func (RecognizeCompleted) body()    {}
func (RecognizeFailed) body()       {}
func (RecognizeCanceled) body()     {}
func (ToneReceived) body()          {}
func (ToneStopped) body()           {}
func (ToneFailed) body()            {}
func (RecordingStateChanged) body() {}
func (RecordingFileReady) body()    {}
func (MediaStreamingStarted) body() {}
func (MediaStreamingStopped) body() {}
func (MediaStreamingFailed) body()  {}
func (CreateCallFailed) body()      {}
func (ConnectFailed) body()         {}
func (AddSucceeded) body()          {}
func (AddFailed) body()             {}
func (CancelAddSucceeded) body()    {}
func (CancelAddFailed) body()       {}
func (RemoveSucceeded) body()       {}
func (RemoveFailed) body()          {}
func (MoveSucceeded) body()         {}
func (MoveFailed) body()            {}
func (TransferAccepted) body()      {}
func (TransferFailed) body()        {}
func (HoldFailed) body()            {}
func (TonesSent) body()             {}
func (TonesFailed) body()           {}
func (CallStarted) body()           {}
func (CallEnded) body()             {}
func (ParticipantAdded) body()      {}
func (ParticipantRemoved) body()    {}
