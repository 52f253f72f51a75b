package prompt

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tipring/tipring/media"
)

// A Prompt is a file that is being downloaded, or is there.
type Prompt struct {
	sound sound
	rate  atomic.Int64 // of the sound; 0 as long as it is not known

	begun   sync.Once
	ready   chan struct{} // closed at the first sound, or the end
	abandon context.CancelCauseFunc

	// Guarded by the library's mutex:
	key     key
	wanted  int           // contexts that are not done
	forget  []func() bool // ends the watch on those contexts
	done    bool
	expires int64 // in Unix nanoseconds, once done
}

// begin says that there is something to play, or to report.
func (p *Prompt) begin() { p.begun.Do(func() { close(p.ready) }) }

// Ready waits until the first sound is there (nil), the prompt has failed
// before it (the error) or ctx is done (its cause).
func (p *Prompt) Ready(ctx context.Context) error {
	select {
	case <-p.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if end := p.sound.ending.Load(); end != nil && p.sound.length.Load() == 0 {
		return end.err
	}
	return nil
}

// Source plays it once, from its beginning. It may be called many times: each
// play has a place of its own in the same sound. While the sound has not come
// the source is silent; when the download fails midway, its last word is an
// error that wraps ErrUnreachable or ErrFormat.
func (p *Prompt) Source() media.Source { return newVoice(p, false) }

// Looped plays it again and again until it is unplugged. The last sample is
// followed by the first, before any conversion of the rate: the seam is not
// heard.
func (p *Prompt) Looped() media.Source { return newVoice(p, true) }
