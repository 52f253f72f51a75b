package stream

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tipring/tipring/media"
)

// ErrMalformed is an inbound frame that makes no sense.
var ErrMalformed = errors.New("stream: malformed frame")

// inbound is every frame that either end may receive. Names are matched without
// regard to case, as encoding/json does: Azure's SDKs differ in it.
type inbound struct {
	Kind          string `json:"kind"`
	AudioMetadata struct {
		SubscriptionID string  `json:"subscriptionId"`
		SampleRate     float64 `json:"sampleRate"`
		Length         float64 `json:"length"`
	} `json:"audioMetadata"`
	AudioData *struct {
		Data             string   `json:"data"`
		Timestamp        lenient  `json:"timestamp"`
		ParticipantRawID lenient  `json:"participantRawID"`
		Silent           *boolean `json:"silent"`
		IsSilent         *boolean `json:"isSilent"`
	} `json:"audioData"`
	DtmfData struct {
		Data lenient `json:"data"`
	} `json:"dtmfData"`
	TranscriptionMetadata struct {
		SubscriptionID   lenient `json:"subscriptionId"`
		Locale           lenient `json:"locale"`
		CallConnectionID lenient `json:"callConnectionId"`
		CorrelationID    lenient `json:"correlationId"`
	} `json:"transcriptionMetadata"`
	TranscriptionData struct {
		Text             string  `json:"text"`
		Confidence       float64 `json:"confidence"`
		Offset           float64 `json:"offset"`
		Duration         float64 `json:"duration"`
		ParticipantRawID lenient `json:"participantRawID"`
		ResultStatus     lenient `json:"resultStatus"`
	} `json:"transcriptionData"`
}

// Decode reads one frame. The kind alone decides what it is: an audio frame of
// the JavaScript SDK carries a stopAudio as well. Every error wraps
// ErrMalformed.
func Decode(text []byte) (Message, error) {
	var in inbound
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch strings.ToLower(in.Kind) {
	case "audiodata":
		return in.audio()
	case "stopaudio":
		return StopAudio{}, nil
	case "audiometadata":
		return in.metadata()
	case "dtmfdata":
		if len(in.DtmfData.Data) != 1 {
			return nil, fmt.Errorf("%w: the digit is %.20q", ErrMalformed, string(in.DtmfData.Data))
		}
		return Digit{Symbol: in.DtmfData.Data[0]}, nil
	case "transcriptionmetadata":
		m := in.TranscriptionMetadata
		return TranscriptionMetadata{
			Subscription: string(m.SubscriptionID), Locale: string(m.Locale),
			Connection: string(m.CallConnectionID), Correlation: string(m.CorrelationID),
		}, nil
	case "transcriptiondata":
		return in.transcription(), nil
	}
	return nil, fmt.Errorf("%w: unknown kind %.40q", ErrMalformed, in.Kind)
}

func (in *inbound) metadata() (Message, error) {
	m := in.AudioMetadata
	if m.SampleRate < 1 || m.SampleRate > 192_000 || m.Length < 0 || m.Length > 1<<20 {
		return nil, fmt.Errorf("%w: %v Hz, %v bytes a frame", ErrMalformed, m.SampleRate, m.Length)
	}
	return Metadata{Subscription: m.SubscriptionID, Rate: media.Rate(m.SampleRate), Length: int(m.Length)}, nil
}

func (in *inbound) audio() (Message, error) {
	d := in.AudioData
	if d == nil {
		return nil, fmt.Errorf("%w: no audioData", ErrMalformed)
	}
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(d.Data)))
	n, err := base64.StdEncoding.Decode(raw, []byte(d.Data))
	if err != nil {
		return nil, fmt.Errorf("%w: audioData.data: %w", ErrMalformed, err)
	}
	a := Audio{
		Participant: string(d.ParticipantRawID),
		PCM:         make([]int16, n/2), // half a sample at the end is dropped
		Silent:      d.Silent.isTrue() || d.IsSilent.isTrue(),
	}
	for i := range a.PCM {
		a.PCM[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
	}
	if t, err := time.Parse(time.RFC3339Nano, string(d.Timestamp)); err == nil {
		a.Time = t
	}
	return a, nil
}

func (in *inbound) transcription() Message {
	d := in.TranscriptionData
	return Transcription{
		Participant: string(d.ParticipantRawID),
		Text:        d.Text,
		Confidence:  d.Confidence,
		Final:       strings.EqualFold(string(d.ResultStatus), "final"),
		Offset:      hundredNanoseconds(d.Offset),
		Duration:    hundredNanoseconds(d.Duration),
	}
}

// hundredNanoseconds is the unit of time in transcriptions.
func hundredNanoseconds(n float64) time.Duration {
	const most = float64(1<<63-1) / 200
	return time.Duration(max(-most, min(most, n))) * 100
}

// lenient is a string; what is not a string is kept as it stands, and null is
// empty. It is for fields that no one should lose sound over.
type lenient string

func (l *lenient) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	*l = lenient(s)
	return nil
}

// boolean is true for true and "true", false for anything else.
type boolean bool

func (t *boolean) UnmarshalJSON(b []byte) error {
	*t = boolean(bytes.EqualFold(bytes.Trim(b, `"`), []byte("true")))
	return nil
}

func (t *boolean) isTrue() bool { return t != nil && bool(*t) }
