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
	TypeIncomingCall          = "IncomingCall"               // Event Grid
	TypeRecordingFile         = "RecordingFileStatusUpdated" // Event Grid
)

// Common is what the data of every callback has. By itself it is the data of
// CallConnected, CallDisconnected, AnswerFailed, PlayStarted, PlayCompleted,
// PlayCanceled, RecognizeCanceled, ContinuousDtmfRecognitionStopped and
// ContinuousDtmfRecognitionToneFailed.
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
	RecognitionType string      `json:"recognitionType"` // dtmf
	DTMFResult      *DTMFResult `json:"dtmfResult,omitempty"`
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

// RecognitionDTMF is the recognitionType of digits.
const RecognitionDTMF = "dtmf"

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
