package acs

// AnswerRequest answers a call that rings. POST …/callConnections:answer.
type AnswerRequest struct {
	IncomingCallContext string                `json:"incomingCallContext"`
	CallbackURI         string                `json:"callbackUri"`
	OperationContext    string                `json:"operationContext"`
	AnsweredBy          *User                 `json:"answeredBy"`
	MediaStreaming      *MediaStreaming       `json:"mediaStreamingOptions"`
	Transcription       *TranscriptionOptions `json:"transcriptionOptions"`
}

// RejectRequest refuses a call that rings. POST …/callConnections:reject.
type RejectRequest struct {
	IncomingCallContext string `json:"incomingCallContext"`
	Reason              string `json:"callRejectReason"` // none, busy, forbidden
}

// RedirectRequest sends a call that rings to somebody else. POST
// …/callConnections:redirect.
type RedirectRequest struct {
	IncomingCallContext string      `json:"incomingCallContext"`
	Target              *Identifier `json:"target"`
}

// RejectReasons are the reasons of RejectRequest.
var RejectReasons = []string{"none", "busy", "forbidden"}

// MediaStreaming describes the websocket that a call's sound goes to.
type MediaStreaming struct {
	TransportType       string `json:"transportType"`    // websocket
	AudioChannelType    string `json:"audioChannelType"` // mixed, unmixed
	TransportURL        string `json:"transportUrl"`     // ws or wss
	ContentType         string `json:"contentType"`      // audio
	StartMediaStreaming bool   `json:"startMediaStreaming"`
	EnableBidirectional bool   `json:"enableBidirectional"`
	AudioFormat         string `json:"audioFormat"` // pcm16KMono, pcm24KMono; in any case
	EnableDTMFTones     bool   `json:"enableDtmfTones"`
}

// The words of MediaStreaming.
var (
	TransportTypes    = []string{"websocket"}
	AudioChannelTypes = []string{"mixed", "unmixed"}
	ContentTypes      = []string{"audio"}
	AudioFormats      = []string{"pcm16KMono", "pcm24KMono"}
)

// TranscriptionOptions describes the websocket that a call's words go to.
type TranscriptionOptions struct {
	TransportURL       string `json:"transportUrl"`
	Locale             string `json:"locale"`
	StartTranscription bool   `json:"startTranscription"`
}

// CallConnectionProperties is a connection as an application sees it.
type CallConnectionProperties struct {
	CallConnectionID    string       `json:"callConnectionId"`
	ServerCallID        string       `json:"serverCallId,omitempty"`
	CorrelationID       string       `json:"correlationId,omitempty"`
	CallConnectionState string       `json:"callConnectionState"`
	CallbackURI         string       `json:"callbackUri"`
	Targets             []Identifier `json:"targets"`
	Source              *Identifier  `json:"source,omitempty"`
	SourceDisplayName   string       `json:"sourceDisplayName"`
	AnsweredBy          *User        `json:"answeredBy,omitempty"`
}

// The states of a connection that exist here.
const (
	StateUnknown       = "unknown"
	StateConnecting    = "connecting"
	StateConnected     = "connected"
	StateDisconnecting = "disconnecting"
	StateDisconnected  = "disconnected"
)

// CallParticipant is one party of a call.
type CallParticipant struct {
	Identifier Identifier `json:"identifier"`
	IsMuted    bool       `json:"isMuted"`
	IsOnHold   bool       `json:"isOnHold"`
}

// ParticipantsResponse lists the parties of a call. GET …/participants.
type ParticipantsResponse struct {
	Value    []CallParticipant `json:"value"`
	NextLink string            `json:"nextLink,omitempty"`
}
