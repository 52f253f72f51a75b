package journal

import (
	"context"
	"errors"
)

// What callers branch on.
var (
	// ErrNotFound: no record has this key.
	ErrNotFound = errors.New("journal: no such record")
	// ErrFull: the journal has reached its limit, or the disk has no room.
	ErrFull = errors.New("journal: full")
	// ErrClosed: the journal has been closed.
	ErrClosed = errors.New("journal: closed")
)

// A Record puts a value under a key, in the place of any before it. A nil Value
// removes the key. Keys are short and printable, "kind/id".
type Record struct {
	Key   string
	Value []byte
}

// A Journal keeps records. All methods may be called from any goroutine.
type Journal interface {
	// Commit makes records durable, all or none, in this order, and returns when
	// they are. Of two commits that do not overlap in time the later one wins. The
	// values are copied or written before it returns. An error wraps ErrFull or
	// ErrClosed, or says what the disk said; then nothing of it is kept. When ctx
	// is done first, the records may or may not be kept.
	Commit(ctx context.Context, records ...Record) error
	// Later is a Commit that nobody waits for: it goes with the next one, or by
	// itself soon. A crash may undo it, and an error is only counted.
	Later(records ...Record)
	// Get gives the value under a key, or ErrNotFound.
	Get(key string) ([]byte, error)
	// Each calls f for every record whose key begins with prefix, in the order in
	// which they were put, and stops at its first error. The values are f's.
	Each(prefix string, f func(key string, value []byte) error) error
}
