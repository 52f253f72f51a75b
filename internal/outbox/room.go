package outbox

import (
	"fmt"
	"time"

	"github.com/tipring/tipring/internal/journal"
)

// admit gives items their places, and refuses those that have none.
func (b *Box) admit(items []Item) (entries []*Entry, refused []Refusal) {
	if len(items) == 0 {
		return nil, nil
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range items {
		it := &items[i]
		if b.byID[it.ID] != nil {
			refused = append(refused, Refusal{*it, fmt.Errorf("append %s: %w", it.ID, ErrDuplicate)})
			continue
		}
		if err := b.room(it); err != nil {
			refused = append(refused, Refusal{*it, fmt.Errorf("append %s: %w", it.ID, err)})
			continue
		}
		b.order++
		e := b.entry(it, b.order, now)
		b.hold(e, it)
		b.link(e)
		entries = append(entries, e)
	}
	return entries, refused
}

// room says why an item does not fit; the lock is held.
func (b *Box) room(it *Item) error {
	size := int64(sizeOf(it))
	if b.total.items+1 > b.config.MaxItems || b.total.bytes+size > b.config.MaxBytes {
		b.refuse("full")
		return fmt.Errorf("%w: %d items, %d bytes", ErrFull, b.total.items, b.total.bytes)
	}
	h := b.hosts[hostOf(it.URL)]
	if h == nil {
		h = new(usage)
	}
	if h.items+1 > max(1, b.config.MaxItems/share) || h.bytes+size > b.config.MaxBytes/share {
		b.refuse("host")
		return fmt.Errorf("%w for %s: %d items, %d bytes wait for it", ErrFull, hostOf(it.URL), h.items, h.bytes)
	}
	return nil
}

func (b *Box) refuse(reason string) {
	b.config.Metrics.Counter("outbox_refused_total", "reason", reason, "Items the outbox had no room for").Add(1)
}

// entry makes the entry of an item that is as old as since.
func (b *Box) entry(it *Item, order uint64, since time.Time) *Entry {
	return &Entry{
		ID: it.ID, Key: it.Key, URL: it.URL, Since: since, Deadline: since.Add(it.Life),
		host: b.usageOf(hostOf(it.URL)), size: sizeOf(it), order: order,
	}
}

func (b *Box) usageOf(host string) *usage {
	h := b.hosts[host]
	if h == nil {
		h = &usage{name: host}
		b.hosts[host] = h
	}
	return h
}

// link puts an entry behind the newest.
func (b *Box) link(e *Entry) {
	b.byID[e.ID] = e
	if e.prev = b.newest; e.prev == nil {
		b.oldest = e
	} else {
		e.prev.next = e
	}
	b.newest = e
	b.total.add(1, e.size)
	e.host.add(1, e.size)
}

// forget takes an entry out; the lock is held.
func (b *Box) forget(e *Entry) {
	e.done = true
	b.let(e)
	delete(b.byID, e.ID)
	if e.prev == nil {
		b.oldest = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		b.newest = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	b.total.add(-1, -e.size)
	e.host.add(-1, -e.size)
	if e.host.items == 0 {
		delete(b.hosts, e.host.name)
	}
}

func (u *usage) add(items, bytes int) {
	u.items += items
	u.bytes += int64(bytes)
}

// hold keeps the whole item in memory, let does not any more.
func (b *Box) hold(e *Entry, it *Item) {
	e.item = it
	b.held += int64(e.size)
	e.host.held += int64(e.size)
}

func (b *Box) let(e *Entry) {
	if e.item == nil {
		return
	}
	e.item = nil
	b.held -= int64(e.size)
	e.host.held -= int64(e.size)
}

// spill lets go of an item that is in the journal, when there is no room for it
// in memory: neither may all hosts have more than all, nor one more than its
// share.
func (b *Box) spill(e *Entry) {
	if b.crowded(e) {
		b.let(e)
	}
}

func (b *Box) crowded(e *Entry) bool {
	return b.held > b.config.Memory || e.host.held > b.config.Memory/share
}

// keep ends the Append of entries: err is what the journal said. What cannot be
// in the journal must find room in memory.
func (b *Box) keep(entries []*Entry, err error) (kept []*Entry, refused []Refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept = entries[:0]
	for _, e := range entries {
		switch {
		case err == nil:
			b.spill(e)
		case b.crowded(e):
			b.refuse("memory")
			refused = append(refused, Refusal{*e.item, fmt.Errorf("append %s: %w, and the journal does not take it", e.ID, ErrFull)})
			b.forget(e)
			continue
		default:
			b.config.Metrics.Counter("outbox_unsaved_total", "", "", "Items that the journal did not take, kept in memory alone").Add(1)
			b.unsaved = append(b.unsaved, e)
		}
		kept = append(kept, e)
	}
	return kept, refused
}

// late takes some of the items that the journal has refused, to try again with
// their records; settle must follow.
func (b *Box) late() (entries []*Entry, records []journal.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.unsaved) > 0 && len(entries) < resaves {
		e := b.unsaved[0]
		b.unsaved = b.unsaved[1:]
		if e.done {
			continue
		}
		e.saving = true
		entries, records = append(entries, e), append(records, e.record())
	}
	return entries, records
}

// record is what the journal keeps of an entry that is in memory.
func (e *Entry) record() journal.Record {
	return journal.Record{Key: prefix + e.ID, Value: marshalItem(e.item, e.order)}
}

// settle says how it went with what late took.
func (b *Box) settle(late []*Entry, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range late {
		e.saving = false
		switch {
		case e.done: // meanwhile
			b.config.Journal.Later(journal.Record{Key: prefix + e.ID})
		case err != nil:
			b.unsaved = append(b.unsaved, e)
		default:
			b.spill(e)
		}
	}
}

// gauges shows how much waits, and how long.
func (b *Box) gauges() {
	m := b.config.Metrics
	read := func(f func() float64) func() float64 {
		return func() float64 {
			b.mu.Lock()
			defer b.mu.Unlock()
			return f()
		}
	}
	m.Gauge("outbox_items", "", "", "Events that wait for their delivery", read(func() float64 { return float64(b.total.items) }))
	m.Gauge("outbox_bytes", "", "", "Bytes of the events that wait", read(func() float64 { return float64(b.total.bytes) }))
	m.Gauge("outbox_memory_bytes", "", "", "Bytes of them that are in memory", read(func() float64 { return float64(b.held) }))
	m.Gauge("outbox_oldest_seconds", "", "", "Age of the oldest event that waits", read(func() float64 {
		if b.oldest == nil {
			return 0
		}
		return time.Since(b.oldest.Since).Seconds()
	}))
	m.Gauge("dead_letters", "", "", "Events that were given up, and can be sent again", func() float64 { return float64(b.config.Shelf.Len()) })
}
