package recording

import (
	"context"
	"errors"
	"time"

	"github.com/tipring/tipring/media"
)

// What callers branch on.
var (
	// ErrState: not in this state: a pause of what is paused, a resume of what
	// is running, anything of what has ended.
	ErrState = errors.New("recording: not in this state")
	// ErrUnsupported: a format that cannot be written here.
	ErrUnsupported = errors.New("recording: this format is not offered")
	// ErrNotFound: no such document.
	ErrNotFound = errors.New("recording: no such document")
)

// Options says what is recorded and how. Its zero value, with an ID, is an
// unmixed WAV of 16 kHz.
type Options struct {
	ID           string     // of the recording; documents are named after it
	Call         string     // serverCallId, for the metadata
	Resource     string     // resourceId, for the metadata
	Mixed        bool       // one channel for all
	Format       string     // "wav" or empty; "mp3" is ErrUnsupported
	Channels     []string   // participants of channel 0, 1, …; others follow as they come
	MaxChannels  int        // 0 means 5; those who come later are not recorded
	Rate         media.Rate // 0 means 16 kHz
	PauseOnStart bool
}

// A Result is what a recording came to.
type Result struct {
	ID           string
	Started      time.Time
	Duration     time.Duration // of its sound: pauses are not counted
	Mixed        bool
	Format       string // "wav"
	Rate         media.Rate
	Chunks       []Chunk
	Pauses       []Pause
	Participants []Participant
	Err          error // why the files end early: the disk was full, say
}

// A Chunk is one file of a recording.
type Chunk struct {
	Document  string // names it in the Store
	Index     int
	Started   time.Time
	Duration  time.Duration
	Bytes     int64
	EndReason string // SessionEnded
}

// A Pause is a time in which nothing was recorded.
type Pause struct {
	Started  time.Time
	Duration time.Duration
}

// A Participant is one who was recorded.
type Participant struct {
	ID      string
	Channel int // −1: in the mix, or beyond the last channel
}

// A Recording is one recording that goes on.
type Recording struct{}

// Run writes until Stop, or until ctx is done, which ends it in the same way.
func (r *Recording) Run(ctx context.Context) error { return errors.New("soon") }

// Tap is where a participant's voice goes in. In a mixed recording one tap, of
// the sum, is enough; its name is noted as a participant.
func (r *Recording) Tap(participant string) media.Sink { return nil }

// Pause stops its time for now.
func (r *Recording) Pause() error { return errors.New("soon") }

// Resume lets it go on.
func (r *Recording) Resume() error { return errors.New("soon") }

// Active reports whether sound is being written: not paused, not ended.
func (r *Recording) Active() bool { return false }

// Stop ends it and waits until its files are complete, or ctx is done.
func (r *Recording) Stop(ctx context.Context) (Result, error) { return Result{}, errors.New("soon") }
