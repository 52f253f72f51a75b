package journal

import (
	"context"
	"log/slog"

	_ "github.com/nats-io/nats-server/v2/server"
	_ "github.com/nats-io/nats.go/jetstream"

	"github.com/tipring/tipring/internal/metric"
)

// Config says where a Log lives and how large it may become.
type Config struct {
	Dir      string       // made if it is not there; one process at a time
	NoSync   bool         // leave it to the system when the disk is written: a crash of the process loses nothing, a power cut may
	MaxBytes int64        // 4 GiB of log on disk; beyond it Commit gives ErrFull
	Metrics  *metric.Set  // journal_…; may be nil
	Log      *slog.Logger // may be nil
}

// Log is a Journal that survives a crash.
type Log struct{ Memory } // for now

// Open reads the journal in a folder. The caller must Close it.
func Open(Config) (*Log, error) { return &Log{}, nil }

// Close commits what Later left and lets go of the folder.
func (l *Log) Close() {}

// Commit makes records durable; see Journal.
func (l *Log) Commit(ctx context.Context, records ...Record) error {
	return l.Memory.Commit(ctx, records...)
}

// Shelf opens a shelf beside the records, or makes it.
func (l *Log) Shelf(name string, c ShelfConfig) (*Shelf, error) {
	return &Shelf{MemoryShelf{ShelfConfig: c}}, nil
}

// Shelf is a Shelver that survives a crash.
type Shelf struct{ MemoryShelf } // for now

var (
	_ Journal = (*Memory)(nil)
	_ Journal = (*Log)(nil)
	_ Shelver = (*MemoryShelf)(nil)
	_ Shelver = (*Shelf)(nil)
)
