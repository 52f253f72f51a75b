package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	streamName = "JOURNAL"
	subject    = "journal"
	probeBytes = groupBytes
	patience   = 5 // tries to open a broken store again before it is given up
)

// reopen starts the store over.
func (l *Log) reopen() error {
	l.door.Lock()
	defer l.door.Unlock()
	if l.store != nil {
		l.store.close()
		l.store = nil
	}
	l.mu.Lock()
	last, shelves := l.index.last, l.shelves
	l.mu.Unlock()
	st, ix, err := l.load(last, l.w.tries >= patience)
	if err != nil {
		return err
	}
	for _, s := range shelves {
		if err := s.open(st); err != nil {
			st.close()
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.index = st, ix
	for _, key := range l.queue.removed() {
		ix.remove(key)
	}
	return nil
}

// load opens the store and reads it. Messages after last, if it is not zero, are
// deleted: nobody was promised them. At last, a store that still cannot be
// opened, though the disk can be written and is not merely slow, is moved aside.
func (l *Log) load(last uint64, atLast bool) (st *store, ix *index, err error) {
	for range 2 {
		if st, ix, err = l.guarded(last); err == nil {
			return st, ix, nil
		}
		if !atLast || errors.Is(err, errPassing) || errors.Is(err, errSilent) {
			return nil, nil, err
		}
	}
	if bad := probe(l.c.Dir); bad != nil {
		return nil, nil, errors.Join(err, bad)
	}
	to, bad := l.moveAside()
	if bad != nil {
		return nil, nil, errors.Join(err, bad)
	}
	l.count.damaged("store", 1)
	l.c.Log.Error("journal: it cannot be opened, a new one is begun", "folder", l.c.Dir, "moved to", to, "error", err)
	return l.guarded(0)
}

// guarded opens and reads the store so that nothing of it is lost if it fails.
func (l *Log) guarded(last uint64) (*store, *index, error) {
	g, err := newGuard(l.c.Dir)
	if err != nil {
		return nil, nil, err
	}
	st, ix, err := l.try(g, last)
	if err != nil {
		if bad := g.restore(); bad != nil {
			return nil, nil, errors.Join(err, bad) // the guard stays
		}
		g.release()
		return nil, nil, err
	}
	if n := g.cut(); n > 0 {
		l.count.damaged("cut", 1)
		l.c.Log.Error("journal: bytes that cannot be read were cut off", "folder", l.c.Dir, "bytes", n)
	}
	for _, stream := range g.lost() { // a shelf
		l.count.damaged("store", 1)
		to := l.aside()
		l.c.Log.Error("journal: a shelf cannot be opened", "stream", stream, "moved to", to, "error", g.move(stream, to))
	}
	g.release()
	return st, ix, nil
}

func (l *Log) try(g *guard, last uint64) (*store, *index, error) {
	st, err := openStore(filepath.Join(l.c.Dir, storeDir), !l.c.NoSync, l.c.Log)
	if err != nil {
		return nil, nil, err
	}
	if lost := g.lost(); slices.Contains(lost, streamName) || len(lost) > 0 && st.talk.passes() {
		err = fmt.Errorf("open the store: %v cannot be opened", lost)
	}
	var ix *index
	if err == nil {
		ix, err = l.read(st, last)
	}
	if err != nil {
		st.close()
		return nil, nil, st.told(err)
	}
	return st, ix, nil
}

// read makes the index of a store.
func (l *Log) read(st *store, last uint64) (*index, error) {
	_, had := os.Stat(filepath.Join(l.c.Dir, storeDir, streamsDir, streamName))
	made, err := st.stream(server.StreamConfig{Name: streamName, Subjects: []string{subject}})
	if err != nil {
		return nil, err
	}
	if made && had == nil {
		l.count.damaged("description", 1)
		l.c.Log.Error("journal: what describes its stream was damaged, and made again", "folder", l.c.Dir)
	}
	info, err := st.info(streamName)
	if err != nil {
		return nil, err
	}
	r := reading{index: newIndex(), tick: l.w.tick, last: last}
	state := info.State
	if err := st.scan(streamName, state.FirstSeq, state.LastSeq, r.take); err != nil {
		return nil, err
	}
	r.end(state.LastSeq)
	for _, seq := range r.unwanted {
		if err := st.remove(streamName, seq); err != nil {
			return nil, err
		}
		r.index.last = seq
	}
	if r.garbled+r.lost > 0 {
		l.count.damaged("garbled", r.garbled)
		l.count.damaged("lost", r.lost)
		l.c.Log.Error("journal: it is damaged; what can be read is kept", "folder", l.c.Dir,
			"messages garbled", r.garbled, "messages lost", r.lost, "records kept", len(r.index.entries))
	}
	return r.index, nil
}

// reading is one pass through the log.
type reading struct {
	index    *index
	tick     uint64
	last     uint64   // the last message that anybody was promised; 0: all
	unwanted []uint64 // those after it
	first    uint64   // sequence of the first that was read
	hidden   uint64   // garbled ones since the last good one
	garbled  uint64
	lost     uint64
}

// take takes the next message in.
func (r *reading) take(seq uint64, msg []byte) error {
	if r.last > 0 && seq > r.last {
		r.unwanted = append(r.unwanted, seq)
		return nil
	}
	if r.first == 0 {
		r.first = seq
	}
	h, records, err := decode(msg)
	if err != nil {
		r.garbled++
		r.hidden++
		return nil
	}
	if before := r.index.number; before != 0 && h.number > before+1+r.hidden {
		r.lost += h.number - before - 1 - r.hidden
	}
	r.hidden = 0
	r.index.apply(seq, len(msg), r.tick, h, records, false)
	return nil
}

// end looks at what is missing before and after what was read: the head up to
// the floor, and the tail up to the last sequence of the stream.
func (r *reading) end(last uint64) {
	x := r.index
	if r.first > x.floor && x.floor > 0 {
		r.lost += r.first - x.floor
	}
	if r.last > 0 {
		last = min(last, r.last)
	}
	if end := x.last + r.hidden; end < last {
		r.lost += last - end
	}
	x.last = max(x.last, last)
}

// aside is a new name beside the folder, for what cannot be opened.
func (l *Log) aside() string {
	return filepath.Clean(l.c.Dir) + ".broken-" + time.Now().UTC().Format("20060102T150405.000000")
}

// moveAside puts a store that cannot be opened where nobody loses it.
func (l *Log) moveAside() (to string, err error) {
	from := filepath.Join(l.c.Dir, storeDir)
	to = l.aside()
	if err = os.Rename(from, to); err == nil {
		return to, nil
	}
	to = filepath.Join(l.c.Dir, filepath.Base(to)) // the folder may be a disk of its own
	if inside := os.Rename(from, to); inside != nil {
		return "", fmt.Errorf("move it aside: %w", errors.Join(err, inside))
	}
	return to, nil
}

// probe writes, syncs and removes a file, to learn whether the disk has room.
func probe(dir string) error {
	name := filepath.Join(dir, "probe")
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("try the disk: %w", fullOr(err))
	}
	_, err = f.Write(make([]byte, probeBytes))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close(), os.Remove(name)); err != nil {
		return fmt.Errorf("try the disk: %w", fullOr(err))
	}
	return nil
}
