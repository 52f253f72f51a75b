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
