package wav

import (
	"errors"
	"fmt"
)

// ErrFormat says that a stream is not a WAV, or not one that can be read: no
// failure of the network or the disk, but of what came over it. It is wrapped
// with what is wrong.
var ErrFormat = errors.New("not readable as WAV")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// An Encoding is how a WAV holds a sample: the format tag of its fmt chunk.
type Encoding uint16

// The encodings that can be read.
const (
	PCM   Encoding = 1
	Float Encoding = 3
	ALaw  Encoding = 6
	MuLaw Encoding = 7

	extensible Encoding = 0xfffe // the true tag follows
)

func (e Encoding) String() string {
	switch e {
	case PCM:
		return "PCM"
	case Float:
		return "float"
	case ALaw:
		return "A-law"
	case MuLaw:
		return "µ-law"
	}
	return fmt.Sprintf("format %#04x", uint16(e))
}

// Rates of a WAV that is read or written, in hertz.
const (
	MinRate = 4000
	MaxRate = 192000
)

// A Format is what a WAV holds.
type Format struct {
	Rate     int // in hertz
	Channels int
	Encoding Encoding // for reading; what is written is PCM
	Bits     int      // a sample, as the file has it; what is written has 16
}

func (f Format) String() string {
	return fmt.Sprintf("%s, %d bits, %d Hz, %d channels", f.Encoding, f.Bits, f.Rate, f.Channels)
}

// MaxChannels is how many channels a WAV that is read or written may have.
const MaxChannels = 256

// maxFrame is the most bytes that one sample of all channels takes.
const maxFrame = MaxChannels * 8

// validate checks what a fmt chunk says.
func (f Format) validate() error {
	if f.Rate < MinRate || f.Rate > MaxRate {
		return malformed("a rate of %d Hz, want %d to %d", f.Rate, MinRate, MaxRate)
	}
	if f.Channels < 1 || f.Channels > MaxChannels {
		return malformed("%d channels, want 1 to %d", f.Channels, MaxChannels)
	}
	if expander(f.Encoding, f.Bits) == nil {
		return malformed("%s of %d bits, want PCM, float, A-law or µ-law", f.Encoding, f.Bits)
	}
	return nil
}
