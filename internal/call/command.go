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

// Recognize collects digits of one participant.
type Recognize struct {
	Target         string
	Prompts        []Prompt
	BargeIn        bool          // a digit ends the prompt at once
	InitialSilence time.Duration // to the first digit, from the end of the prompt; 0 waits for ever
	InterTone      time.Duration // between two digits
	MaxTones       int
	StopTones      string // symbols of dtmf.Symbols
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
