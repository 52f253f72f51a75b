package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/resample"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
	"github.com/tipring/tipring/media/wav"
)

// saidIt is the token of the --say play in the room's notices.
const saidIt = 1

// A conversation is one call of `tipring call`, from the first ring to its
// last line of output.
type conversation struct {
	call  *callCmd
	out   io.Writer
	leg   leg.Leg
	room  *room.Room
	port  *room.Port
	voice media.Source
	ear   *writtenEar

	began    time.Time
	answered time.Time
	ended    leg.Ended
}

// open makes ready what the call needs when it is answered.
func (t *conversation) open(voice media.Source) error {
	t.voice = voice
	t.port = &room.Port{Peer: t.leg}
	if t.call.Record == "" {
		return nil
	}
	var err error
	t.ear, err = newWrittenEar(t.call.Record)
	return err
}

// run follows the call to its end.
func (t *conversation) run(ctx context.Context) {
	interrupted := ctx.Done()
	var over <-chan time.Time
	for {
		select {
		case e, ok := <-t.leg.Events():
			if !ok {
				return
			}
			t.event(e)
			if _, up := e.(leg.Answered); up && t.call.For > 0 {
				over = time.After(t.call.For)
			}
		case <-t.room.Notices().C():
			t.notices()
		case <-over:
			over = nil
			t.hangup()
		case <-interrupted:
			interrupted = nil
			t.hangup()
		}
	}
}

// hangup ends the call from our side; Ended follows.
func (t *conversation) hangup() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	t.leg.Hangup(ctx, leg.Normal) //nolint:errcheck // a far end that does not answer is gone as well
}

func (t *conversation) say(format string, args ...any) {
	fmt.Fprintf(t.out, "%6.2f s  ", time.Since(t.began).Seconds())
	fmt.Fprintf(t.out, format+"\n", args...)
}

// event tells what happened to the leg.
func (t *conversation) event(e leg.Event) {
	switch e := e.(type) {
	case leg.Ringing:
		t.say("ringing")
	case leg.Answered:
		t.answered = time.Now()
		t.say("answered")
		t.room.Do(t.begin)
	case leg.Held:
		if e.On {
			t.say("put on hold")
		} else {
			t.say("taken back from hold")
		}
	case leg.DigitsSent:
		if e.Err != nil {
			t.say("keys not sent: %v", e.Err)
		} else {
			t.say("pressed %s", t.call.DTMF)
		}
	case leg.Ended:
		t.ended = e
		t.say("%s", t.ending())
	}
}

// begin starts what --say, --dtmf and --record ask for, between two ticks.
func (t *conversation) begin(r *room.Room) {
	if t.voice != nil {
		t.port.Play = r.Announce(saidIt, t.voice)
	}
	if t.ear != nil {
		t.ear.start(t.leg.Rate())
		t.port.Taps = append(t.port.Taps, t.ear)
	}
	r.Plug(t.port)
	if t.call.DTMF != "" {
		t.leg.SendDigits(t.call.DTMF)
	}
}

// ending is who ended the call, in words.
func (t *conversation) ending() string {
	by := "we hung up"
	switch {
	case t.answered.IsZero() && t.ended.ByFarEnd:
		return "not answered: " + t.ended.Cause.String()
	case t.answered.IsZero():
		return "given up before the answer"
	case t.ended.ByFarEnd:
		by = "the far end hung up"
	}
	if t.ended.Cause != leg.Normal {
		by += " (" + t.ended.Cause.String() + ")"
	}
	return by
}

// notices tells what happened in the room.
func (t *conversation) notices() {
	for n, ok := t.room.Notices().Next(); ok; n, ok = t.room.Notices().Next() {
		switch {
		case n.Kind == room.Digit:
			t.say("heard key %c (%s)", n.Digit.Symbol, n.Digit.Way)
		case n.Kind == room.PlayEnded && n.Err != nil:
			t.say("%s could not be said: %v", t.call.Say, n.Err)
		case n.Kind == room.PlayEnded && n.Token == saidIt:
			t.say("said %s", t.call.Say)
		case n.Kind == room.PortFailed && errors.Is(n.Err, rtp.ErrTimeout):
			t.say("no sound from the far end")
			t.hangup()
		}
	}
}

// close takes the leg out of its room, tells how it sounded, and says whether
// the call was answered.
func (t *conversation) close(seat *metronome.Seat) error {
	var stats rtp.Stats
	t.room.Do(func(r *room.Room) {
		r.Unplug(t.port)
		if l, ok := t.leg.(interface{ Stats() rtp.Stats }); ok {
			stats = l.Stats()
		}
	})
	still := make(chan struct{})
	seat.Remove(func() { close(still) }) // its last tick runs what Do was given
	<-still
	t.notices()
	err := t.leg.Close()
	if t.ear != nil {
		err = errors.Join(err, t.ear.close())
	}
	if t.answered.IsZero() {
		return errors.Join(errNotAnswered, err)
	}
	lost := 0.0
	if all := float64(stats.PacketsIn) + float64(max(stats.Lost, 0)); all > 0 {
		lost = 100 * float64(max(stats.Lost, 0)) / all
	}
	fmt.Fprintf(t.out, "Talked for %.1f s. Heard %d packets, lost %.1f %%, jitter %.1f ms; sent %d, of which the far end lost %.1f %%.\n",
		time.Since(t.answered).Seconds(), stats.PacketsIn, lost, stats.Jitter.Seconds()*1000, stats.PacketsOut, 100*stats.FarLost)
	if t.ear != nil && err == nil {
		fmt.Fprintf(t.out, "What was heard is in %s.\n", t.call.Record)
	}
	return err
}

// openVoice reads a WAV file whole: the tick that plays it cannot wait for a
// disk.
func openVoice(name string) (media.Source, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("open sound: %w", err)
	}
	r, err := wav.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return resample.NewSource(r, r.Format().Rate), nil
}

// A writtenEar writes what it hears into a WAV file, on a goroutine of its own.
// Ticks that were skipped become silence.
type writtenEar struct {
	file *os.File
	ring *media.Ring
	rate media.Rate
	done chan error // nil until start
}

func newWrittenEar(name string) (*writtenEar, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &writtenEar{file: file, ring: media.NewRing(250)}, nil
}

// start begins to write, at the codec's rate. Run it between two ticks.
func (e *writtenEar) start(rate media.Rate) {
	e.rate, e.done = rate, make(chan error, 1)
	go func() { e.done <- e.write() }()
}

// Write hears a frame.
func (e *writtenEar) Write(f *media.Frame) error { return e.ring.Write(f) }

func (e *writtenEar) write() error {
	w, err := wav.NewWriter(e.file, wav.Format{Rate: int(e.rate), Channels: 1})
	if err != nil {
		return err
	}
	var convert resample.Converter
	in, out, silence := media.Frame{}, media.Frame{Rate: e.rate}, media.Frame{Rate: e.rate}
	next := uint64(0)
	for {
		err := e.ring.Next(context.Background(), &in)
		if errors.Is(err, io.EOF) {
			return w.Close()
		}
		for ; next != 0 && next < in.Tick && err == nil; next++ {
			err = w.WriteMono(silence.PCM())
		}
		next = in.Tick + 1
		convert.Convert(&out, &in)
		if err = errors.Join(err, w.WriteMono(out.PCM())); err != nil {
			return err
		}
	}
}

// close writes what is left. Call it after the last tick.
func (e *writtenEar) close() error {
	e.ring.Close()
	var err error
	if e.done != nil {
		err = <-e.done
	} else { // never answered: an empty file is a WAV, too
		e.rate = media.Rate8k
		err = e.write()
	}
	if err = errors.Join(err, e.file.Close()); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
