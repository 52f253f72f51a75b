package recording

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/record"
	"github.com/tipring/tipring/media/wav"
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
	// ErrUnfinished: the sound is safe, but could not be made a document now (the
	// disk does not let us). The next Repair tries again.
	ErrUnfinished = errors.New("recording: not completed yet")
	// ErrDamaged: what stood for the sound is none of ours; it was put aside.
	ErrDamaged = errors.New("recording: damaged")
)

// Options says what is recorded and how. Its zero value, with an ID, is an
// unmixed WAV of 16 kHz.
type Options struct {
	ID           string   // of the recording; documents are named after it
	Call         string   // serverCallId, for the metadata
	Resource     string   // resourceId, for the metadata
	Mixed        bool     // one channel for all
	Format       string   // "wav" or empty; "mp3" is ErrUnsupported
	Channels     []string // participants of channel 0, 1, …; others follow as they come
	MaxChannels  int      // of an unmixed file, which has them all from its beginning; 0 means 5
	PauseOnStart bool
}

// A Result is what a recording came to.
type Result struct {
	ID           string
	Call         string // Options.Call
	Started      time.Time
	Duration     time.Duration // of its sound: pauses are not counted
	Mixed        bool
	Format       string // "wav"
	Rate         media.Rate
	Samples      int64  // of one channel
	Dropped      uint64 // frames that are silence because the disk was slow
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

// A state is where a recording is in its life.
type state uint8

const (
	active state = iota
	paused
	ended
)

// A Recording is one recording that goes on. Its methods may be called from
// any goroutine.
type Recording struct {
	store   *Store
	o       Options
	started time.Time
	file    *os.File
	rec     *record.Recorder
	changed chan struct{}         // the manifest is to be written again
	failed  atomic.Pointer[error] // of bringing the sound to the disk
	done    chan struct{}         // closed when the result is there

	mu           sync.Mutex
	state        state
	pauses       []Pause
	pausedAt     time.Time
	channels     []string // who has which channel
	participants []Participant
	result       Result
}

// Start begins a recording, with time as soon as a tap is heard. The caller
// runs it. An error wraps ErrUnsupported when the format is not offered.
func (s *Store) Start(o Options) (*Recording, error) {
	if o.Format == "" {
		o.Format = "wav"
	}
	if !strings.EqualFold(o.Format, "wav") {
		return nil, fmt.Errorf("%w: %.20s; wav is", ErrUnsupported, o.Format)
	}
	o.Format = "wav"
	if o.MaxChannels <= 0 {
		o.MaxChannels = 5
	}
	if o.Mixed {
		o.MaxChannels, o.Channels = 1, nil
	}
	if !safe(o.ID) {
		return nil, fmt.Errorf("recording: %.40q cannot be its id", o.ID)
	}
	r := &Recording{
		store: s, o: o, started: time.Now(),
		changed: make(chan struct{}, 1), done: make(chan struct{}),
	}
	r.channels = append(r.channels, o.Channels[:min(len(o.Channels), o.MaxChannels)]...)
	if o.PauseOnStart {
		r.state, r.pausedAt = paused, r.started
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// open makes the file and its manifest.
func (r *Recording) open() error {
	if _, err := os.Lstat(r.store.manifest(r.o.ID)); err == nil {
		return fmt.Errorf("begin recording: %w: %s", fs.ErrExist, r.o.ID)
	}
	file, err := r.store.create(documentOf(r.o.ID), soundEnd)
	if err != nil {
		return err
	}
	w, err := wav.NewWriter(file, wav.Format{Rate: int(record.Rate), Channels: r.o.MaxChannels})
	if err == nil {
		err = r.store.write(r.describe(), false)
	}
	if err != nil {
		file.Close()           // nothing of value is in it
		os.Remove(file.Name()) // it does not count
		return fmt.Errorf("begin document: %w", err)
	}
	r.file, r.rec = file, record.Unmixed(w, r.o.MaxChannels)
	r.rec.Sync = r.synced
	if r.state == paused {
		r.rec.Pause(0)
	}
	return nil
}

// Tap is where a participant's voice goes in, and gives it a channel: its own
// by Options.Channels, or the next that is free; the one it had if it comes
// back. A sink beyond the last channel refuses its first frame. In a mixed
// recording one tap, of the sum, is enough; a name given to it is noted as a
// participant's. All taps of a recording belong to one room.
func (r *Recording) Tap(participant string) media.Sink {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.o.Mixed {
		if participant != "" {
			r.note(participant, -1)
		}
		return r.rec.Channel(0)
	}
	channel := slices.Index(r.channels, participant)
	if channel < 0 && len(r.channels) < r.o.MaxChannels {
		channel = len(r.channels)
		r.channels = append(r.channels, participant)
	}
	r.note(participant, channel)
	return r.rec.Channel(channel) // of −1: one that refuses
}

// note keeps a participant, once.
func (r *Recording) note(id string, channel int) {
	for _, p := range r.participants {
		if p.ID == id {
			return
		}
	}
	r.participants = append(r.participants, Participant{ID: id, Channel: channel})
	r.change()
}

// Pause stops its time for now, from the next tick on. It fails with ErrState
// unless the recording is active.
func (r *Recording) Pause() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != active {
		return fmt.Errorf("pause: %w", ErrState)
	}
	r.state, r.pausedAt = paused, time.Now()
	r.change()
	r.rec.Pause(r.rec.Now())
	return nil
}

// Resume lets it go on, right behind what was before the pause. It fails with
// ErrState unless the recording is paused.
func (r *Recording) Resume() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != paused {
		return fmt.Errorf("resume: %w", ErrState)
	}
	r.state = active
	r.endPause()
	r.change()
	r.rec.Resume(r.rec.Now())
	return nil
}

func (r *Recording) endPause() {
	r.pauses = append(r.pauses, Pause{Started: r.pausedAt, Duration: time.Since(r.pausedAt)})
}

// Active reports whether sound is being written: not paused, not ended.
func (r *Recording) Active() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == active
}

// end takes it to its last state and says whether this was the first call.
func (r *Recording) end() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == ended {
		return false
	}
	if r.state == paused {
		r.endPause()
	}
	r.state = ended
	return true
}

// Stop ends it, behind the last tick that was heard, and waits until its files
// are complete (or ctx is done). A second Stop gives the same result.
func (r *Recording) Stop(ctx context.Context) (Result, error) {
	if r.end() {
		r.rec.Stop(r.rec.Now())
	}
	select {
	case <-r.done:
		return r.result, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("stop recording: %w", context.Cause(ctx))
	}
}
