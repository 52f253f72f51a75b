package outbox

import (
	"container/list"
	"fmt"
	"net/url"
	"sync"

	"github.com/tipring/tipring/internal/metric"
)

// Memory is an Outbox that lasts as long as the process. Its zero value has the
// default bounds.
type Memory struct {
	MaxItems int         // 100,000
	MaxBytes int         // 256 MiB, counted with a fixed cost for each item
	Metrics  *metric.Set // outbox_refused_total; may be nil

	mu    sync.Mutex
	order list.List // of *entry
	byID  map[string]*list.Element
	hosts map[string]*usage
	total usage
}

type entry struct {
	Item
	host string
	size int
}

type usage struct{ items, bytes int }

const (
	defaultItems = 100_000
	defaultBytes = 256 << 20
	overhead     = 512 // bytes an item costs besides its text
	share        = 4   // one host may take a quarter of all
)

// Append stores an item; see Outbox.
func (m *Memory) Append(it Item) error {
	e := &entry{Item: it, host: hostOf(it.URL), size: sizeOf(it)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID[it.ID] != nil {
		return fmt.Errorf("append %s: %w", it.ID, ErrDuplicate)
	}
	if err := m.room(e); err != nil {
		return fmt.Errorf("append %s: %w", it.ID, err)
	}
	if m.byID == nil {
		m.byID, m.hosts = map[string]*list.Element{}, map[string]*usage{}
	}
	m.byID[it.ID] = m.order.PushBack(e)
	h := m.hosts[e.host]
	if h == nil {
		h = new(usage)
		m.hosts[e.host] = h
	}
	h.add(1, e.size)
	m.total.add(1, e.size)
	return nil
}

// Done strikes an item out.
func (m *Memory) Done(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	el := m.byID[id]
	if el == nil {
		return nil
	}
	e := m.order.Remove(el).(*entry)
	delete(m.byID, id)
	m.total.add(-1, -e.size)
	h := m.hosts[e.host]
	h.add(-1, -e.size)
	if h.items == 0 {
		delete(m.hosts, e.host)
	}
	return nil
}

// Pending lists what is not done, oldest first.
func (m *Memory) Pending() []Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := make([]Item, 0, m.order.Len())
	for el := m.order.Front(); el != nil; el = el.Next() {
		items = append(items, el.Value.(*entry).Item)
	}
	return items
}

// room says why e does not fit; the lock is held.
func (m *Memory) room(e *entry) error {
	items, bytes := m.MaxItems, m.MaxBytes
	if items <= 0 {
		items = defaultItems
	}
	if bytes <= 0 {
		bytes = defaultBytes
	}
	if m.total.items+1 > items || m.total.bytes+e.size > bytes {
		m.refuse("full")
		return fmt.Errorf("%w: %d items, %d bytes", ErrFull, m.total.items, m.total.bytes)
	}
	var h usage
	if u := m.hosts[e.host]; u != nil {
		h = *u
	}
	if h.items+1 > max(1, items/share) || h.bytes+e.size > bytes/share {
		m.refuse("host")
		return fmt.Errorf("%w for %s: %d items, %d bytes wait for it", ErrFull, e.host, h.items, h.bytes)
	}
	return nil
}

func (m *Memory) refuse(reason string) {
	m.Metrics.Counter("outbox_refused_total", "reason", reason, "Items the outbox had no room for").Add(1)
}

func (u *usage) add(items, bytes int) {
	u.items += items
	u.bytes += bytes
}

func sizeOf(it Item) int {
	n := overhead + len(it.ID) + len(it.Key) + len(it.URL) + len(it.Body)
	for k, v := range it.Header {
		n += len(k) + len(v)
	}
	return n
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host
}
