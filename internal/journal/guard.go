package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Where the store keeps things, below a Log's folder.
const (
	storeDir = "store"
	guardDir = "guard"
)

var streamsDir = filepath.Join("jetstream", "$G", "streams")

// guard is a second name for every file of a store while it is being opened: the
// server deletes a stream that it cannot open, be it only because the process has
// too many files open. A nil guard guards nothing.
type guard struct {
	dir   string           // of the Log
	sizes map[string]int64 // of the files of messages, by their path
}

// newGuard links all files of the streams. Where there are no links it gives nil.
func newGuard(dir string) (*guard, error) {
	g := &guard{dir: dir, sizes: map[string]int64{}}
	if err := errors.Join(g.restore(), os.RemoveAll(g.path(guardDir))); err != nil { // of a process that was killed
		return nil, fmt.Errorf("%w: guard the store: %w", errPassing, err)
	}
	err := g.link()
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return g, nil
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, fs.ErrPermission):
		return nil, os.RemoveAll(g.path(guardDir))
	}
	err = errors.Join(err, os.RemoveAll(g.path(guardDir)))
	if isFull(err.Error()) && g.writable() {
		return nil, nil // a full disk is to be read
	}
	return nil, fmt.Errorf("%w: guard the store: %w", errPassing, err)
}

// link gives every file its second name.
func (g *guard) link() error {
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), storeDir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := guardDir + strings.TrimPrefix(name, storeDir)
		if e.IsDir() {
			return root.MkdirAll(to, 0o700)
		}
		if info, err := e.Info(); err == nil && strings.HasSuffix(name, ".blk") {
			g.sizes[name] = info.Size()
		}
		return root.Link(name, to)
	})
}

// writable tries what the server tries with every stream before it reads it.
func (g *guard) writable() bool {
	streams, err := os.ReadDir(filepath.Join(g.path(storeDir), streamsDir))
	for _, e := range streams {
		if err != nil {
			break
		}
		var f *os.File
		if f, err = os.CreateTemp(filepath.Join(g.path(storeDir), streamsDir, e.Name()), "try"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	return err == nil
}

func (g *guard) path(name string) string { return filepath.Join(g.dir, name) }

// lost lists the streams that the server has deleted.
func (g *guard) lost() (streams []string) {
	if g == nil {
		return nil
	}
	had, _ := os.ReadDir(filepath.Join(g.path(guardDir), streamsDir)) // not there: none
	for _, e := range had {
		if _, err := os.Lstat(filepath.Join(g.path(storeDir), streamsDir, e.Name())); errors.Is(err, fs.ErrNotExist) {
			streams = append(streams, e.Name())
		}
	}
	return streams
}

// restore gives deleted streams back to the store.
func (g *guard) restore() error {
	for _, name := range g.lost() {
		if err := g.move(name, filepath.Join(g.path(storeDir), streamsDir)); err != nil {
			return err
		}
	}
	return nil
}

// move takes a deleted stream into a folder. The server, for a moment yet, may
// remove that folder while it is empty.
func (g *guard) move(stream, to string) (err error) {
	from := filepath.Join(g.path(guardDir), streamsDir, stream)
	for range 10 {
		if err = os.MkdirAll(to, 0o700); err == nil {
			if err = os.Rename(from, filepath.Join(to, stream)); err == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("restore the store: %w", err)
}

// cut is how many bytes the server cut off the files of messages, because it
// could not read them.
func (g *guard) cut() (n int64) {
	if g == nil {
		return 0
	}
	for name, size := range g.sizes {
		if info, err := os.Stat(g.path(name)); err == nil && info.Size() < size {
			n += size - info.Size()
		}
	}
	return n
}

// release gives the second names up.
func (g *guard) release() {
	if g != nil {
		_ = os.RemoveAll(g.path(guardDir)) // tried again when the next is made
	}
}
