package recording

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tipring/tipring/media/record"
)

// syncEvery is how often the sound is brought to the disk: what a power cut may
// cost. What a crash of the process may cost is less than a second, for then
// the system keeps all that was written.
const syncEvery = 5 * time.Second

// Run writes until Stop, or until ctx is done, which ends it in the same way,
// and completes the files. What goes wrong (the disk is full) ends the sound
// there, and is Result.Err as well as what Run returns.
func (r *Recording) Run(ctx context.Context) error {
	stop, kept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(kept)
		r.keep(stop)
	}()
	err := r.rec.Run(ctx)
	r.end()
	close(stop)
	<-kept
	if errors.Is(err, context.Cause(ctx)) {
		err = nil // that is a way to stop
	}
	if e := r.file.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("close recording: %w", e))
	}
	m := r.describe()
	written := r.rec.Report()
	m.Ended, m.Samples, m.Dropped = true, int64(written.Samples), written.Dropped
	if err != nil {
		m.Error = err.Error()
	}
	err = errors.Join(err, r.store.write(m, true))
	result := r.store.complete(m)
	err = errors.Join(err, result.Err, r.store.settle())
	result.Err = err
	r.mu.Lock()
	r.result = result
	r.mu.Unlock()
	close(r.done)
	return err
}

// describe is the manifest of the recording as it is now.
func (r *Recording) describe() *manifest {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &manifest{
		Version: manifestVersion,
		ID:      r.o.ID, Call: r.o.Call, Resource: r.o.Resource, Mixed: r.o.Mixed, Format: r.o.Format,
		Rate: int(record.Rate), Channels: r.o.MaxChannels, Started: r.started,
		Participants: append([]Participant(nil), r.participants...),
	}
	for _, p := range r.pauses {
		m.Pauses = append(m.Pauses, span{Started: p.Started, Duration: p.Duration})
	}
	if r.state == paused {
		m.Pauses = append(m.Pauses, span{Started: r.pausedAt, Open: true})
	}
	return m
}

// change has the manifest written again, soon.
func (r *Recording) change() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// synced is asked by the writing about once a second whether the disk still
// takes what it is given.
func (r *Recording) synced() error {
	if err := r.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// keep stands beside the writing, which so never waits for the disk to be in
// step: it writes the manifest when something has changed, and brings sound and
// manifest to the disk from time to time.
func (r *Recording) keep(stop <-chan struct{}) {
	behind := r.begin() != nil
	beat := time.NewTicker(syncEvery)
	defer beat.Stop()
	for {
		select {
		case <-stop:
			return
		case <-r.changed:
			behind = r.store.write(r.describe(), true) != nil
		case <-beat.C:
			if behind { // the disk was full, perhaps; at the end it counts
				behind = r.store.write(r.describe(), true) != nil
			}
			r.alive()
			if err := r.store.sync(r.file); err != nil {
				err = fmt.Errorf("sync recording: %w", err)
				r.failed.Store(&err)
				return
			}
		}
	}
}

// begin makes the beginning last: the names and the manifest.
func (r *Recording) begin() error {
	return errors.Join(r.store.write(r.describe(), true), r.store.settle())
}

// alive leaves a sign of life while nothing is written, by which Repair knows
// how long a pause was that a crash ended. It is the pause's own time, which no
// change of the clock on the wall bends.
func (r *Recording) alive() {
	r.mu.Lock()
	at, idle := r.pausedAt, r.state == paused
	r.mu.Unlock()
	if idle {
		at = at.Add(time.Since(at))
		_ = os.Chtimes(r.file.Name(), at, at) // an error costs some seconds of a pause's length
	}
}
