package journal

import (
	"cmp"
	"errors"
	"slices"
)

// How much Each reads ahead, and how far apart two messages may be to be read in
// one go.
const (
	windowValues = 1024
	windowBytes  = 4 << 20
	nearby       = 8
)

// Each gives the records under a prefix. Those that cannot be read are left out,
// logged and counted; those that are put while it runs may be left out.
func (l *Log) Each(prefix string, f func(key string, value []byte) error) error {
	select {
	case <-l.done:
		return ErrClosed
	default:
	}
	l.mu.Lock()
	places := l.index.under(prefix)
	l.mu.Unlock()
	for len(places) > 0 {
		n := window(places)
		values, err := l.values(places[:n])
		if err != nil {
			return err
		}
		for i, p := range places[:n] {
			value := values[i]
			if value == nil { // moved, removed or damaged
				if value, err = l.Get(p.key); errors.Is(err, ErrNotFound) {
					continue
				} else if err != nil {
					l.unreadable(p, err)
					continue
				}
			}
			if err := f(p.key, value); err != nil {
				return err
			}
		}
		places = places[n:]
	}
	return nil
}

// window is how many of the next places to read at once.
func window(places []place) int {
	bytes := 0
	for n, p := range places {
		if bytes += p.size; n > 0 && (n >= windowValues || bytes > windowBytes) {
			return n
		}
	}
	return len(places)
}

// values reads many values; nil stands for one that is not where it was.
func (l *Log) values(places []place) ([][]byte, error) {
	values := make([][]byte, len(places))
	order := make([]int, len(places)) // as they are in the stream
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(places[a].seq, places[b].seq) })
	l.door.RLock()
	defer l.door.RUnlock()
	if l.store == nil {
		return nil, l.noStore()
	}
	for len(order) > 0 {
		n := 1
		for n < len(order) && places[order[n]].seq <= places[order[n-1]].seq+nearby {
			n++
		}
		run := order[:n]
		order = order[n:]
		err := l.store.scan(streamName, places[run[0]].seq, places[run[n-1]].seq, func(seq uint64, msg []byte) error {
			for len(run) > 0 && places[run[0]].seq <= seq {
				if i := run[0]; places[i].seq == seq {
					values[i], _ = cut(msg, places[i]) // nil: said by Each
				}
				run = run[1:]
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// unreadable tells of a live value that is damaged.
func (l *Log) unreadable(p place, err error) {
	l.count.damaged("value", 1)
	l.c.Log.Error("journal: a record cannot be read", "key", p.key, "error", err)
}
