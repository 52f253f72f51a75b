package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// Config says where a Log lives and how large it may become.
type Config struct {
	Dir      string       // made if it is not there; one process at a time
	NoSync   bool         // leave it to the system when the disk is written: a crash of the process loses nothing, a power cut what the last 5 s wrote
	MaxBytes int64        // 4 GiB of log on disk; beyond it Commit gives ErrFull
	Metrics  *metric.Set  // journal_…; may be nil
	Log      *slog.Logger // may be nil
}

const (
	defaultBytes = 4 << 30
	maxCommit    = 4 << 20   // one Commit
	groupBytes   = 512 << 10 // the commits of one group, if there is more than one
	beat         = time.Second
	syncEvery    = 5 * time.Second // with NoSync
)

// Log is a Journal that survives a crash: a stream of embedded NATS JetStream,
// used as a log. See the package's comment.
type Log struct {
	c     Config
	lock  *os.File
	count counters
	queue *queue
	hurt  chan error    // somebody other than the writer met a write error
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when the writer has ended

	door  sync.RWMutex // held for reading while store is in use, for writing while it is changed
	store *store       // nil when there is none

	mu      sync.Mutex // guards what follows
	index   *index
	shelves []*Shelf

	w writer
}

// Open reads the journal in a folder. The caller must Close it. ErrFull: there
// is no room even for an empty one. What is damaged is logged and counted
// (journal_damaged_total) and the rest is kept; a store that cannot be opened at
// all is moved to <Dir>.broken-<time>, and a new one begun.
func Open(c Config) (*Log, error) {
	return open(c, time.NewTicker(beat).C) // collected with the Log
}

// open is Open with a clock of the caller's.
func open(c Config, ticks <-chan time.Time) (*Log, error) {
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultBytes
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the journal: %w", fullOr(err))
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	l := &Log{
		c: c, lock: lock, count: newCounters(c.Metrics), queue: newQueue(),
		hurt: make(chan error, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if l.store, l.index, err = l.load(0, true); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("open the journal in %s: %w", c.Dir, fullOr(err))
	}
	l.gauges(c.Metrics)
	go l.write(ticks)
	return l, nil
}

// lockDir makes sure that nobody else uses a folder.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fullOr(err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the folder %s is in use by another server: %w", dir, err)
	}
	return f, nil
}

// Close writes what waits and what Later left, and lets go of the folder. From
// then on Commit gives ErrClosed.
func (l *Log) Close() {
	if l.queue.close() {
		close(l.stop)
	}
	<-l.done
}

// Commit makes records durable; see Journal. They may be 4 MiB together.
func (l *Log) Commit(ctx context.Context, records ...Record) error {
	if len(records) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := tooLarge(records); err != nil {
		l.count.failed("large", 1)
		return fmt.Errorf("commit: %w", err)
	}
	it, err := l.queue.commit(records)
	if err != nil {
		l.count.failedBy(err)
		return fmt.Errorf("commit: %w", err)
	}
	select {
	case err := <-it.done:
		if err != nil {
			l.count.failedBy(err)
			return fmt.Errorf("commit: %w", err)
		}
		l.count.commits.Add(1)
		l.count.records.Add(uint64(len(records)))
		return nil
	case <-ctx.Done():
		l.queue.withdraw(it)
		l.count.failed("canceled", 1)
		return fmt.Errorf("commit: %w", ctx.Err())
	}
}

// Later commits records some time soon; see Journal. What it removes is gone for
// Get and Each at once; what it puts is there when it is written. While the
// journal is broken puts are dropped and counted, removals wait.
func (l *Log) Later(records ...Record) {
	if len(records) == 0 {
		return
	}
	if tooLarge(records) != nil {
		l.count.failed("large", 1)
		return
	}
	there := map[string]bool{}
	l.mu.Lock()
	for _, r := range records {
		if r.Value == nil && l.index.remove(r.Key) {
			there[r.Key] = true
		}
	}
	l.mu.Unlock()
	if n := l.queue.later(records, there); n > 0 {
		l.count.failed("later", uint64(n))
	}
}

// Get gives the value under a key.
func (l *Log) Get(key string) ([]byte, error) {
	for {
		p, ok := l.find(key)
		if !ok {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		value, err := l.value(p)
		if err == nil {
			return value, nil
		}
		if now, ok := l.find(key); ok && now == p { // it has not been carried forward meanwhile
			return nil, fmt.Errorf("get %s: %w", key, err)
		}
	}
}

func (l *Log) find(key string) (place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.find(key)
}

// value reads one value.
func (l *Log) value(p place) ([]byte, error) {
	l.door.RLock()
	defer l.door.RUnlock()
	if l.store == nil {
		return nil, l.noStore()
	}
	msg, err := l.store.get(streamName, p.seq)
	if err != nil {
		return nil, err
	}
	return cut(msg, p)
}

// cut takes a value out of its message.
func cut(msg []byte, p place) ([]byte, error) {
	if _, err := checked(msg); err != nil {
		return nil, err
	}
	if p.off+p.size > len(msg)-checksumSize {
		return nil, fmt.Errorf("%w: %d bytes", errGarbled, len(msg))
	}
	return bytes.Clone(msg[p.off : p.off+p.size]), nil
}

// noStore says why there is none.
func (l *Log) noStore() error {
	select {
	case <-l.done:
		return ErrClosed
	default:
		return errNoServer
	}
}

// fullOr is err, as ErrFull when it means that.
func fullOr(err error) error {
	if err != nil && !errors.Is(err, ErrFull) && isFull(err.Error()) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
