package journal

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Memory is a Journal that lasts as long as the process. Its zero value is
// ready.
type Memory struct {
	mu      sync.Mutex
	records map[string]kept
	puts    uint64
}

// kept is a value, and which put it came by.
type kept struct {
	value []byte
	put   uint64
}

// Commit keeps records; see Journal.
func (m *Memory) Commit(ctx context.Context, records ...Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	m.Later(records...)
	return nil
}

// Later keeps records, too.
func (m *Memory) Later(records ...Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string]kept{}
	}
	for _, r := range records {
		if r.Value == nil {
			delete(m.records, r.Key)
			continue
		}
		m.puts++
		m.records[r.Key] = kept{bytes.Clone(r.Value), m.puts}
	}
}

// Get gives the value under a key.
func (m *Memory) Get(key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.records[key]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return bytes.Clone(k.value), nil
}

// Each gives the records under a prefix.
func (m *Memory) Each(prefix string, f func(key string, value []byte) error) error {
	type found struct {
		key string
		kept
	}
	var all []found
	m.mu.Lock()
	for key, k := range m.records {
		if strings.HasPrefix(key, prefix) {
			all = append(all, found{key, kept{bytes.Clone(k.value), k.put}})
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b found) int { return int(a.put) - int(b.put) })
	for _, r := range all {
		if err := f(r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}
