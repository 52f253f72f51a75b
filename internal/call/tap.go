package call

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/stream"
)

// closeTime is how long a recording may take to be completed on disk.
const closeTime = time.Minute

// ears are the sinks of one stream or recording: one behind the mix, or one
// behind each voice.
type ears struct {
	mixed bool
	make  func(participant string) media.Sink
	sinks []media.Sink
}

// ear makes one more sink.
func (e *ears) ear(participant string) media.Sink {
	s := e.make(participant)
	e.sinks = append(e.sinks, s)
	return s
}

// streamTap is a connection's media streaming while its session runs.
type streamTap struct {
	ears
	session *stream.Session
	inlet   *room.Port // where sound from the websocket comes in; may be nil
	cancel  context.CancelFunc
}

// recordTap is a recording while it is written.
type recordTap struct {
	ears
	recording *recording.Recording
}

// tapsFor are the taps that a participant's voice gets when it is plugged in.
func (c *Call) tapsFor(participant string) []media.Sink {
	var taps []media.Sink
	for _, s := range c.streams {
		if !s.mixed {
			taps = append(taps, s.ear(participant))
		}
	}
	for _, r := range c.recordings {
		if r.mixed {
			r.recording.Tap(participant) // its name alone: its voice is in the mix
		} else {
			taps = append(taps, r.ear(participant))
		}
	}
	return taps
}

// tap puts ears into the room as it is now.
func (c *Call) tap(e *ears) {
	if e.mixed {
		all := e.ear("")
		c.room.Do(func(r *room.Room) { r.Taps = append(r.Taps, all) })
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.legs)) { // in the order in which they came: so channels are given
		v := c.legs[id]
		if v.port == nil {
			continue
		}
		own, port := e.ear(v.participant), v.port
		c.room.Do(func(*room.Room) { port.Taps = append(port.Taps, own) })
	}
}

// untap takes ears out of the room.
func (c *Call) untap(e *ears) {
	var ports []*room.Port
	for _, v := range c.legs {
		if v.port != nil {
			ports = append(ports, v.port)
		}
	}
	gone := func(s media.Sink) bool { return slices.Contains(e.sinks, s) }
	c.room.Do(func(r *room.Room) {
		r.Taps = slices.DeleteFunc(r.Taps, gone)
		for _, p := range ports {
			p.Taps = slices.DeleteFunc(p.Taps, gone)
		}
	})
}

func (c *Call) openStream(a OpenStream) {
	o := stream.Options{
		URL: a.Streaming.URL, Connection: a.Connection, Correlation: c.machine.Correlation,
		Subscription: newID(), Rate: media.Rate(a.Streaming.Rate), Mixed: a.Streaming.Mixed,
		Digits: a.Streaming.Digits, Began: c.began,
		Dial: c.config.Dial, TLS: c.config.TLS, Counters: c.config.Metrics,
		Started: func() { c.post(StreamUp{a.Connection}) },
	}
	if c.config.Authorize != nil {
		o.Authorization = c.config.Authorize()
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &streamTap{cancel: cancel}
	if a.Streaming.Bidirectional {
		o.Inlet = stream.NewInlet(stream.InletOptions{Rate: o.Rate, Counters: c.config.Metrics})
		t.inlet = &room.Port{Peer: o.Inlet, Deaf: true}
		c.room.Do(func(r *room.Room) { r.Plug(t.inlet) })
	}
	t.session = stream.NewSession(o)
	c.streams[a.Connection] = t
	t.ears = ears{mixed: o.Mixed, make: func(participant string) media.Sink { return t.session.Tap(participant) }}
	c.tap(&t.ears)
	c.task(func() {
		defer cancel()
		c.post(StreamDown{a.Connection, t.session.Run(ctx)})
	})
}

func (c *Call) closeStream(connection string) {
	t := c.streams[connection]
	if t == nil {
		return
	}
	delete(c.streams, connection)
	c.untap(&t.ears)
	t.cancel()
	if t.inlet != nil {
		c.room.Do(func(r *room.Room) { r.Unplug(t.inlet) })
	}
}

func (c *Call) streamDigit(a StreamDigit) {
	if t := c.streams[a.Connection]; t != nil {
		t.session.Digit(a.Participant, a.Digit)
	}
}

func (c *Call) openRecording(a OpenRecording) {
	rec, err := c.config.Recordings.Start(recording.Options{
		ID: a.ID, Call: c.machine.ID, Mixed: a.Record.Mixed, Format: a.Record.Format,
		Channels: a.Record.Channels, PauseOnStart: a.Record.PauseOnStart,
	})
	switch {
	case errors.Is(err, recording.ErrUnsupported):
		err = &Error{Code: Invalid, Field: "recordingFormatType", Message: err.Error()}
	case err != nil:
		c.log.Error("start recording", "err", err)
		err = Errorf(Internal, "The recording could not be started.")
	default:
		t := &recordTap{ears{mixed: a.Record.Mixed, make: rec.Tap}, rec}
		c.recordings[a.ID] = t
		c.tap(&t.ears)
		c.nameAll(t)
		c.task(func() {
			if err := rec.Run(context.Background()); err != nil {
				c.log.Error("recording", "recording", a.ID, "err", err)
				c.post(RecordingBroke{a.ID})
			}
		})
	}
	c.pending = append(c.pending, RecordingOpened{a.Ask, a.ID, err})
}

// nameAll tells a mixed recording whose voices are in the mix.
func (c *Call) nameAll(t *recordTap) {
	for _, v := range c.legs {
		if t.mixed && v.port != nil {
			t.recording.Tap(v.participant)
		}
	}
}

func (c *Call) turnRecording(a TurnRecording) {
	t := c.recordings[a.ID]
	if t == nil {
		return
	}
	var err error
	switch a.Verb {
	case PauseRecording:
		err = t.recording.Pause()
	case ResumeRecording:
		err = t.recording.Resume()
	case StopRecording:
		delete(c.recordings, a.ID)
		c.untap(&t.ears)
		c.task(func() { c.post(RecordingClosed{a.ID, c.closeRecording(a.ID, t)}) })
	}
	if err != nil {
		c.log.Error("turn recording", "recording", a.ID, "err", err)
	}
}

// closeRecording completes a recording's files and says what they are.
func (c *Call) closeRecording(id string, t *recordTap) event.RecordingFileReady {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	result, err := t.recording.Stop(ctx)
	if err = errors.Join(err, result.Err); err != nil {
		c.log.Error("close recording", "recording", id, "err", err)
	}
	result.ID = id // of a result that did not come in time, too
	return result.Ready()
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
