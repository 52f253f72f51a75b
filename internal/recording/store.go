package recording

import (
	"errors"
	"io"
	"time"
)

// A Store keeps documents in one folder.
type Store struct {
	Dir string
}

// Info says what a document is.
type Info struct {
	Size        int64
	ModTime     time.Time
	ContentType string // audio/wav
}

// Start begins a recording.
func (s *Store) Start(o Options) (*Recording, error) { return nil, errors.New("soon") }

// Open opens the sound of a document, or fails with ErrNotFound.
func (s *Store) Open(document string) (io.ReadSeekCloser, Info, error) {
	return nil, Info{}, errors.New("soon")
}

// Metadata is the JSON page of a document, or ErrNotFound.
func (s *Store) Metadata(document string) ([]byte, error) { return nil, errors.New("soon") }

// Delete removes a document, sound and metadata.
func (s *Store) Delete(document string) error { return errors.New("soon") }
