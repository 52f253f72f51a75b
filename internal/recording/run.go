package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/media/record"
)

// Run writes until Stop, or until ctx is done, which ends it in the same way,
// and completes the files. What goes wrong (the disk is full) ends the sound
// there, and is Result.Err as well as what Run returns.
func (r *Recording) Run(ctx context.Context) error {
	err := r.rec.Run(ctx)
	r.end()
	if errors.Is(err, context.Cause(ctx)) {
		err = nil // that is a way to stop
	}
	result := r.describe()
	if result.Samples == 0 {
		err = errors.Join(err, r.discard())
	} else {
		err = errors.Join(err, r.complete(&result))
	}
	result.Err = err
	r.mu.Lock()
	r.result = result
	r.mu.Unlock()
	close(r.done)
	return err
}

// describe is the result, without its files.
func (r *Recording) describe() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	written := r.rec.Report()
	return Result{
		ID:           r.o.ID,
		Call:         r.o.Call,
		Started:      r.started,
		Duration:     written.Duration(),
		Mixed:        r.o.Mixed,
		Format:       r.o.Format,
		Rate:         record.Rate,
		Samples:      int64(written.Samples),
		Dropped:      written.Dropped,
		Pauses:       append([]Pause(nil), r.pauses...),
		Participants: append([]Participant(nil), r.participants...),
	}
}

// discard drops a file in which nothing was written: a recording that began
// with a pause and was never resumed has none.
func (r *Recording) discard() error {
	r.file.Close() // nothing of value is in it
	if err := os.Remove(r.file.Name()); err != nil {
		return fmt.Errorf("discard document: %w", err)
	}
	return nil
}

// complete makes the document count: sound first, metadata after it.
func (r *Recording) complete(result *Result) error {
	c := Chunk{
		Document: r.o.ID + "-0", Started: result.Started, Duration: result.Duration,
		EndReason: "SessionEnded",
	}
	if stat, err := r.file.Stat(); err == nil {
		c.Bytes = stat.Size()
	}
	there, err := r.store.finish(r.file)
	if !there {
		return err
	}
	result.Chunks = append(result.Chunks, c)
	return errors.Join(err, r.describeIn(c, result), r.store.settle())
}

// describeIn writes a chunk's page of metadata.
func (r *Recording) describeIn(c Chunk, result *Result) error {
	page, err := r.store.create(c.Document, metadataEnd)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(page).Encode(r.metadata(result, c)); err != nil {
		page.Close()           // it does not count
		os.Remove(page.Name()) // nor is it needed
		return fmt.Errorf("write metadata: %w", err)
	}
	_, err = r.store.finish(page)
	return err
}

// metadata is the page that describes a chunk.
func (r *Recording) metadata(result *Result, c Chunk) acs.RecordingMetadata {
	m := acs.RecordingMetadata{
		ResourceID: r.o.Resource, CallID: r.o.Call,
		ChunkDocumentID: c.Document, ChunkIndex: c.Index,
		ChunkStartTime: c.Started.UTC(), ChunkDuration: c.Duration.Milliseconds(),
		PauseResumeIntervals: []acs.RecordingPause{},
		RecordingInfo: acs.RecordingInfo{
			ContentType: "unmixed", ChannelType: "audio", Format: result.Format,
			Audio: acs.AudioConfiguration{
				SampleRate: int(result.Rate), Channels: r.o.MaxChannels,
				BitRate: 16 * int(result.Rate) * r.o.MaxChannels,
			},
		},
		Participants: []acs.RecordingParticipant{},
	}
	if result.Mixed {
		m.RecordingInfo.ContentType = "mixed"
	}
	for _, p := range result.Pauses {
		m.PauseResumeIntervals = append(m.PauseResumeIntervals, acs.RecordingPause{
			StartTime: p.Started.UTC(), Duration: p.Duration.Milliseconds(),
		})
	}
	for _, p := range result.Participants {
		entry := acs.RecordingParticipant{ParticipantID: p.ID}
		if p.Channel >= 0 {
			entry.Channel = &p.Channel
		}
		m.Participants = append(m.Participants, entry)
	}
	return m
}
