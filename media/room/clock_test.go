package room_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/room"
)

var errBroken = errors.New("broken")

// TestARoomOnAMetronome lives a room's life in virtual time: it is asked to
// play, tells of the end, leaves, and takes nothing in any more.
func TestARoomOnAMetronome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := metronome.New(metronome.Config{Workers: 1})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- clock.Run(ctx) }()
		r := room.New()
		seat := clock.Add(r)
		began := time.Now()
		r.Do(func(r *room.Room) {
			r.Plug(&room.Port{Peer: new(peer)})
			r.Play = r.Announce(7, lasting(2, 500, errBroken))
		})
		<-r.Notices().C()
		if n, ok := r.Notices().Next(); !ok || n.Token != 7 || n.Err != errBroken {
			t.Errorf("notice %v, want the end of play 7", n)
		}
		if took := time.Since(began); took < 10*time.Second || took > 10*time.Second+2*media.Period {
			t.Errorf("500 frames took %v, want 10 s", took)
		}
		gone := make(chan struct{})
		ran := false
		if !r.Do(func(*room.Room) { ran = true }) {
			t.Error("Do was refused by a room that ticks")
		}
		seat.Remove(func() { close(gone) })
		<-gone
		if !ran || r.Do(func(*room.Room) {}) {
			t.Errorf("what was accepted has run: %v; want true, and nothing accepted after it", ran)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
