package codec

import (
	"strings"

	"github.com/tipring/tipring/media"
)

// MaxPayloadMillis is the longest packet that a receiver must take: 60 ms. A
// buffer of Rate/1000 × MaxPayloadMillis samples holds what any payload of
// that length decodes to.
const MaxPayloadMillis = 60

// An Encoder turns samples at its codec's Rate into a payload.
type Encoder interface {
	// Encode writes the payload of pcm to dst and says how many bytes it is.
	// It retains neither and does not allocate. dst must have room: for G.711
	// a byte a sample; samples without room are not encoded.
	Encode(dst []byte, pcm []int16) (n int)
}

// A Decoder turns payloads into samples at its codec's Rate.
type Decoder interface {
	// Decode writes the samples of src to pcm and says how many they are. It
	// retains neither and does not allocate. A payload for which pcm has no
	// room gives the samples that fit and io.ErrShortBuffer; one that is not
	// of this codec gives another error. An empty payload is no samples.
	Decode(pcm []int16, src []byte) (n int, err error)
}

// A Codec is an entry of the table.
type Codec struct {
	Name        string     // what a=rtpmap calls it, in capitals
	PayloadType uint8      // the static type of RFC 3551
	Clock       int        // of RTP timestamps, in hertz
	Rate        media.Rate // of the samples
	NewEncoder  func() Encoder
	NewDecoder  func() Decoder
	SilenceByte byte // fills a payload that is silence
}

// Codecs is every codec, the preferred first.
var Codecs = []Codec{
	{
		Name: "PCMU", PayloadType: 0, Clock: 8000, Rate: media.Rate8k, SilenceByte: 0xff,
		NewEncoder: func() Encoder { return muLaw{} },
		NewDecoder: func() Decoder { return muLaw{} },
	},
	{
		Name: "PCMA", PayloadType: 8, Clock: 8000, Rate: media.Rate8k, SilenceByte: 0xd5,
		NewEncoder: func() Encoder { return aLaw{} },
		NewDecoder: func() Decoder { return aLaw{} },
	},
}

// ByName finds a codec by its SDP name, in capitals or not.
func ByName(name string) (Codec, bool) {
	for _, c := range Codecs {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return Codec{}, false
}

// ByPayloadType finds a codec by its static payload type (RFC 3551 §6), as an
// offer without a=rtpmap names it.
func ByPayloadType(pt uint8) (Codec, bool) {
	for _, c := range Codecs {
		if c.PayloadType == pt {
			return c, true
		}
	}
	return Codec{}, false
}
