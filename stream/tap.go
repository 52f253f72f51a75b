package stream

import (
	"io"
	"slices"
	"sync/atomic"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
)

func (s *Session) rouse() {
	if s.waiting.Load() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// A Tap takes one participant's voice into a session. It is a media.Sink.
type Tap struct {
	participant []byte // in JSON; empty for mixed sound
	sink        media.Sink
	ring        *media.Ring
	session     *Session
	closed      atomic.Bool

	// Of the goroutine that writes:
	heard   bool
	next    uint64 // the tick that should come next
	dropped uint64 // of the ring, when last looked at
}

// Tap makes a tap for a participant, "4:+15550100". In a mixed session the name
// is not sent, and one tap is all it needs.
func (s *Session) Tap(participant string) *Tap {
	t := &Tap{session: s, ring: media.NewRing(max(1, int(s.o.Patience/media.Period)))}
	if !s.o.Mixed {
		t.participant = appendString(nil, participant)
	}
	t.sink = resample.NewSink(s.o.Rate, t.ring)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taps = append(s.taps, t)
	return t
}

// Write takes one frame. It never blocks; after the session's end, or Close, it
// returns io.ErrClosedPipe.
func (t *Tap) Write(f *media.Frame) error {
	if t.closed.Load() || t.session.ended.Load() {
		return io.ErrClosedPipe
	}
	if err := t.sink.Write(f); err != nil {
		return err
	}
	t.session.rouse()
	return nil
}

// remove forgets a tap that is closed and empty.
func (s *Session) remove(t *Tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taps = slices.DeleteFunc(s.taps, func(other *Tap) bool { return other == t })
}

// Close says that the participant has gone. What the tap still holds is sent.
func (t *Tap) Close() {
	t.closed.Store(true)
	t.session.rouse()
}

// Dropped is how many frames the peer was too slow for.
func (t *Tap) Dropped() uint64 { return t.ring.Dropped() }
