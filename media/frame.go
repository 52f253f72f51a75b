package media

import "time"

// Period is the length of one tick: the beat on which all sound moves.
const Period = 20 * time.Millisecond

// MaxSamples is the size of a Frame at the highest Rate, 48 kHz.
const MaxSamples = 960

// A Rate is a sampling rate in hertz. The pipeline carries the five rates of
// telephony and of its codecs; files and sockets of any other rate are
// converted at the edge (package resample).
type Rate int

// The rates a Frame can have.
const (
	Rate8k  Rate = 8000  // narrowband: G.711
	Rate16k Rate = 16000 // wideband: G.722, recordings, streams
	Rate24k Rate = 24000 // streams
	Rate32k Rate = 32000
	Rate48k Rate = 48000 // fullband: Opus
)

// Samples is how many samples one Period has at this rate: 160 at 8 kHz.
func (r Rate) Samples() int { return int(r) / 50 }

// Valid reports whether a Frame can have this rate.
func (r Rate) Valid() bool {
	switch r {
	case Rate8k, Rate16k, Rate24k, Rate32k, Rate48k:
		return true
	}
	return false
}

// A Frame is one Period of mono 16-bit linear PCM. It is a value: to keep
// sound, copy the Frame.
type Frame struct {
	// Rate is set by whoever asks for sound; whoever gives it obeys.
	Rate Rate
	// Tick counts periods since the room began. It is the time axis of
	// recordings and streams, and advances through skipped ticks.
	Tick uint64
	// Lost says that this is concealment, not something that was heard.
	Lost bool

	pcm [MaxSamples]int16
}

// PCM is the frame's samples at its Rate: a view, valid as long as the frame.
func (f *Frame) PCM() []int16 { return f.pcm[:f.Rate.Samples()] }

// Silence sets every sample to zero.
func (f *Frame) Silence() { clear(f.PCM()) }

// CopyFrom makes f equal to src, copying only the samples that src has.
func (f *Frame) CopyFrom(src *Frame) {
	f.Rate, f.Tick, f.Lost = src.Rate, src.Tick, src.Lost
	copy(f.PCM(), src.PCM())
}
