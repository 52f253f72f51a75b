package journal

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// MemoryShelf is a Shelver that lasts as long as the process. Its zero value has
// the default bounds.
type MemoryShelf struct {
	ShelfConfig
	Metrics *metric.Set // journal_discarded_total; may be nil

	mu     sync.Mutex
	last   uint64
	values []shelved // ascending
	bytes  int64
}

type shelved struct {
	seq   uint64
	value []byte
	added time.Time
}

// Add keeps a value; see Shelver.
func (m *MemoryShelf) Add(ctx context.Context, value []byte) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("shelve: %w", err)
	}
	c := m.withDefaults()
	if int64(len(value)) > c.MaxBytes {
		return 0, fmt.Errorf("shelve %d bytes: %w", len(value), ErrFull)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.values = append(m.values, shelved{m.last, bytes.Clone(value), time.Now()})
	m.bytes += int64(len(value))
	for m.bytes > c.MaxBytes {
		m.discard("full")
	}
	m.expire()
	return m.last, nil
}

// Get gives a value.
func (m *MemoryShelf) Get(seq uint64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire()
	for _, v := range m.values {
		if v.seq == seq {
			return bytes.Clone(v.value), nil
		}
	}
	return nil, fmt.Errorf("%w: %d", ErrNotFound, seq)
}

// List gives values in order.
func (m *MemoryShelf) List(after uint64, n int, f func(seq uint64, value []byte) error) error {
	m.mu.Lock()
	m.expire()
	var found []shelved
	for _, v := range m.values {
		if v.seq > after && len(found) < n {
			found = append(found, shelved{seq: v.seq, value: bytes.Clone(v.value)})
		}
	}
	m.mu.Unlock()
	for _, v := range found {
		if err := f(v.seq, v.value); err != nil {
			return err
		}
	}
	return nil
}

// Remove lets go of a value.
func (m *MemoryShelf) Remove(seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, v := range m.values {
		if v.seq == seq {
			m.bytes -= int64(len(v.value))
			m.values = append(m.values[:i], m.values[i+1:]...)
			break
		}
	}
	return nil
}

// Len is how many there are.
func (m *MemoryShelf) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire()
	return len(m.values)
}

// expire discards what is too old; the lock is held.
func (m *MemoryShelf) expire() {
	age := m.withDefaults().MaxAge
	for len(m.values) > 0 && time.Since(m.values[0].added) > age {
		m.discard("age")
	}
}

// discard lets go of the oldest; the lock is held.
func (m *MemoryShelf) discard(reason string) {
	m.bytes -= int64(len(m.values[0].value))
	m.values = m.values[1:]
	countDiscarded(m.Metrics, reason, 1)
}
