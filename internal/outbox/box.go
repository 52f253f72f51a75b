package outbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

// Config says where a Box keeps its items, and how many.
type Config struct {
	Journal journal.Journal // nil: one in memory
	Shelf   journal.Shelver // of dead letters; nil: one in memory

	MaxItems int   // 1,000,000
	MaxBytes int64 // 1 GiB, counted with a fixed cost for each item
	Memory   int64 // bytes of items that are kept in memory; 64 MiB

	Metrics *metric.Set      // outbox_…; may be nil
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // the wall clock; nil: time.Now
}

const (
	defaultItems  = 1_000_000
	defaultBytes  = 1 << 30
	defaultMemory = 64 << 20
	overhead      = 512 // bytes an item costs besides its text
	share         = 4   // one host may take a quarter of all
	resaves       = 64  // items that the journal had refused, written with the next commit
	prefix        = "item/"
)

// A Box is an outbox. Its methods may be called from any goroutine. Make it
// with Open.
type Box struct {
	config Config

	mu             sync.Mutex
	byID           map[string]*Entry
	oldest, newest *Entry
	hosts          map[string]*usage
	total          usage
	held           int64    // bytes in memory
	unsaved        []*Entry // in memory only, or done since
	order          uint64   // of the newest
}

// usage is what a host has of the box.
type usage struct {
	name  string
	items int
	bytes int64
	held  int64 // of the memory
}

// Open makes a box of what is pending in the journal.
func Open(c Config) (*Box, error) {
	if c.Journal == nil {
		c.Journal = new(journal.Memory)
	}
	if c.Shelf == nil {
		c.Shelf = &journal.MemoryShelf{Metrics: c.Metrics}
	}
	c.MaxItems = cmp.Or(max(0, c.MaxItems), defaultItems)
	c.MaxBytes = cmp.Or(max(0, c.MaxBytes), defaultBytes)
	c.Memory = cmp.Or(max(0, c.Memory), defaultMemory)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	b := &Box{config: c, byID: map[string]*Entry{}, hosts: map[string]*usage{}}
	if err := b.restore(); err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	b.gauges()
	return b, nil
}

// restore takes in what an earlier process left.
func (b *Box) restore() error {
	var found []*Entry
	now, wall := time.Now(), b.config.Now()
	words := map[string]string{} // the same key and URL come again and again
	err := b.config.Journal.Each(prefix, func(key string, value []byte) error {
		it, order, err := unmarshalItem(value)
		if err != nil || prefix+it.ID != key {
			b.config.Metrics.Counter("outbox_unreadable_total", "", "", "Records of the outbox that could not be read, and were removed").Add(1)
			b.config.Log.Error("an event cannot be read, and is lost", "record", key, "error", err)
			b.config.Journal.Later(journal.Record{Key: key})
			return nil
		}
		it.Key, it.URL = intern(words, it.Key), intern(words, it.URL)
		age := min(max(0, wall.Sub(it.Created)), it.Life)
		e := b.entry(&it, order, now.Add(-age))
		b.hold(e, &it)
		b.spill(e)
		found = append(found, e)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, func(x, y *Entry) int { return cmp.Compare(x.order, y.order) })
	for _, e := range found {
		b.link(e)
		b.order = max(b.order, e.order)
	}
	return nil
}

func intern(words map[string]string, s string) string {
	if known, ok := words[s]; ok {
		return known
	}
	words[s] = s
	return s
}

// Append takes items in, and commits them together with other records, all or
// none. It gives the entries of those that it has taken, in their order, and
// the refusals of the others; those are no error, and the other records are
// committed all the same. An error is the journal's: then the entries are in
// memory alone for now, and the records are not kept.
func (b *Box) Append(ctx context.Context, items []Item, with ...journal.Record) ([]*Entry, []Refusal, error) {
	entries, refused := b.admit(items)
	late, records := b.late()
	for _, e := range entries {
		records = append(records, e.record())
	}
	records = append(records, with...)
	if len(records) == 0 {
		return entries, refused, nil
	}
	err := b.config.Journal.Commit(ctx, records...)
	b.settle(late, err)
	entries, more := b.keep(entries, err)
	if err != nil {
		err = fmt.Errorf("save events: %w", err)
	}
	return entries, append(refused, more...), err
}

// Save writes what the journal has refused so far. It is for the end of a
// process.
func (b *Box) Save(ctx context.Context) error {
	for {
		late, records := b.late()
		if len(late) == 0 {
			return nil
		}
		err := b.config.Journal.Commit(ctx, records...)
		b.settle(late, err)
		if err != nil {
			return fmt.Errorf("save events: %w", err)
		}
	}
}

// Load gives an item back. ErrNotFound: the journal has lost it; another error
// may pass.
func (b *Box) Load(e *Entry) (*Item, error) {
	b.mu.Lock()
	it := e.item
	b.mu.Unlock()
	if it != nil {
		return it, nil
	}
	value, err := b.config.Journal.Get(prefix + e.ID)
	if err != nil {
		return nil, notFound(fmt.Errorf("load an event: %w", err))
	}
	read, _, err := unmarshalItem(value)
	if err != nil {
		return nil, fmt.Errorf("load an event: %w: %w", ErrNotFound, err)
	}
	return &read, nil
}

// Done strikes an item out. A crash soon afterwards may bring it back.
func (b *Box) Done(e *Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.done {
		return
	}
	b.forget(e)
	if !e.saving { // else the one who saves it sees that it is done
		b.config.Journal.Later(journal.Record{Key: prefix + e.ID})
	}
}

// Pending lists what is not done, in the order of Append.
func (b *Box) Pending() []*Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*Entry, 0, len(b.byID))
	for e := b.oldest; e != nil; e = e.next {
		list = append(list, e)
	}
	return list
}

func sizeOf(it *Item) int {
	n := overhead + len(it.ID) + len(it.Key) + len(it.URL) + len(it.Type) + len(it.Body)
	for k, v := range it.Header {
		n += len(k) + len(v)
	}
	return n
}

// hostOf is the host and port of a URL.
func hostOf(raw string) string {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}
