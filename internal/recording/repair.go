package recording

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/media/wav"
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
// then. It wraps ErrDamaged when what stood for its sound is none of ours, or
// is gone; what can be read is in Chunks.
func (s *Store) Repair(ctx context.Context) ([]Result, error) {
	found, err := s.survey()
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		results []Result
		failed  []error
		next    = make(chan string)
	)
	for range min(slots, len(found)) {
		wg.Go(func() {
			for id := range next {
				r, err := s.repair(id)
				mu.Lock()
				if r.ID != "" {
					results = append(results, r)
				}
				if err != nil {
					failed = append(failed, fmt.Errorf("repair recording %s: %w", id, err))
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range found {
		if ctx.Err() != nil {
			failed = append(failed, fmt.Errorf("repair recordings: %w", context.Cause(ctx)))
			break
		}
		next <- id
	}
	close(next)
	wg.Wait()
	failed = append(failed, s.settle())
	slices.SortFunc(results, func(a, b Result) int { return a.Started.Compare(b.Started) })
	return results, errors.Join(failed...)
}

// survey finds the recordings that are to be looked at, and clears away pages
// that were half written. Of anything else it leaves its hands.
func (s *Store) survey() ([]string, error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing was ever recorded
	} else if err != nil {
		return nil, fmt.Errorf("look at the recordings' folder: %w", err)
	}
	found := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if document, ok := strings.CutSuffix(name, metadataEnd+partEnd); ok { // a manifest, too
			if e.Type().IsRegular() && safe(strings.TrimSuffix(document, ".manifest")) {
				os.Remove(filepath.Join(s.Dir, name)) // what it was to say can be said again
			}
			continue
		}
		document, ok := strings.CutSuffix(name, manifestEnd)
		if !ok {
			document, ok = strings.CutSuffix(name, soundEnd+partEnd)
		}
		if !ok {
			continue
		}
		if id, first := strings.CutSuffix(document, documentOf("")); first && safe(document) && id != "" {
			found[id] = true
			continue
		}
		s.log().Warn("not a recording's", "file", name)
		s.count("damaged")
		if err := s.aside(filepath.Join(s.Dir, name)); err != nil {
			s.log().Error("repair recordings", "file", name, "err", err)
		}
	}
	ids := make([]string, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// repair completes one recording and says what it came to, with an ID if it came
// to anything, and what went wrong now.
func (s *Store) repair(id string) (Result, error) {
	m, err := s.known(id)
	if m == nil && err == nil {
		s.found(id, "empty", Result{})
		return Result{}, nil
	} else if m == nil {
		outcome := "damaged"
		if !errors.Is(err, ErrDamaged) {
			outcome, err = "failed", fmt.Errorf("%w: %w", ErrUnfinished, err)
		}
		r := Result{ID: id, Format: "wav", Err: err}
		s.found(id, outcome, r)
		return r, err
	}
	outcome := "completed"
	if _, err := os.Lstat(filepath.Join(s.Dir, documentOf(id)+soundEnd)); err == nil {
		outcome = "announced late"
	}
	if m.close(s.lastSign(m)) {
		err = s.write(m, true) // while it can still be told when
	}
	r := s.complete(m)
	err = errors.Join(err, r.Err)
	switch {
	case errors.Is(err, ErrUnfinished):
		outcome = "failed"
	case errors.Is(err, ErrDamaged):
		outcome = "damaged"
	case len(r.Chunks) == 0:
		outcome = "empty"
	}
	if r.Err = err; m.Error != "" { // why it ended early, then
		r.Err = errors.Join(errors.New(m.Error), err)
	}
	s.found(id, outcome, r)
	return r, err
}

// known is what is known of a recording: its manifest, or one by what its file
// says. It is nil for a file without sound, of which nothing is known.
func (s *Store) known(id string) (*manifest, error) {
	m, err := s.read(id)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, ErrDamaged): // perhaps of a later version
		s.log().Warn("repair recording", "recording", id, "err", err)
		if err := s.aside(s.manifest(id)); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if m, err = s.adopt(id); err != nil {
		return nil, err
	}
	return m, nil
}

// found counts and logs what became of a recording.
func (s *Store) found(id, outcome string, r Result) {
	s.count(outcome)
	level := slog.LevelInfo
	if r.Err != nil {
		level = slog.LevelError
	}
	s.log().Log(context.Background(), level, "repaired recording",
		"recording", id, "call", r.Call, "outcome", outcome, "sound", r.Duration, "err", r.Err)
}

// lastSign is when a recording was last seen alive.
func (s *Store) lastSign(m *manifest) time.Time {
	path, err := s.source(filepath.Join(s.Dir, documentOf(m.ID)+soundEnd))
	if err != nil {
		return m.Started
	}
	stat, err := os.Lstat(path)
	if err != nil {
		return m.Started
	}
	return stat.ModTime()
}

// adopt makes a manifest for sound that has none, by what the file says. One
// without sound is dropped, and has no manifest; what is no sound of ours is
// put aside, with ErrDamaged.
func (s *Store) adopt(id string) (*manifest, error) {
	path, err := s.source(filepath.Join(s.Dir, documentOf(id)+soundEnd))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() // what was written is synced when it is completed
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	format, samples, err := mendFile(f, stat, wav.Format{})
	switch {
	case errors.Is(err, wav.ErrFormat):
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrDamaged, err), s.aside(path))
	case err != nil:
		return nil, err
	case samples == 0:
		return nil, os.Remove(path)
	}
	m := &manifest{
		Version: manifestVersion, ID: id, Mixed: format.Channels == 1, Format: "wav",
		Rate: format.Rate, Channels: format.Channels,
	}
	m.Started = stat.ModTime().Add(-m.duration(samples))
	return m, s.write(m, true)
}

// Announced says that the end of a recording has been told, and cannot be
// forgotten any more: Repair need not give its Result again. A recording that
// is not known, or was announced before, is no error. An error says that it is
// not complete yet; then the next Repair gives it once more.
func (s *Store) Announced(id string) error {
	if !safe(id) {
		return nil
	}
	path := filepath.Join(s.Dir, documentOf(id)+soundEnd)
	if _, err := os.Lstat(path + partEnd); err == nil {
		return fmt.Errorf("announce recording: %w", ErrUnfinished)
	}
	if err := s.missing(id, path); err != nil {
		return fmt.Errorf("announce recording: %w", err)
	}
	if err := os.Remove(s.manifest(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("announce recording: %w", err)
	}
	return nil
}

// missing writes the page of metadata for which the disk had no room.
func (s *Store) missing(id, sound string) error {
	page, err := s.path(documentOf(id), metadataEnd)
	if err != nil {
		return nil // no recording has such a name
	}
	if _, err := os.Lstat(page); err == nil {
		return nil
	}
	if _, err := os.Lstat(sound); err != nil {
		return nil // nothing was recorded
	}
	m, err := s.read(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // announced before
	} else if err != nil {
		return err
	}
	return s.complete(m).Err
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

func (s *Store) count(outcome string) {
	s.Metrics.Counter("recording_repaired_total", "outcome", outcome, "Recordings that a restart found, by what became of them").Add(1)
}

func (s *Store) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
