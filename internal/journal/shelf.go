package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tipring/tipring/internal/metric"
)

// A Shelver keeps values in the order they came, each by a number of its own
// that is never used again, and lets go of the oldest when there is no room.
// All methods may be called from any goroutine.
type Shelver interface {
	// Add keeps a value and gives its number, which is higher than any before. It
	// returns when the value is durable. An error wraps ErrFull or ErrClosed, or
	// says what the disk said.
	Add(ctx context.Context, value []byte) (seq uint64, err error)
	// Get gives the value of a number, or ErrNotFound.
	Get(seq uint64) ([]byte, error)
	// List calls f for at most n values with numbers above after, oldest first,
	// and stops at its first error. The value is f's to keep.
	List(after uint64, n int, f func(seq uint64, value []byte) error) error
	// Remove lets go of a value. One that is not there is no error.
	Remove(seq uint64) error
	// Len is how many there are.
	Len() int
}

// ShelfConfig bounds a shelf. Beyond a bound the oldest values are discarded,
// and counted (journal_discarded_total).
type ShelfConfig struct {
	MaxBytes int64         // 64 MiB
	MaxAge   time.Duration // 30 days
}

const (
	defaultShelfBytes = 64 << 20
	defaultShelfAge   = 30 * 24 * time.Hour
)

func (c ShelfConfig) withDefaults() ShelfConfig {
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultShelfBytes
	}
	if c.MaxAge <= 0 {
		c.MaxAge = defaultShelfAge
	}
	return c
}

func countDiscarded(s *metric.Set, reason string, n uint64) {
	s.Counter("journal_discarded_total", "reason", reason, "Values a shelf discarded because newer ones came").Add(n)
}

// Shelf is a Shelver that survives a crash: a stream beside the journal's own.
type Shelf struct {
	log    *Log
	name   string
	config ShelfConfig

	mu    sync.Mutex // held for one use, and guards what follows
	count uint64     // values, as last known
	since time.Time  // when the oldest of them came
}

var (
	_ Journal = (*Memory)(nil)
	_ Journal = (*Log)(nil)
	_ Shelver = (*MemoryShelf)(nil)
	_ Shelver = (*Shelf)(nil)
)

// Shelf opens a shelf beside the records, or makes it. Its name has letters and
// digits only. What is on it does not count for MaxBytes of the Log.
func (l *Log) Shelf(name string, c ShelfConfig) (*Shelf, error) {
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return nil, fmt.Errorf("shelf %q: letters and digits only", name)
	}
	s := &Shelf{log: l, name: "SHELF_" + name, config: c.withDefaults()}
	l.door.Lock()
	defer l.door.Unlock()
	if l.store == nil {
		return nil, fmt.Errorf("shelf %s: %w", name, l.noStore())
	}
	g, err := newGuard(l.c.Dir)
	if err == nil {
		err = errors.Join(s.open(l.store), g.restore())
		g.release()
	}
	if err != nil {
		return nil, fmt.Errorf("shelf %s: %w", name, fullOr(err))
	}
	l.mu.Lock()
	l.shelves = append(l.shelves, s)
	l.mu.Unlock()
	return s, nil
}

// open finds the stream, or makes it.
func (s *Shelf) open(st *store) error {
	_, err := st.stream(server.StreamConfig{
		Name: s.name, Subjects: []string{s.name},
		MaxBytes: s.config.MaxBytes, MaxAge: s.config.MaxAge,
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", s.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.look(st)
	return err
}

// look asks how many values there are, and counts those that were discarded
// since. The lock is held.
func (s *Shelf) look(st *store) (server.StreamState, error) {
	info, err := st.info(s.name)
	if err != nil {
		return server.StreamState{}, err
	}
	if s.count > info.State.Msgs {
		reason := "full"
		if time.Since(s.since) > s.config.MaxAge {
			reason = "age"
		}
		countDiscarded(s.log.c.Metrics, reason, s.count-info.State.Msgs)
	}
	s.count, s.since = info.State.Msgs, info.State.FirstTime
	return info.State, nil
}

// use gives f the store, for as long as it runs.
func (s *Shelf) use(act string, f func(st *store) error) error {
	s.log.door.RLock()
	defer s.log.door.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log.store == nil {
		return fmt.Errorf("%s %s: %w", act, s.name, s.log.noStore())
	}
	if err := f(s.log.store); err != nil {
		return fmt.Errorf("%s %s: %w", act, s.name, fullOr(err))
	}
	return nil
}

// Add keeps a value; see Shelver. It may have 4 MiB, and half of MaxBytes.
func (s *Shelf) Add(ctx context.Context, value []byte) (seq uint64, err error) {
	if n := int64(len(value)); n > min(maxCommit, s.config.MaxBytes/2) {
		return 0, fmt.Errorf("add %d bytes to %s: %w", n, s.name, ErrFull)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("add to %s: %w", s.name, err)
	}
	if err := s.log.queue.brokenBy(); err != nil {
		return 0, fmt.Errorf("add to %s: %w", s.name, err)
	}
	err = s.use("add to", func(st *store) (err error) {
		if seq, err = st.publish(ctx, s.name, value); err != nil {
			return err
		}
		s.count++
		_, err = s.look(st)
		return err
	})
	if err != nil && seq == 0 && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		select {
		case s.log.hurt <- err:
		default:
		}
	}
	return seq, err
}

// Get gives a value.
func (s *Shelf) Get(seq uint64) (value []byte, err error) {
	err = s.use("get from", func(st *store) error {
		value, err = st.get(s.name, seq)
		if errors.Is(err, errMissing) {
			return fmt.Errorf("%w: %d", ErrNotFound, seq)
		}
		return err
	})
	return value, err
}

// List gives values in order.
func (s *Shelf) List(after uint64, n int, f func(seq uint64, value []byte) error) error {
	for n > 0 {
		found, err := s.some(after, n)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, v := range found {
			if err := f(v.seq, v.value); err != nil {
				return err
			}
			after = v.seq
		}
		n -= len(found)
	}
	return nil
}

// errEnough stops a scan.
var errEnough = errors.New("enough")

// some reads a few MiB of values at most.
func (s *Shelf) some(after uint64, n int) (found []shelved, err error) {
	err = s.use("list", func(st *store) error {
		state, err := s.look(st)
		if err != nil || state.Msgs == 0 {
			return err
		}
		bytes := 0
		err = st.scan(s.name, max(after+1, state.FirstSeq), state.LastSeq, func(seq uint64, value []byte) error {
			found = append(found, shelved{seq: seq, value: value})
			if bytes += len(value); len(found) >= n || bytes > windowBytes {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	return found, err
}

// Remove lets go of a value.
func (s *Shelf) Remove(seq uint64) error {
	return s.use("remove from", func(st *store) error {
		state, err := s.look(st)
		if err != nil || seq < state.FirstSeq || seq > state.LastSeq {
			return err
		}
		if err := st.remove(s.name, seq); err != nil {
			return err
		}
		info, err := st.info(s.name)
		if err == nil {
			s.count = info.State.Msgs
		}
		return err
	})
}

// Len is how many there are; 0 if that cannot be asked.
func (s *Shelf) Len() int {
	var n uint64
	_ = s.use("count", func(st *store) error {
		state, err := s.look(st)
		n = state.Msgs
		return err
	})
	return int(n)
}
