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
)

// RecognizeCompleted: the digits were collected.
type RecognizeCompleted struct {
	Digits string // symbols of dtmf.Symbols
	Reason RecognizeReason
}

// A RecognizeReason says what completed a collection.
type RecognizeReason uint8

// The reasons.
const (
	MaxDigits RecognizeReason = iota
	StopDigit
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
	RecognizeInternal
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
