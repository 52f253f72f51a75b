package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// A Store keeps documents in one folder: DOCUMENT.wav, the sound, and
// DOCUMENT.json, the page of metadata. What is being written has ".part" at the
// end of its name. Its methods may be called at the same time.
//
// A recording that was not announced yet has DOCUMENT.manifest.json beside it.
// What Repair finds and cannot be a recording goes to the folder "damaged".
type Store struct {
	Dir     string       // made when it is not there
	Metrics *metric.Set  // may be nil
	Log     *slog.Logger // of what Repair finds; nil means none

	once sync.Once
	slot chan struct{} // of who brings a file to the disk
}

// slots is how many files are brought to the disk at once: each takes a thread
// of the system, and the disk has its own limits.
const slots = 8

// The ends of file names.
const (
	soundEnd    = ".wav"
	metadataEnd = ".json"
	partEnd     = ".part"
)

// Info says what a document is.
type Info struct {
	Size        int64 // bytes
	ModTime     time.Time
	ContentType string // audio/wav
}

// Open opens the sound of a document, or fails with ErrNotFound. The caller
// closes it.
func (s *Store) Open(document string) (io.ReadSeekCloser, Info, error) {
	path, err := s.path(document, soundEnd)
	if err != nil {
		return nil, Info{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, fmt.Errorf("open document: %w", absent(err))
	}
	stat, err := f.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		f.Close() // nothing was written
		return nil, Info{}, fmt.Errorf("open document: %w", err)
	}
	return f, Info{Size: stat.Size(), ModTime: stat.ModTime(), ContentType: "audio/wav"}, nil
}

// Metadata is the JSON page of a document, or ErrNotFound.
func (s *Store) Metadata(document string) ([]byte, error) {
	path, err := s.path(document, metadataEnd)
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read metadata: %w", absent(err))
	}
	return page, nil
}

// Delete removes a document, sound and metadata, or fails with ErrNotFound.
// Who has it open may read on.
func (s *Store) Delete(document string) error {
	sound, err := s.path(document, soundEnd)
	if err != nil {
		return err
	}
	page, err := s.path(document, metadataEnd)
	if err != nil {
		return err
	}
	first := os.Remove(sound)
	second := os.Remove(page)
	os.Remove(filepath.Join(s.Dir, document+manifestEnd)) // who deletes it has heard of it
	for _, err := range []error{first, second} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete document: %w", err)
		}
	}
	if first != nil && second != nil {
		return fmt.Errorf("delete document: %w", ErrNotFound)
	}
	return nil
}

// path is where a part of a document is. A name that could lead out of the
// folder, or that a file system does not take, is that of no document.
func (s *Store) path(document, end string) (string, error) {
	if !safe(document) {
		return "", fmt.Errorf("%w: %.40q", ErrNotFound, document)
	}
	return filepath.Join(s.Dir, document+end), nil
}

// safe reports whether a name can be a document's: letters, digits, '-' and
// '_', up to 128 of them.
func safe(name string) bool {
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return 0 < len(name) && len(name) <= 128
}

// absent turns "no such file" into ErrNotFound.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

// create makes a file that does not count yet.
func (s *Store) create(document, end string) (*os.File, error) {
	path, err := s.path(document, end)
	if err != nil {
		return nil, fmt.Errorf("recording: %.40q cannot name a document", document)
	}
	if err := os.MkdirAll(s.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the recordings' folder: %w", err)
	}
	for _, taken := range []string{path, path + partEnd} {
		if _, err := os.Lstat(taken); err == nil {
			return nil, fmt.Errorf("create document: %w: %s", fs.ErrExist, document)
		}
	}
	f, err := os.OpenFile(path+partEnd, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create document: %w", err)
	}
	return f, nil
}

// sync brings a file to the disk, a few at a time.
func (s *Store) sync(f *os.File) error {
	s.once.Do(func() { s.slot = make(chan struct{}, slots) })
	s.slot <- struct{}{}
	defer func() { <-s.slot }()
	return f.Sync()
}

// settle makes the names in the folder last.
func (s *Store) settle() error {
	d, err := os.Open(s.Dir)
	if err != nil {
		return fmt.Errorf("sync the recordings' folder: %w", err)
	}
	defer d.Close() // nothing was written through it
	if err := s.sync(d); err != nil {
		return fmt.Errorf("sync the recordings' folder: %w", err)
	}
	return nil
}
