package acs

// PlayRequest plays to some or all. POST …/{id}:play.
type PlayRequest struct {
	PlaySources []PlaySource `json:"playSources"`
	PlayTo      []Identifier `json:"playTo"` // empty: everybody
	Interrupt   bool         `json:"interruptCallMediaOperation"`
	PlayOptions *PlayOptions `json:"playOptions"`
	Operation
}

// PlayOptions are the options of PlayRequest.
type PlayOptions struct {
	Loop bool `json:"loop"`
}

// A PlaySource is one thing to play. Kind says which of the others is set.
type PlaySource struct {
	Kind    string      `json:"kind"` // file, text, ssml
	CacheID string      `json:"playSourceCacheId"`
	File    *FileSource `json:"file"`
	Text    *TextSource `json:"text"`
	SSML    *SSMLSource `json:"ssml"`
}

// PlaySourceKinds are the kinds of PlaySource.
var PlaySourceKinds = []string{"file", "text", "ssml"}

// MaxText is how many characters a TextSource may have.
const MaxText = 4000

// A FileSource is sound at a URL.
type FileSource struct {
	URI string `json:"uri"`
}

// A TextSource is text for a voice.
type TextSource struct {
	Text         string `json:"text"`
	SourceLocale string `json:"sourceLocale"`
	VoiceKind    string `json:"voiceKind"` // male, female
	VoiceName    string `json:"voiceName"`
}

// VoiceKinds are the kinds of voices.
var VoiceKinds = []string{"male", "female"}

// An SSMLSource is text with marks for a voice.
type SSMLSource struct {
	SSMLText string `json:"ssmlText"`
}

// RecognizeRequest collects what one participant presses or says. POST
// …/{id}:recognize.
type RecognizeRequest struct {
	InputType   string            `json:"recognizeInputType"`
	PlayPrompt  *PlaySource       `json:"playPrompt"`
	PlayPrompts []PlaySource      `json:"playPrompts"`
	Interrupt   bool              `json:"interruptCallMediaOperation"`
	Options     *RecognizeOptions `json:"recognizeOptions"`
	Operation
}

// RecognizeInputTypes are what can be recognized.
var RecognizeInputTypes = []string{"dtmf", "speech", "speechOrDtmf", "choices"}

// RecognizeOptions are the options of RecognizeRequest.
type RecognizeOptions struct {
	InterruptPrompt *bool        `json:"interruptPrompt"`                // absent: true
	InitialSilence  *int         `json:"initialSilenceTimeoutInSeconds"` // absent: 5; 0 to 300
	Target          *Identifier  `json:"targetParticipant"`
	DTMF            *DTMFOptions `json:"dtmfOptions"`
	Choices         []Choice     `json:"choices"`
}

// A Choice is one answer that a recognition waits for: a phrase, or a tone.
type Choice struct {
	Label   string   `json:"label"`
	Phrases []string `json:"phrases"`
	Tone    string   `json:"tone"`
}

// DTMFOptions say how digits are collected.
type DTMFOptions struct {
	InterTone *int     `json:"interToneTimeoutInSeconds"` // absent: 2; 1 to 60
	MaxTones  *int     `json:"maxTonesToCollect"`         // at least 1
	StopTones []string `json:"stopTones"`
}

// MaxChoices is how many choices a recognition may have.
const MaxChoices = 100

// What is assumed where a request says nothing, in seconds.
const (
	DefaultInitialSilence = 5
	DefaultInterTone      = 2
)

// ContinuousDTMFRequest starts or stops continuous recognition. POST
// …/{id}:startContinuousDtmfRecognition, :stopContinuousDtmfRecognition.
type ContinuousDTMFRequest struct {
	Target *Identifier `json:"targetParticipant"`
	Operation
}

// SendTonesRequest sends digits to one participant. POST …/{id}:sendDtmfTones.
type SendTonesRequest struct {
	Tones  []string    `json:"tones"` // 1 to MaxSendTones
	Target *Identifier `json:"targetParticipant"`
	Operation
}

// MaxSendTones is how many digits one request may send.
const MaxSendTones = 18

// HoldRequest puts a participant on hold, with music that loops, or takes it
// back. POST …/{id}:hold, :unhold.
type HoldRequest struct {
	Target *Identifier `json:"targetParticipant"`
	Music  *PlaySource `json:"playSourceInfo"` // not with unhold
	Operation
}

// MediaStreamingRequest starts or stops the streaming that the answer
// described. POST …/{id}:startMediaStreaming, :stopMediaStreaming.
type MediaStreamingRequest struct{ Operation }

// Operation is what every asynchronous request carries.
type Operation struct {
	OperationContext     string `json:"operationContext"`
	OperationCallbackURI string `json:"operationCallbackUri"`
}
