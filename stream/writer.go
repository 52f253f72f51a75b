package stream

import (
	"context"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tipring/tipring/media"
)

// pingEvery keeps a quiet connection alive in the eyes of proxies.
const pingEvery = 30 * time.Second

// longestFill is the longest gap in a participant's ticks that is filled with
// silence. It is for ticks that the room skipped: frames that were dropped are
// left out, and the timestamps show it.
const longestFill = 50

// A writer is the goroutine that takes frames out of a session's taps and puts
// them on the socket.
type writer struct {
	s     *Session
	ws    *websocket.Conn
	began time.Time // the moment of tick 0
	stop  time.Time // when the last write must be done; zero: not stopping

	taps  []*Tap
	frame media.Frame
	out   []byte
}

// run writes until ctx is done (nil) or the socket fails. over says that the
// reading side has told its end.
func (w *writer) run(ctx context.Context, closed <-chan ending) (err error, over bool) {
	if err := w.hello(); err != nil {
		return err, false
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case end := <-closed:
			return end.err, true
		case <-ctx.Done():
			return nil, false
		default:
		}
		if any, err := w.round(); err != nil {
			return err, false
		} else if any {
			continue
		}
		w.s.waiting.Store(true)
		if any, err := w.round(); err != nil { // written between the look and the raised hand
			return err, false
		} else if any {
			w.s.waiting.Store(false)
			continue
		}
		select {
		case <-w.s.wake:
		case <-ping.C:
			w.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) //nolint:errcheck // the next frame finds out
		case end := <-closed:
			return end.err, true
		case <-ctx.Done():
		}
		w.s.waiting.Store(false)
	}
}

// hello writes the first frame.
func (w *writer) hello() error {
	w.out = AppendMetadata(w.out[:0], Metadata{
		Subscription: w.s.o.Subscription,
		Rate:         w.s.o.Rate,
		Length:       2 * w.s.o.Rate.Samples(),
	})
	if err := w.send(); err != nil {
		return err
	}
	if w.s.o.Started != nil {
		w.s.o.Started()
	}
	return nil
}

// goodbye sends what the taps still hold and closes the socket in an orderly
// way: our close frame, then the peer's, for a second each at most.
func (w *writer) goodbye(closed <-chan ending) (over bool) {
	w.stop = time.Now().Add(farewell)
	w.s.ended.Store(true)
	for any, err := w.round(); any && err == nil; {
		any, err = w.round()
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if w.ws.WriteControl(websocket.CloseMessage, bye, w.stop) != nil {
		return false
	}
	patience := time.NewTimer(farewell)
	defer patience.Stop()
	select {
	case <-closed:
		return true
	case <-patience.C:
		return false
	}
}

// round writes one frame of every tap that has one, so that the participants
// stay in step. When none has, it writes a digit.
func (w *writer) round() (any bool, err error) {
	w.gather()
	for _, t := range w.taps {
		gone := t.closed.Load() // before the look, so that nothing is left behind
		if !t.ring.TryNext(&w.frame) {
			if gone {
				w.s.remove(t)
			}
			continue
		}
		any = true
		if err := w.sound(t); err != nil {
			return true, err
		}
	}
	if any {
		return true, nil
	}
	select {
	case symbol := <-w.s.digits:
		w.out = AppendDigit(w.out[:0], Digit{Symbol: symbol})
		return true, w.send()
	default:
		return false, nil
	}
}

// gather takes a copy of the list of taps.
func (w *writer) gather() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.taps = append(w.taps[:0], w.s.taps...)
}

// sound writes w.frame, of t, and what is missing before it.
func (w *writer) sound(t *Tap) error {
	f := &w.frame
	if w.began.IsZero() {
		w.began = time.Now().Add(-time.Duration(f.Tick) * media.Period).Truncate(time.Millisecond)
	}
	dropped := t.ring.Dropped()
	if t.heard && f.Tick > t.next && f.Tick-t.next <= longestFill && dropped == t.dropped {
		for ; t.next < f.Tick; t.next++ {
			if err := w.audio(t, t.next, silence[:w.s.o.Rate.Samples()], true); err != nil {
				return err
			}
		}
	}
	w.s.droppedFrames.Add(dropped - t.dropped)
	t.heard, t.dropped, t.next = true, dropped, f.Tick+1
	return w.audio(t, f.Tick, f.PCM(), silent(f.PCM()))
}

var silence [media.MaxSamples]int16

func (w *writer) audio(t *Tap, tick uint64, pcm []int16, silent bool) error {
	w.out = appendAudio(w.out[:0], Audio{
		Time:   w.began.Add(time.Duration(tick) * media.Period),
		PCM:    pcm,
		Silent: silent,
	}, t.participant)
	w.s.framesSent.Add(1)
	return w.send()
}

// send writes one frame to the socket.
func (w *writer) send() error {
	by := w.stop
	if by.IsZero() {
		by = time.Now().Add(w.s.o.Timeout)
	}
	if err := w.ws.SetWriteDeadline(by); err != nil {
		return err
	}
	return w.ws.WriteMessage(websocket.TextMessage, w.out)
}
