package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// writer is what only the writer's goroutine touches.
type writer struct {
	group  group
	tick   uint64 // ticks so far, about seconds
	purged uint64 // the tick of the last purge
	tries  int    // to open the store again
	next   uint64 // the tick of the next try
	mended uint64 // the tick of the last that held
}

// How the head of the log is cleaned.
const (
	carryBytes = 256 << 10 // carried forward in one message, or one message of the head
	carryTick  = 16 << 20  // carried in one tick, or a quarter of the log
	carryNear  = 4 << 20   // carried near the bound, after which there is more room
	purgeBytes = 8 << 20   // purged at once
	purgeTicks = 10        // less than that is purged so often, if it is more than idleBytes
	maxBackoff = 8         // ticks between two tries to open a broken store again
	calm       = 60        // ticks after which a new failure is not the old one
)

// write is the one goroutine that writes the log, until Close.
func (l *Log) write(ticks <-chan time.Time) {
	defer close(l.done)
	for {
		select {
		case <-l.queue.wake:
			if l.round() == nil && l.nearBound() {
				l.clean()
			}
			if l.queue.waits(false) {
				l.queue.kick()
			}
		case <-ticks:
			l.beat()
		case err := <-l.hurt:
			l.breakDown(nil, err)
		case <-l.stop:
			l.finish()
			return
		}
	}
}

// beat does what is due every second.
func (l *Log) beat() {
	l.w.tick++
	if l.queue.brokenBy() != nil && !l.mend() {
		return
	}
	for l.queue.waits(true) {
		if l.round() != nil {
			return
		}
	}
	l.clean()
}

// finish writes what is left and lets go of everything.
func (l *Log) finish() {
	for l.queue.brokenBy() == nil && l.queue.waits(true) {
		_ = l.round() // whoever waits is told
	}
	if l.queue.brokenBy() != nil {
		l.count.failed("later", uint64(len(l.queue.removed())))
	}
	l.door.Lock()
	defer l.door.Unlock()
	if l.store != nil {
		l.store.close()
		l.store = nil
	}
	if err := l.lock.Close(); err != nil {
		l.c.Log.Warn("journal: the lock", "error", err)
	}
}

// round writes what waits, as one group. It does nothing when nothing does.
func (l *Log) round() error {
	l.mu.Lock()
	h, room := l.index.head(), l.c.MaxBytes-l.index.bytes
	l.mu.Unlock()
	g := &l.w.group
	g.begin(h)
	taken := l.queue.take(g, groupBytes, func(records []Record, grown int) error {
		if len(removals(records)) < len(records) && int64(grown+bytesOf(records)) > room {
			return fmt.Errorf("%w: %d bytes are the limit", ErrFull, l.c.MaxBytes)
		}
		return nil
	})
	if len(g.records) == 0 {
		answer(taken, nil)
		return nil
	}
	return l.put(taken)
}

// put publishes the group, takes it into the index and answers who waits for it.
func (l *Log) put(taken []*item) error {
	g := &l.w.group
	msg := g.message()
	seq, err := l.store.publish(context.Background(), subject, msg)
	if err != nil {
		l.breakDown(taken, err)
		return err
	}
	l.mu.Lock()
	l.index.apply(seq, len(msg), l.w.tick, g.head, g.records, true)
	l.mu.Unlock()
	answer(taken, nil)
	if cap(g.buf) > 2*groupBytes {
		g.buf = nil
	}
	return nil
}

func answer(taken []*item, err error) {
	for _, it := range taken {
		if it.done != nil {
			it.done <- err
		}
	}
}

// breakDown fails everybody who waits, and all that come until the store has
// been opened again.
func (l *Log) breakDown(taken []*item, err error) {
	err = fullOr(err)
	if l.queue.brokenBy() == nil {
		if l.w.tick > l.w.mended+calm {
			l.w.tries = 0
		}
		l.w.backOff()
		l.c.Log.Error("journal: nothing is kept until it can be written again", "folder", l.c.Dir, "error", err)
	}
	l.queue.fail(taken, fmt.Errorf("the journal cannot be written: %w", err))
}

// mend tries to open a broken store again, and says whether it could.
func (l *Log) mend() bool {
	if l.w.tick < l.w.next {
		return false
	}
	l.w.backOff()
	if probe(l.c.Dir) != nil {
		return false // what is there can still be read
	}
	if err := l.reopen(); err != nil {
		l.c.Log.Error("journal: it cannot be opened again", "folder", l.c.Dir, "error", err)
		return false
	}
	if l.declare() != nil { // it has to be written to be known as whole
		return false
	}
	l.w.mended = l.w.tick
	l.queue.mended()
	l.c.Log.Info("journal: it can be written again", "folder", l.c.Dir)
	return true
}

// backOff sets when to try next.
func (w *writer) backOff() {
	w.next = w.tick + uint64(min(1<<w.tries, maxBackoff))
	w.tries = min(w.tries+1, maxBackoff)
}

// clean carries live records forward when the log has grown far beyond them, and
// purges the head.
func (l *Log) clean() {
	near := l.nearBound()
	limit := max(carryTick, l.sizes().bytes/4)
	if near {
		limit = carryNear
	}
	for spent := int64(0); spent < limit && l.dirty(); spent += int64(len(l.w.group.buf)) {
		if l.carry() != nil {
			return
		}
		if !near && l.queue.waits(false) && l.round() != nil { // near the bound there may be no room before the purge
			return
		}
	}
	s := l.sizes()
	switch {
	case s.garbage >= purgeBytes:
	case s.garbage >= idleBytes && (l.w.tick >= l.w.purged+purgeTicks || l.nearBound()):
	default:
		return
	}
	if s.floor < s.needed && l.declare() != nil {
		return
	}
	l.purge()
}

// declare writes a message without records: it says what no longer counts, and
// must be there before that is purged.
func (l *Log) declare() error {
	l.mu.Lock()
	h := l.index.head()
	l.mu.Unlock()
	l.w.group.begin(h)
	return l.put(nil)
}

// purge deletes what is below the declared floor.
func (l *Log) purge() {
	floor := l.sizes().floor
	if err := l.store.purge(streamName, floor); err != nil {
		l.breakDown(nil, fmt.Errorf("purge: %w", err))
		return
	}
	l.mu.Lock()
	n := l.index.purged(floor)
	l.mu.Unlock()
	l.w.purged = l.w.tick
	l.count.cleaned.Add(uint64(n))
}

func (l *Log) dirty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.dirty(l.w.tick, l.c.MaxBytes)
}

// nearBound says that cleaning cannot wait.
func (l *Log) nearBound() bool { return l.sizes().bytes > l.c.MaxBytes/4*3 }

type sizes struct {
	bytes, garbage int64
	needed, floor  uint64
}

func (l *Log) sizes() sizes {
	l.mu.Lock()
	defer l.mu.Unlock()
	needed := l.index.needed()
	return sizes{l.index.bytes, l.index.garbage, needed, l.index.floor}
}

// carry writes live values of the head again, as a group of their own: they must
// have room when nothing else has.
func (l *Log) carry() error {
	l.mu.Lock()
	h := l.index.head()
	var places []place
	places, h.floor = l.index.carry(carryBytes)
	l.mu.Unlock()
	l.w.group.begin(h)
	for len(places) > 0 {
		n := window(places)
		values, err := l.values(places[:n])
		for i, p := range places[:n] {
			switch {
			case err != nil:
			case values[i] != nil:
				l.w.group.carry(p.key, p.order, values[i])
			default:
				err = l.rescue(p)
			}
		}
		if err != nil {
			l.breakDown(nil, err)
			return err
		}
		places = places[n:]
	}
	return l.put(nil)
}

// rescue carries one value that was not read with the others, or, when it is
// damaged, lets go of it: it would hold up the head for ever.
func (l *Log) rescue(p place) error {
	value, err := l.value(p)
	switch {
	case err == nil:
		l.w.group.carry(p.key, p.order, value)
		return nil
	case !errors.Is(err, errMissing) && !errors.Is(err, errGarbled):
		return err
	}
	l.unreadable(p, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if now, ok := l.index.find(p.key); ok && now == p {
		l.index.remove(p.key)
	}
	return nil
}
