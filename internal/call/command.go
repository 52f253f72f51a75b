package call

import "time"

// A Command is what an application asks of one connection. The set is sealed:
// the types of this file.
type Command interface{ command() }

// Play plays sources, one after another.
type Play struct {
	Sources   []Prompt
	Targets   []string // participant ids; empty: everybody
	Loop      bool     // until canceled
	Interrupt bool     // cancel what runs and waits first
	Operation
}

// A Choice is one answer that a recognition waits for.
type Choice struct {
	Label   string
	Phrases []string
	Tone    byte // symbol of dtmf.Symbols; 0: none
}

// Recognize collects digits of one participant, or waits for one of Choices.
type Recognize struct {
	Target         string
	Prompts        []Prompt
	BargeIn        bool          // a digit ends the prompt at once
	InitialSilence time.Duration // to the first digit, from the end of the prompt; 0 waits for ever
	InterTone      time.Duration // between two digits
	MaxTones       int
	StopTones      string // symbols of dtmf.Symbols
	Choices        []Choice
	Interrupt      bool
	Operation
}

// ListenTones starts continuous recognition of one participant's digits.
type ListenTones struct {
	Target string
	Operation
}

// StopTones ends continuous recognition.
type StopTones struct {
	Target string
	Operation
}

// CancelAll cancels every media operation, running and waiting.
type CancelAll struct{}

// SendTones sends digits to one participant.
type SendTones struct {
	Target string
	Tones  string // symbols of dtmf.Symbols
	Operation
}

// Add invites somebody into the call.
type Add struct {
	Target     string
	Invitation string // id; made by the machine's owner
	From       string // sourceCallerIdNumber as a raw id; empty: the connection's
	Display    string
	Timeout    time.Duration // 0: InvitationTime
	Headers    Headers
	Operation
}

// CancelAdd takes an invitation back.
type CancelAdd struct {
	Invitation string
	Operation
}

// Remove takes a participant out of the call.
type Remove struct {
	Target string
	Operation
}

// Mute silences participants for the others; Off lets them be heard again.
type Mute struct {
	Targets []string
	Off     bool
	Operation
}

// Hold puts a participant on hold, with music or (no Prompt) silence; Off takes
// it back.
type Hold struct {
	Target string
	Music  *Prompt
	Off    bool
	Operation
}

// Transfer hands a participant over to somebody else: a blind transfer.
type Transfer struct {
	Target     string
	Transferee string // who is handed over; empty: the only participant
	From       string // sourceCallerIdNumber as a raw id
	Headers    Headers
	Operation
}

// Move takes participants of another call of the same server into this one.
type Move struct {
	Targets []string
	From    string // callConnectionId of the other call
	Operation
}

// Headers are the custom headers that travel with a call: SIP headers by their
// full name (User-To-User, X-MS-Custom-k, X-k), and VoIP headers for users.
type Headers struct {
	SIP  map[string]string
	VoIP map[string]string
}

// HangUp ends this connection; ForEveryone ends the call.
type HangUp struct{ ForEveryone bool }

// StartStreaming starts the media streaming that the answer described.
type StartStreaming struct{ Operation }

// StopStreaming ends it.
type StopStreaming struct{ Operation }

// An Operation is what every asynchronous command carries along.
type Operation struct {
	Context  string // operationContext, echoed in its events
	Callback string // operationCallbackUri: its events go there; empty: to the connection's callback
}

// A Prompt is one thing to play: a file by URI, or text for a voice.
type Prompt struct {
	URI     string
	Text    string
	SSML    string
	Voice   string
	Locale  string
	CacheID string // playSourceCacheId
}

func (Play) command()           {}
func (Recognize) command()      {}
func (ListenTones) command()    {}
func (StopTones) command()      {}
func (CancelAll) command()      {}
func (SendTones) command()      {}
func (Add) command()            {}
func (CancelAdd) command()      {}
func (Remove) command()         {}
func (Mute) command()           {}
func (Hold) command()           {}
func (Transfer) command()       {}
func (Move) command()           {}
func (HangUp) command()         {}
func (StartStreaming) command() {}
func (StopStreaming) command()  {}

// Answer accepts an incoming call.
type Answer struct {
	Token      string // the incomingCallContext of IncomingCall
	Callback   string // callbackUri: where this connection's events go
	Context    string // operationContext of CallConnected and CallDisconnected
	AnsweredBy string // raw id of the user who answers, as given; may be empty
	Streaming  *Streaming
}

// Create begins a call: it rings at every target, and those who answer are in.
type Create struct {
	Targets  []string
	From     string // sourceCallerIdNumber as a raw id, else source; may be empty
	Display  string // sourceDisplayName
	Callback string
	Context  string
	Headers  Headers

	Streaming *Streaming
}

// Redirect hands a ringing call over to others before it is answered.
type Redirect struct {
	Token   string
	Targets []string // all ring; the first to answer has it
	Headers Headers
}

// Connect adds a connection to a running call, named by one of the three.
type Connect struct {
	Call     string // serverCallId
	Group    string // groupCallId
	Room     string // roomId
	Callback string
	Context  string

	Streaming *Streaming
}

// Streaming describes a websocket that is sent the sound of a call.
type Streaming struct {
	URL           string // ws or wss
	Mixed         bool   // the sum, or each participant by itself
	Rate          int    // 16000 or 24000
	StartAtOnce   bool   // with the call; else StartStreaming starts it
	Bidirectional bool   // sound from the socket is played into the call
	Digits        bool   // send DtmfData
}

// Record starts a recording.
type Record struct {
	Connection   string // callConnectionId, or …
	Call         string // … serverCallId
	Callback     string // recordingStateCallbackUri
	Mixed        bool
	Format       string   // wav, mp3
	Channels     []string // participants of channel 0, 1, …; "" is a channel nobody asked for
	PauseOnStart bool
}

// Properties is a connection as an application sees it.
type Properties struct {
	Connection  string
	Call        string // serverCallId
	Correlation string
	State       State
	Callback    string
	Source      string // raw id of the caller
	DisplayName string
	Targets     []string
	AnsweredBy  string
}

// A State is where a connection is in its life.
type State uint8

// The states.
const (
	Unknown State = iota
	Connecting
	Connected
	Disconnecting
	Disconnected
)

// RecordingState is a recording as an application sees it.
type RecordingState struct {
	ID     string
	Active bool // false: paused, or stopped
}
