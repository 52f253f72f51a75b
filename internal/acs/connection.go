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
// …/callConnections:redirect. Targets, and the custom context, are ours: the
// service takes one target.
type RedirectRequest struct {
	IncomingCallContext string          `json:"incomingCallContext"`
	Target              *Identifier     `json:"target"`
	Targets             []Identifier    `json:"targets"`
	Custom              *CallingContext `json:"customCallingContext"`
}

// CreateCallRequest calls one or many. POST …/callConnections. The custom
// context is ours: the service takes none here.
type CreateCallRequest struct {
	Targets           []Identifier          `json:"targets"`
	CallerID          *PhoneNumber          `json:"sourceCallerIdNumber"`
	SourceDisplayName string                `json:"sourceDisplayName"`
	Source            *User                 `json:"source"`
	TeamsAppSource    *TeamsApp             `json:"teamsAppSource"`
	CallbackURI       string                `json:"callbackUri"`
	OperationContext  string                `json:"operationContext"`
	Custom            *CallingContext       `json:"customCallingContext"`
	MediaStreaming    *MediaStreaming       `json:"mediaStreamingOptions"`
	Transcription     *TranscriptionOptions `json:"transcriptionOptions"`
}

// ConnectRequest adds a connection to a call that runs. POST
// …/callConnections:connect.
type ConnectRequest struct {
	CallLocator      *CallLocator          `json:"callLocator"`
	CallbackURI      string                `json:"callbackUri"`
	OperationContext string                `json:"operationContext"`
	MediaStreaming   *MediaStreaming       `json:"mediaStreamingOptions"`
	Transcription    *TranscriptionOptions `json:"transcriptionOptions"`
}

// TransferRequest hands a participant over to somebody else. POST
// …/{id}:transferToParticipant.
type TransferRequest struct {
	Target     *Identifier     `json:"targetParticipant"`
	Transferee *Identifier     `json:"transferee"`
	CallerID   *PhoneNumber    `json:"sourceCallerIdNumber"`
	Custom     *CallingContext `json:"customCallingContext"`
	Operation
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
	CallerID            *PhoneNumber `json:"sourceCallerIdNumber,omitempty"` // of calls that we place
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
