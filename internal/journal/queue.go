package journal

import (
	"bytes"
	"fmt"
	"sync"
)

// queue holds what waits for the next group, in the order it came. Its methods
// may be called from any goroutine.
type queue struct {
	wake chan struct{} // somebody waits; capacity 1

	mu     sync.Mutex
	items  []*item
	broken error // why nothing is taken
	closed bool
}

// item is a Commit, or a Later.
type item struct {
	records []Record
	done    chan error // capacity 1; nil: nobody waits
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// commit adds a Commit, or says why not.
func (q *queue) commit(records []Record) (*item, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, ErrClosed
	case q.broken != nil:
		return nil, q.broken
	}
	it := &item{records: records, done: make(chan error, 1)}
	q.items = append(q.items, it)
	q.kick()
	return it, nil
}

// kick wakes the writer.
func (q *queue) kick() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// later adds copies of records that nobody waits for. While the journal is
// broken only removals of what is there are kept: what comes and goes meanwhile
// was never written. It says how many puts were not kept.
func (q *queue) later(records []Record, there map[string]bool) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return len(records)
	}
	it := &item{}
	for _, r := range records {
		if q.broken != nil && (r.Value != nil || !there[r.Key]) {
			if r.Value != nil {
				dropped++
			}
			continue
		}
		it.records = append(it.records, Record{r.Key, bytes.Clone(r.Value)})
	}
	if len(it.records) > 0 {
		q.items = append(q.items, it)
	}
	return dropped
}

// withdraw takes a Commit back that has not been taken yet.
func (q *queue) withdraw(it *item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.items {
		if other == it {
			q.items = append(q.items[:i:i], q.items[i+1:]...)
			return
		}
	}
}

// waits says whether a Commit waits, or, all included, anything.
func (q *queue) waits(all bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range q.items {
		if all || it.done != nil {
			return true
		}
	}
	return false
}

// take writes the items at the front of the queue into a group until it has
// about size bytes, and gives them. What refuse refuses is answered with its
// error; of a Later it drops the puts.
func (q *queue) take(g *group, size int, refuse func(records []Record, grown int) error) (taken []*item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for ; n < len(q.items) && len(g.buf) < size; n++ {
		it := q.items[n]
		if n > 0 && len(g.buf)+bytesOf(it.records) > size {
			break
		}
		if err := refuse(it.records, len(g.buf)); err != nil {
			if it.done != nil {
				it.done <- err
				continue
			}
			it.records = removals(it.records)
		}
		for _, r := range it.records {
			g.add(r)
		}
		taken = append(taken, it)
	}
	rest := q.items[n:]
	q.items = append(make([]*item, 0, len(rest)), rest...)
	return taken
}

// fail answers everybody who waits or was taken, keeps the removals of Later for
// afterwards, and takes no more until mended.
func (q *queue) fail(taken []*item, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
	all := append(taken, q.items...)
	q.items = nil
	for _, it := range all {
		if it.done != nil {
			it.done <- err
			continue
		}
		if it.records = removals(it.records); len(it.records) > 0 {
			q.items = append(q.items, it)
		}
	}
}

// brokenBy says why nothing is taken, if so.
func (q *queue) brokenBy() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.broken
}

func (q *queue) mended() {
	q.mu.Lock()
	q.broken = nil
	q.mu.Unlock()
}

// close takes no more, and says whether it was open.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := !q.closed
	q.closed = true
	return was
}

// removed gives the keys that wait to be removed.
func (q *queue) removed() (keys []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range q.items {
		for _, r := range it.records {
			if r.Value == nil {
				keys = append(keys, r.Key)
			}
		}
	}
	return keys
}

func removals(records []Record) (kept []Record) {
	for _, r := range records {
		if r.Value == nil {
			kept = append(kept, r)
		}
	}
	return kept
}

// bytesOf is about how many bytes records take in a group.
func bytesOf(records []Record) (n int) {
	for _, r := range records {
		n += len(r.Key) + len(r.Value) + recordCost
	}
	return n
}

// tooLarge says that a commit can never be written.
func tooLarge(records []Record) error {
	if n := bytesOf(records); n > maxCommit {
		return fmt.Errorf("%d bytes in one commit: at most %d", n, maxCommit)
	}
	return nil
}
