package acs

import "time"

// A CloudEvent is the envelope of a callback. A callback's body is an array of
// them; here it always has one.
type CloudEvent struct {
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Data            any    `json:"data"`
	Time            string `json:"time"` // CloudTime
	SpecVersion     string `json:"specversion"`
	DataContentType string `json:"datacontenttype"`
	Subject         string `json:"subject"`
}

// CloudTime spells a time as callbacks do: seven decimals and "+00:00".
func CloudTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000-07:00") }

// EventPrefix begins every event type.
const EventPrefix = "Microsoft.Communication."

// The event types, without their prefix.
const (
	TypeCallConnected         = "CallConnected"
	TypeCallDisconnected      = "CallDisconnected"
	TypeAnswerFailed          = "AnswerFailed"
	TypeParticipantsUpdated   = "ParticipantsUpdated"
	TypePlayStarted           = "PlayStarted"
	TypePlayCompleted         = "PlayCompleted"
	TypePlayFailed            = "PlayFailed"
	TypePlayCanceled          = "PlayCanceled"
	TypeRecognizeCompleted    = "RecognizeCompleted"
	TypeRecognizeFailed       = "RecognizeFailed"
	TypeRecognizeCanceled     = "RecognizeCanceled"
	TypeToneReceived          = "ContinuousDtmfRecognitionToneReceived"
	TypeToneFailed            = "ContinuousDtmfRecognitionToneFailed"
	TypeToneStopped           = "ContinuousDtmfRecognitionStopped"
	TypeRecordingStateChanged = "RecordingStateChanged"
	TypeStreamingStarted      = "MediaStreamingStarted"
	TypeStreamingStopped      = "MediaStreamingStopped"
	TypeStreamingFailed       = "MediaStreamingFailed"
	TypeCreateCallFailed      = "CreateCallFailed"
	TypeConnectFailed         = "ConnectFailed"
	TypeAddSucceeded          = "AddParticipantSucceeded"
	TypeAddFailed             = "AddParticipantFailed"
	TypeCancelAddSucceeded    = "CancelAddParticipantSucceeded"
	TypeCancelAddFailed       = "CancelAddParticipantFailed"
	TypeRemoveSucceeded       = "RemoveParticipantSucceeded"
	TypeRemoveFailed          = "RemoveParticipantFailed"
	TypeMoveSucceeded         = "MoveParticipantSucceeded"
	TypeMoveFailed            = "MoveParticipantFailed"
	TypeTransferAccepted      = "CallTransferAccepted"
	TypeTransferFailed        = "CallTransferFailed"
	TypeHoldFailed            = "HoldFailed"
	TypeTonesSent             = "SendDtmfTonesCompleted"
	TypeTonesFailed           = "SendDtmfTonesFailed"
)

// The event types of Event Grid, without their prefix.
const (
	TypeIncomingCall       = "IncomingCall"
	TypeCallStarted        = "CallStarted"
	TypeCallEnded          = "CallEnded"
	TypeParticipantAdded   = "CallParticipantAdded"
	TypeParticipantRemoved = "CallParticipantRemoved"
	TypeRecordingFile      = "RecordingFileStatusUpdated"
)

// Common is what the data of every callback has. By itself it is the data of
// events that need no more: CallConnected, PlayCompleted, HoldFailed, ….
type Common struct {
	Version           string  `json:"version"`
	OperationContext  string  `json:"operationContext,omitempty"`
	ResultInformation *Result `json:"resultInformation,omitempty"`
	CallConnectionID  string  `json:"callConnectionId,omitempty"`
	ServerCallID      string  `json:"serverCallId,omitempty"`
	CorrelationID     string  `json:"correlationId,omitempty"`
	PublicEventType   string  `json:"publicEventType"`
}

// ParticipantsUpdated is the data of that event.
type ParticipantsUpdated struct {
	Participants   []CallParticipant `json:"participants"`
	SequenceNumber int               `json:"sequenceNumber"`
	Common
}

// PlayFailed is the data of that event.
type PlayFailed struct {
	FailedPlaySourceIndex *int `json:"failedPlaySourceIndex,omitempty"`
	Common
}

// RecognizeCompleted is the data of that event.
type RecognizeCompleted struct {
	RecognitionType string        `json:"recognitionType"` // dtmf, choices
	DTMFResult      *DTMFResult   `json:"dtmfResult,omitempty"`
	ChoiceResult    *ChoiceResult `json:"choiceResult,omitempty"`
	Common
}

// RecognizeFailed is the data of that event. DTMFResult has the tones that came
// before it failed.
type RecognizeFailed struct {
	RecognitionType       string      `json:"recognitionType,omitempty"`
	DTMFResult            *DTMFResult `json:"dtmfResult,omitempty"`
	FailedPlaySourceIndex *int        `json:"failedPlaySourceIndex,omitempty"`
	Common
}

// DTMFResult lists tones by name.
type DTMFResult struct {
	Tones []string `json:"tones"`
}

// A ChoiceResult names the choice that was made: by tone, here, so that no
// phrase was recognized.
type ChoiceResult struct {
	Label string `json:"label"`
}

// The recognitionTypes.
const (
	RecognitionDTMF    = "dtmf"
	RecognitionChoices = "choices"
)

// ParticipantChanged is the data of the events of adding, removing and moving
// a participant.
type ParticipantChanged struct {
	Participant Identifier `json:"participant"`
	FromCall    string     `json:"fromCall,omitempty"` // of moving: the connection it was moved from
	Common
}

// InvitationCanceled is the data of CancelAddParticipantSucceeded and Failed.
type InvitationCanceled struct {
	InvitationID string `json:"invitationId"`
	Common
}

// TransferAccepted is the data of CallTransferAccepted.
type TransferAccepted struct {
	Target     Identifier `json:"transferTarget"`
	Transferee Identifier `json:"transferee"`
	Common
}

// ToneReceived is the data of ContinuousDtmfRecognitionToneReceived.
type ToneReceived struct {
	SequenceID int    `json:"sequenceId"`
	Tone       string `json:"tone"`
	Common
}

// RecordingStateChanged is the data of that event.
type RecordingStateChanged struct {
	RecordingID   string `json:"recordingId"`
	State         string `json:"state"`
	StartDateTime string `json:"startDateTime,omitempty"`
	RecordingKind string `json:"recordingKind"`
	Common
}

// StreamingChanged is the data of MediaStreamingStarted, Stopped and Failed.
type StreamingChanged struct {
	Update StreamingUpdate `json:"mediaStreamingUpdate"`
	Common
}

// StreamingUpdate says what became of a stream.
type StreamingUpdate struct {
	ContentType   string `json:"contentType"` // Audio
	Status        string `json:"mediaStreamingStatus"`
	StatusDetails string `json:"mediaStreamingStatusDetails"`
}

// The updates of a stream.
var (
	StreamingStarted     = StreamingUpdate{"Audio", "mediaStreamingStarted", "subscriptionStarted"}
	StreamingStopped     = StreamingUpdate{"Audio", "mediaStreamingStopped", "subscriptionStopped"}
	StreamingUnreachable = StreamingUpdate{"Audio", "mediaStreamingFailed", "initialWebSocketConnectionFailed"}
	StreamingBroken      = StreamingUpdate{"Audio", "mediaStreamingFailed", "streamConnectionInterrupted"}
)
