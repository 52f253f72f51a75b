package journal

import (
	"context"
	"time"
)

// OpenTicking is Open with the test's own seconds. When the second of two ticks
// has been taken, all that the first one meant has been done.
func OpenTicking(c Config, ticks <-chan time.Time) (*Log, error) { return open(c, ticks) }

// Messages is how many messages the log has written in its life.
func (l *Log) Messages() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.number
}

// Size is how many bytes the log has, and how many of them are needed.
func (l *Log) Size() (bytes, live int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.bytes, l.index.live
}

// Decode reads a message, for the fuzzer: what it says, in the order it is said.
func Decode(msg []byte) (said []Record, err error) {
	_, records, err := decode(msg)
	for _, r := range records {
		said = append(said, Record{r.key, msg[r.off : r.off+r.size]})
	}
	return said, err
}

// Encode writes a message.
func Encode(records ...Record) []byte {
	var g group
	g.begin(head{number: 7, floor: 3, order: 100})
	for i, r := range records {
		if i%3 == 2 && r.Value != nil {
			g.carry(r.Key, uint64(i), r.Value)
		} else {
			g.add(r)
		}
	}
	return g.message()
}

// Limits of a Log.
const (
	MaxCommit  = maxCommit
	GroupBytes = groupBytes
)

// Seal puts a right version and checksum on any bytes.
func Seal(msg []byte) []byte {
	if len(msg) == 0 {
		msg = []byte{0}
	}
	msg[0] = version
	g := group{buf: msg}
	return g.message()
}

// Stray writes records as a server does whose answer is lost: they are in the
// stream, and the journal takes it that they are not.
func (l *Log) Stray(records ...Record) error {
	var g group
	l.mu.Lock()
	g.begin(l.index.head())
	l.mu.Unlock()
	for _, r := range records {
		g.add(r)
	}
	_, err := l.store.publish(context.Background(), subject, g.message())
	l.hurt <- errSilent
	return err
}

// Hold keeps the store from taking messages until release is called.
func (l *Log) Hold() (release func()) {
	l.store.mu.Lock()
	return l.store.mu.Unlock
}

// Reopen opens a broken store again, out of turn.
func (l *Log) Reopen() error { return l.reopen() }

// Syncs says whether every message is synced to the disk.
func (l *Log) Syncs() bool { return l.store.server.JetStreamConfig().SyncAlways }

// CarryInFlight removes a key while it is being carried forward, and says whether
// it is there when the message has been written.
func CarryInFlight() (there bool) {
	x := newIndex()
	var g group
	g.begin(x.head())
	g.add(Record{"k", []byte("v")})
	x.apply(1, len(g.message()), 0, g.head, g.records, true)
	h := x.head()
	places, floor := x.carry(1000)
	h.floor = floor
	g.begin(h)
	g.carry(places[0].key, places[0].order, []byte("v"))
	x.remove("k")
	x.apply(2, len(g.message()), 0, g.head, g.records, true)
	_, there = x.find("k")
	return there
}

// Waiting says whether anything waits to be taken.
func (l *Log) Waiting() bool { return l.queue.waits(true) }
