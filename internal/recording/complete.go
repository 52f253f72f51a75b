package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tipring/tipring/media/wav"
)

// damagedDir is where that goes which cannot be a recording.
const damagedDir = "damaged"

// complete makes the document of a recording that has ended: the sound first,
// the page of metadata after it. It is the same at a normal close and after a
// crash, and may be called again for what is complete, or half so.
func (s *Store) complete(m *manifest) Result {
	size, samples, err := s.sound(m)
	r := m.result(samples)
	r.Err = err
	if samples == 0 {
		return r
	}
	c := Chunk{
		Document: documentOf(m.ID), Started: r.Started, Duration: r.Duration,
		Bytes: size, EndReason: "SessionEnded",
	}
	r.Chunks = append(r.Chunks, c)
	r.Err = errors.Join(r.Err, s.page(m, c))
	return r
}

// sound makes the sound of a recording a whole file under its own name, if it
// is not yet, and says how many bytes it has and samples on each channel. A
// file without samples is dropped: a recording that began with a pause and was
// never resumed has none.
func (s *Store) sound(m *manifest) (size, samples int64, err error) {
	path := filepath.Join(s.Dir, documentOf(m.ID)+soundEnd)
	part, err := s.source(path)
	if errors.Is(err, fs.ErrNotExist) {
		if m.Samples > 0 {
			return 0, 0, fmt.Errorf("%w: its %d samples are gone", ErrDamaged, m.Samples)
		}
		return 0, 0, nil
	} else if err != nil {
		return 0, 0, err
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	size, samples, err = s.mend(f, m)
	if part == path {
		err = errors.Join(err, s.second(path+partEnd))
	}
	switch err = errors.Join(err, f.Close()); {
	case errors.Is(err, wav.ErrFormat):
		return 0, 0, errors.Join(fmt.Errorf("%w: %w", ErrDamaged, err), s.aside(part))
	case err != nil && samples == 0:
		return 0, 0, fmt.Errorf("%w: %w", ErrUnfinished, err)
	case samples == 0:
		if err := os.Remove(part); err != nil {
			return 0, 0, fmt.Errorf("discard document: %w", err)
		}
		return 0, 0, nil
	case part == path:
		return size, samples, err
	}
	if e := os.Rename(part, path); e != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrUnfinished, errors.Join(err, e))
	}
	return size, samples, err
}

// source is where the sound of a document is that has this path, or will have.
func (s *Store) source(path string) (string, error) {
	for _, at := range []string{path, path + partEnd} {
		stat, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", fmt.Errorf("%w: %w", ErrUnfinished, err)
		case !stat.Mode().IsRegular():
			return "", errors.Join(fmt.Errorf("%w: %s is no file", ErrDamaged, filepath.Base(at)), s.aside(at))
		}
		return at, nil
	}
	return "", fs.ErrNotExist
}

// second puts a sound aside whose document is complete: which of the two it is,
// nobody knows.
func (s *Store) second(part string) error {
	if _, err := os.Lstat(part); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(fmt.Errorf("%w: a second file for its sound", ErrDamaged), s.aside(part))
}

// mend makes the file of a sound whole and brings it to the disk. What cannot
// be brought there counts as well, for it is better than nothing.
func (s *Store) mend(f *os.File, m *manifest) (size, samples int64, err error) {
	stat, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	format, samples, err := mendFile(f, stat, wav.Format{Rate: m.Rate, Channels: m.Channels})
	if err != nil {
		return 0, 0, err
	}
	if samples == 0 {
		return 0, 0, nil
	}
	m.Rate, m.Channels = format.Rate, format.Channels // the file knows best
	if stat, err = f.Stat(); err != nil {
		return 0, 0, err
	}
	if err := s.sync(f); err != nil {
		return stat.Size(), samples, fmt.Errorf("sync document: %w", err)
	}
	return stat.Size(), samples, nil
}

// mendFile is wav.Mend, and leaves the file the time of its last sound.
func mendFile(f *os.File, stat fs.FileInfo, known wav.Format) (wav.Format, int64, error) {
	format, samples, err := wav.Mend(f, stat.Size(), known)
	if now, e := f.Stat(); e == nil && !now.ModTime().Equal(stat.ModTime()) {
		_ = os.Chtimes(f.Name(), stat.ModTime(), stat.ModTime()) // an error makes it look younger
	}
	return format, samples, err
}

// page writes a chunk's page of metadata, if it is not there yet.
func (s *Store) page(m *manifest, c Chunk) error {
	path := filepath.Join(s.Dir, c.Document+metadataEnd)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	text, err := json.Marshal(m.page(c))
	if err == nil {
		err = s.replace(path, append(text, '\n'), true)
	}
	if err != nil {
		return fmt.Errorf("write metadata: %w", err)
	}
	return nil
}

// aside puts a file that cannot be ours into the folder of the damaged, under
// its own name or the next that is free.
func (s *Store) aside(path string) error {
	dir := filepath.Join(s.Dir, damagedDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	to := filepath.Join(dir, filepath.Base(path))
	for n, name := 2, to; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = name + "." + strconv.Itoa(n)
	}
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	return nil
}
