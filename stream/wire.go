package stream

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tipring/tipring/media"
)

// A Message is one frame on the websocket: Metadata, Audio, Digit, StopAudio,
// TranscriptionMetadata or Transcription.
type Message interface{ message() }

// Metadata is the first frame of a stream: AudioMetadata. The encoding is
// always 16-bit linear PCM, little endian, of one channel.
type Metadata struct {
	Subscription string     // names this stream
	Rate         media.Rate // samples a second: 16000 or 24000
	Length       int        // bytes a frame: 640 or 960
}

// Audio is one frame of sound: AudioData. Frames that a Session sends have one
// media.Period; those that come back may have any length.
type Audio struct {
	Time        time.Time // of the first sample; zero when the sender does not say
	Participant string    // who speaks, "4:+15550100"; empty: the sum of all
	PCM         []int16
	Silent      bool // nothing but silence
}

// Digit is a key that was pressed: DtmfData. Symbol is one of 0-9 * # A-D.
type Digit struct{ Symbol byte }

// StopAudio drops what the peer has sent and nobody has heard yet.
type StopAudio struct{}

// TranscriptionMetadata is the first frame of a transcription.
type TranscriptionMetadata struct {
	Subscription string
	Locale       string
	Connection   string // callConnectionId
	Correlation  string
}

// Transcription is something that was said: TranscriptionData.
type Transcription struct {
	Participant string
	Text        string
	Confidence  float64
	Final       bool
	Offset      time.Duration // from the beginning of the stream
	Duration    time.Duration
}

func (Metadata) message()              {}
func (Audio) message()                 {}
func (Digit) message()                 {}
func (StopAudio) message()             {}
func (TranscriptionMetadata) message() {}
func (Transcription) message()         {}

// timeLayout is RFC 3339 with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// AppendMetadata appends the frame of m to b.
func AppendMetadata(b []byte, m Metadata) []byte {
	b = append(b, `{"kind":"AudioMetadata","audioMetadata":{"subscriptionId":`...)
	b = appendString(b, m.Subscription)
	b = append(b, `,"encoding":"PCM","sampleRate":`...)
	b = strconv.AppendInt(b, int64(m.Rate), 10)
	b = append(b, `,"channels":1,"length":`...)
	b = strconv.AppendInt(b, int64(m.Length), 10)
	return append(b, `}}`...)
}

// AppendAudio appends the frame of a to b. A frame without a participant (mixed
// audio) has no participantRawID at all: a null makes Azure's JavaScript parser
// throw. Nothing is allocated when b has the room.
func AppendAudio(b []byte, a Audio) []byte {
	var quoted []byte
	if a.Participant != "" {
		quoted = appendString(nil, a.Participant)
	}
	return appendAudio(b, a, quoted)
}

// appendAudio is AppendAudio with the participant already in JSON.
func appendAudio(b []byte, a Audio, participant []byte) []byte {
	b = append(b, `{"kind":"AudioData","audioData":{"timestamp":"`...)
	b = a.Time.UTC().AppendFormat(b, timeLayout)
	b = append(b, '"')
	if len(participant) > 0 {
		b = append(b, `,"participantRawID":`...)
		b = append(b, participant...)
	}
	b = append(b, `,"data":"`...)
	b = appendPCM(b, a.PCM)
	b = append(b, `","silent":`...)
	if a.Silent {
		b = append(b, `true`...)
	} else {
		b = append(b, `false`...)
	}
	return append(b, `}}`...)
}

// AppendDigit appends the frame of d to b.
func AppendDigit(b []byte, d Digit) []byte {
	b = append(b, `{"kind":"DtmfData","dtmfData":{"data":`...)
	b = appendString(b, string(rune(d.Symbol)))
	return append(b, `}}`...)
}

// AppendReply appends sound for the far end of the stream, as Azure's
// JavaScript SDK writes it.
func AppendReply(b []byte, pcm []int16) []byte {
	b = append(b, `{"kind":"AudioData","audioData":{"data":"`...)
	b = appendPCM(b, pcm)
	return append(b, `"}}`...)
}

// AppendStopAudio appends the frame that drops what was sent and not heard.
func AppendStopAudio(b []byte) []byte {
	return append(b, `{"kind":"StopAudio","stopAudio":{}}`...)
}

// appendPCM appends samples as base64 of 16-bit little endian, three samples
// (six bytes, eight letters) at a time.
func appendPCM(b []byte, pcm []int16) []byte {
	const run = 96 // samples a turn: a multiple of three, so that no padding falls inside
	var raw [2 * run]byte
	for len(pcm) > 0 {
		n := min(run, len(pcm))
		for i, s := range pcm[:n] {
			raw[2*i], raw[2*i+1] = byte(s), byte(uint16(s)>>8)
		}
		b = base64.StdEncoding.AppendEncode(b, raw[:2*n])
		pcm = pcm[n:]
	}
	return b
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // a string always has a JSON form
		return append(b, `""`...)
	}
	return append(b, quoted...)
}

// quiet is the loudest sample of a frame that counts as silence: twice the
// smallest step of G.711 A-law, about -66 dB of full scale.
const quiet = 16

// silent reports whether there is nothing but silence in pcm.
func silent(pcm []int16) bool {
	for _, s := range pcm {
		if s > quiet || s < -quiet {
			return false
		}
	}
	return true
}
