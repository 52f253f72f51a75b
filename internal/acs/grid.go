package acs

import "time"

// A GridEvent is an event in the EventGrid schema; a delivery is an array.
type GridEvent struct {
	ID              string `json:"id"`
	Topic           string `json:"topic"`
	Subject         string `json:"subject"`
	Data            any    `json:"data"`
	EventType       string `json:"eventType"`
	DataVersion     string `json:"dataVersion"`
	MetadataVersion string `json:"metadataVersion"`
	EventTime       string `json:"eventTime"` // GridTime
}

// GridTime spells a time as Event Grid does: seven decimals and "Z".
func GridTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z07:00") }

// The header that tells a handshake from an event, and its values.
const (
	GridHeader       = "aeg-event-type"
	GridNotification = "Notification"
	GridValidation   = "SubscriptionValidation"
)

// ValidationType is the event type of the handshake.
const ValidationType = "Microsoft.EventGrid.SubscriptionValidationEvent"

// Validation is the data of the handshake.
type Validation struct {
	ValidationCode string `json:"validationCode"`
}

// ValidationResponse is the right answer to it: the same code.
type ValidationResponse struct {
	ValidationResponse string `json:"validationResponse"`
}

// IncomingCall is the data of that event.
type IncomingCall struct {
	To                  Identifier    `json:"to"`
	From                Identifier    `json:"from"`
	ServerCallID        string        `json:"serverCallId"`
	CallerDisplayName   string        `json:"callerDisplayName"`
	CustomContext       CustomContext `json:"customContext"`
	IncomingCallContext string        `json:"incomingCallContext"`
	CorrelationID       string        `json:"correlationId"`
}

// CustomContext is the headers that travel with a call. Neither map is nil on
// the wire.
type CustomContext struct {
	SIPHeaders  map[string]string `json:"sipHeaders"`
	VoIPHeaders map[string]string `json:"voipHeaders"`
}

// A GridCall is what the events of a call have in common. By itself it is the
// data of CallStarted.
type GridCall struct {
	StartedBy     GridParticipant `json:"startedBy"`
	ServerCallID  string          `json:"serverCallId"`
	Group         *GridID         `json:"group,omitempty"`
	Room          *GridID         `json:"room,omitempty"`
	IsTwoParty    bool            `json:"isTwoParty"`
	IsRoomsCall   bool            `json:"isRoomsCall"`
	CorrelationID string          `json:"correlationId"`
}

// A GridID is the id of a group call or a room.
type GridID struct {
	ID string `json:"id"`
}

// A GridParticipant is an identifier, spelled in both ways that are known of
// these events: as it is (in examples), and in a field of its own (in clients).
type GridParticipant struct {
	Identifier
	CommunicationIdentifier Identifier `json:"communicationIdentifier"`
}

// GridIdentify spells a raw id so.
func GridIdentify(rawID string) GridParticipant {
	who := Identify(rawID)
	return GridParticipant{Identifier: who, CommunicationIdentifier: who}
}

// CallEnded is the data of that event. The duration, in seconds, is there by
// the name that examples have and by the one that clients read.
type CallEnded struct {
	DurationOfCall        float64      `json:"durationOfCall"`
	CallDurationInSeconds float64      `json:"callDurationInSeconds"`
	EndedBy               *GridEndedBy `json:"endedBy,omitempty"` // a participant; the application is none
	Reason                GridReason   `json:"reason"`
	GridCall
}

// GridEndedBy is the participant who ended a call.
type GridEndedBy struct {
	CommunicationIdentifier Identifier `json:"communicationIdentifier"`
	Type                    string     `json:"type"` // Participant
	Name                    string     `json:"name"`
}

// GridParticipantKind is the type of a GridEndedBy.
const GridParticipantKind = "Participant"

// GridReason is why a call ended: a Result by other names.
type GridReason struct {
	Code    int    `json:"code"`
	SubCode int    `json:"subCode"`
	Phrase  string `json:"phrase"`
}

// CallParticipantChanged is the data of CallParticipantAdded and
// CallParticipantRemoved.
type CallParticipantChanged struct {
	User          GridParticipant `json:"user"`
	DisplayName   string          `json:"displayName,omitempty"`
	ParticipantID string          `json:"participantId"`
	GridCall
}

// RecordingFile is the data of RecordingFileStatusUpdated.
type RecordingFile struct {
	StorageInfo      RecordingStorageInfo `json:"recordingStorageInfo"`
	StartTime        string               `json:"recordingStartTime"`
	DurationMS       int64                `json:"recordingDurationMs"`
	SessionEndReason string               `json:"sessionEndReason"`
	ContentType      string               `json:"recordingContentType"` // Audio
	ChannelType      string               `json:"recordingChannelType"` // Mixed, Unmixed
	FormatType       string               `json:"recordingFormatType"`  // Wav, Mp3
}

// RecordingStorageInfo lists the files of a recording.
type RecordingStorageInfo struct {
	Chunks []RecordingChunk `json:"recordingChunks"`
}

// A RecordingChunk is one file and where it is served.
type RecordingChunk struct {
	DocumentID       string `json:"documentId"`
	Index            int    `json:"index"`
	EndReason        string `json:"endReason"`
	ContentLocation  string `json:"contentLocation"`
	MetadataLocation string `json:"metadataLocation"`
	DeleteLocation   string `json:"deleteLocation"`
}
