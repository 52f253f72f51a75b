package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/wav"
)

// A manifest is what must be known of a recording beside its sound, for the day
// on which nobody is left to tell. It stands beside the file from the start on,
// until the recording was announced.
type manifest struct {
	Version      int           `json:"version"`
	ID           string        `json:"id"`
	Call         string        `json:"call,omitempty"`
	Resource     string        `json:"resource,omitempty"`
	Mixed        bool          `json:"mixed,omitempty"`
	Format       string        `json:"format"`
	Rate         int           `json:"rate"` // of the file, in hertz
	Channels     int           `json:"channels"`
	Started      time.Time     `json:"started"`
	Pauses       []span        `json:"pauses,omitempty"`
	Participants []Participant `json:"participants,omitempty"`

	// Since the end of the sound:
	Ended   bool   `json:"ended,omitempty"`
	Samples int64  `json:"samples,omitempty"`
	Dropped uint64 `json:"dropped,omitempty"`
	Error   string `json:"error,omitempty"`
}

// A span is a pause. An open one has no end yet.
type span struct {
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration,omitempty"` // in nanoseconds
	Open     bool          `json:"open,omitempty"`
}

const (
	manifestVersion = 1
	manifestEnd     = ".manifest.json"
	maxManifest     = 1 << 20 // bytes; what is longer is none
	maxTime         = 100 * 365 * 24 * time.Hour
)

// documentOf is the name of a recording's document.
func documentOf(id string) string { return id + "-0" }

// manifest is where the manifest of a recording is.
func (s *Store) manifest(id string) string {
	return filepath.Join(s.Dir, documentOf(id)+manifestEnd)
}

// write puts a manifest in the place of the one before, all or nothing. A
// lasting one is on the disk when write returns.
func (s *Store) write(m *manifest, lasting bool) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := s.replace(s.manifest(m.ID), text, lasting); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// replace writes a whole small file under a temporary name and renames it.
func (s *Store) replace(path string, text []byte, lasting bool) error {
	part := path + partEnd
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && lasting {
		err = s.sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part) // it does not count
	}
	return err
}

// read reads the manifest of a recording. ErrDamaged says that it is none.
func (s *Store) read(id string) (*manifest, error) {
	f, err := os.Open(s.manifest(id))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	m, err := parse(text)
	if err == nil && m.ID != id {
		err = fmt.Errorf("%w: it is that of %.40q", ErrDamaged, m.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return m, nil
}

// parse reads a manifest, or says ErrDamaged.
func parse(text []byte) (*manifest, error) {
	m := new(manifest)
	if len(text) > maxManifest {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrDamaged, maxManifest)
	}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, nil
}

// check says what cannot be true.
func (m *manifest) check() error {
	switch {
	case m.Version != manifestVersion:
		return fmt.Errorf("version %d", m.Version)
	case !safe(m.ID) || !safe(documentOf(m.ID)):
		return fmt.Errorf("%.40q cannot be an id", m.ID)
	case m.Format != "wav":
		return fmt.Errorf("format %.20q", m.Format)
	case m.Rate < wav.MinRate || m.Rate > wav.MaxRate || m.Channels < 1 || m.Channels > wav.MaxChannels:
		return fmt.Errorf("%d channels at %d Hz", m.Channels, m.Rate)
	case m.Samples < 0 || !sane(m.Started):
		return fmt.Errorf("%d samples since %v", m.Samples, m.Started)
	}
	for _, p := range m.Pauses {
		if p.Duration < 0 || p.Duration > maxTime || !sane(p.Started) {
			return fmt.Errorf("a pause of %v at %v", p.Duration, p.Started)
		}
	}
	for _, p := range m.Participants {
		if p.Channel < -1 || p.Channel >= m.Channels {
			return fmt.Errorf("somebody on channel %d of %d", p.Channel, m.Channels)
		}
	}
	return nil
}

// sane reports whether a time can be spelled, with any pause behind it.
func sane(t time.Time) bool { y := t.UTC().Year(); return 1 <= y && y < 9000 }

// close ends the pauses that are open, if there are any.
func (m *manifest) close(at time.Time) (some bool) {
	for i := range m.Pauses {
		if p := &m.Pauses[i]; p.Open {
			p.Open, p.Duration, some = false, min(max(at.Sub(p.Started), 0), maxTime), true
		}
	}
	return some
}

// result is what the recording came to, with so much sound in its file.
func (m *manifest) result(samples int64) Result {
	r := Result{
		ID: m.ID, Call: m.Call, Started: m.Started, Mixed: m.Mixed, Format: m.Format,
		Rate: media.Rate(m.Rate), Samples: samples, Duration: m.duration(samples), Dropped: m.Dropped,
		Participants: append([]Participant(nil), m.Participants...),
	}
	for _, p := range m.Pauses {
		r.Pauses = append(r.Pauses, Pause{Started: p.Started, Duration: p.Duration})
	}
	return r
}

// duration is how long so many samples play.
func (m *manifest) duration(samples int64) time.Duration {
	rate := int64(m.Rate)
	return time.Duration(samples/rate)*time.Second + time.Duration(samples%rate)*time.Second/time.Duration(rate)
}

// page is the page of metadata that describes a chunk.
func (m *manifest) page(c Chunk) acs.RecordingMetadata {
	page := acs.RecordingMetadata{
		ResourceID: m.Resource, CallID: m.Call,
		ChunkDocumentID: c.Document, ChunkIndex: c.Index,
		ChunkStartTime: c.Started.UTC(), ChunkDuration: c.Duration.Milliseconds(),
		PauseResumeIntervals: []acs.RecordingPause{},
		RecordingInfo: acs.RecordingInfo{
			ContentType: "unmixed", ChannelType: "audio", Format: m.Format,
			Audio: acs.AudioConfiguration{
				SampleRate: m.Rate, Channels: m.Channels, BitRate: 16 * m.Rate * m.Channels,
			},
		},
		Participants: []acs.RecordingParticipant{},
	}
	if m.Mixed {
		page.RecordingInfo.ContentType = "mixed"
	}
	for _, p := range m.Pauses {
		page.PauseResumeIntervals = append(page.PauseResumeIntervals, acs.RecordingPause{
			StartTime: p.Started.UTC(), Duration: p.Duration.Milliseconds(),
		})
	}
	for _, p := range m.Participants {
		entry := acs.RecordingParticipant{ParticipantID: p.ID}
		if p.Channel >= 0 {
			entry.Channel = &p.Channel
		}
		page.Participants = append(page.Participants, entry)
	}
	return page
}
