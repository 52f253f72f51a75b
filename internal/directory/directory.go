package directory

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The limits of a Directory that sets none.
const (
	DefaultPerName = 8
	DefaultTotal   = 100_000
)

// ErrFull says: the directory holds as many contacts as it may.
var ErrFull = errors.New("directory is full")

// Users are the names that may register, with their passwords.
type Users map[string]string

// A Contact is one way to reach somebody.
type Contact struct {
	URI string // as the telephone gave it; what distinguishes contacts of a name
	// Source is where the registration came from: behind a NAT it, not URI, is
	// the way back.
	Source    netip.AddrPort
	Transport string    // udp, tcp; how Source was reached
	Expires   time.Time // gone from then on
	// Instance is the telephone's own id (+sip.instance, RFC 5626). A new
	// contact takes the place of one with the same instance.
	Instance string
	// CallID and Sequence are those of the REGISTER that made it: an older one
	// that comes late changes nothing (RFC 3261 §10.3).
	CallID   string
	Sequence uint32
}

// A Directory is who is registered where. Its zero value is ready, with the
// default limits, and it is for any number of goroutines.
type Directory struct {
	PerName int // contacts of one name; 0 means DefaultPerName
	Total   int // contacts in all; 0 means DefaultTotal
	// Ledger keeps the contacts beyond the end of the process, see ReadRecord;
	// nil: nothing does.
	Ledger Ledger

	mu    sync.Mutex
	names map[string][]Contact
	total int
}

// ErrStale says: a newer registration of the same telephone has been seen.
var ErrStale = errors.New("older than what is registered")

// Bind adds c to the contacts of id, or refreshes it. A contact that has
// expired by now removes.
func (d *Directory) Bind(now time.Time, id string, c Contact) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.fresh(now, id)
	i := slices.IndexFunc(list, func(o Contact) bool {
		return o.URI == c.URI || c.Instance != "" && o.Instance == c.Instance
	})
	if i >= 0 && list[i].CallID == c.CallID && c.CallID != "" && c.Sequence < list[i].Sequence {
		return ErrStale
	}
	switch {
	case !c.Expires.After(now):
		if i >= 0 {
			d.forget(id, list[i])
			d.put(id, slices.Delete(list, i, i+1))
		}
		return nil
	case i >= 0:
		if list[i].URI != c.URI {
			d.forget(id, list[i])
		}
		list[i] = c
		d.note(now, id, c)
		return nil
	}
	if d.total >= cmp.Or(d.Total, DefaultTotal) {
		d.sweep(now)
		if d.total >= cmp.Or(d.Total, DefaultTotal) {
			return ErrFull
		}
		list = d.names[id]
	}
	if len(list) >= cmp.Or(d.PerName, DefaultPerName) {
		oldest := 0
		for j := range list {
			if list[j].Expires.Before(list[oldest].Expires) {
				oldest = j
			}
		}
		d.forget(id, list[oldest])
		list = slices.Delete(list, oldest, oldest+1)
	}
	d.put(id, append(list, c))
	d.note(now, id, c)
	return nil
}

// Clear removes every contact of id.
func (d *Directory) Clear(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(id, d.names[id]...)
	d.put(id, nil)
}

// Lookup gives the contacts of id, the most recently added last. The slice is
// the caller's.
func (d *Directory) Lookup(now time.Time, id string) []Contact {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.fresh(now, id))
}

// Size is how many contacts there are, those that expired unseen included.
func (d *Directory) Size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// fresh drops the expired contacts of id and gives the rest.
func (d *Directory) fresh(now time.Time, id string) []Contact {
	list := d.names[id]
	kept := slices.DeleteFunc(list, func(c Contact) bool {
		over := !c.Expires.After(now)
		if over {
			d.forget(id, c)
		}
		return over
	})
	if len(kept) != len(list) {
		d.put(id, kept) // the map holds the longer list still, so the total comes out right
	}
	return kept
}

func (d *Directory) sweep(now time.Time) {
	for id := range d.names {
		d.fresh(now, id)
	}
}

// put makes list the contacts of id and keeps the total.
func (d *Directory) put(id string, list []Contact) {
	d.total += len(list) - len(d.names[id])
	if len(list) == 0 {
		delete(d.names, id)
		return
	}
	if d.names == nil {
		d.names = map[string][]Contact{}
	}
	d.names[id] = list
}
