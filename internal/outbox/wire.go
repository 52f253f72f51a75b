package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The first byte of a record says how the rest is written: numbers as varints,
// text behind its length.
const (
	itemVersion   = 1
	letterVersion = 1
)

var errMalformed = errors.New("the record is malformed")

// marshalItem writes an item, and its place in the order of all.
func marshalItem(it *Item, order uint64) []byte {
	b := make([]byte, 0, sizeOf(it))
	b = append(b, itemVersion)
	b = binary.AppendUvarint(b, order)
	b = binary.AppendVarint(b, it.Created.UnixNano())
	b = binary.AppendVarint(b, int64(it.Life))
	for _, s := range []string{it.ID, it.Key, it.URL, it.Type} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(it.Header)))
	for _, name := range slices.Sorted(maps.Keys(it.Header)) {
		b = appendText(b, name)
		b = appendText(b, it.Header[name])
	}
	return append(b, it.Body...)
}

// unmarshalItem reads what marshalItem wrote, and keeps nothing of b.
func unmarshalItem(b []byte) (it Item, order uint64, err error) {
	r := reader{rest: b}
	if r.byte() != itemVersion {
		return Item{}, 0, fmt.Errorf("read an item: %w", errMalformed)
	}
	order = r.uint()
	it.Created = time.Unix(0, r.int())
	it.Life = time.Duration(r.int())
	it.ID, it.Key, it.URL, it.Type = r.text(), r.text(), r.text(), r.text()
	n := r.uint()
	for range n {
		if r.bad {
			break // before a false count makes work
		}
		if it.Header == nil {
			it.Header = map[string]string{}
		}
		name := r.text()
		it.Header[name] = r.text()
	}
	if r.bad || it.ID == "" {
		return Item{}, 0, fmt.Errorf("read an item: %w", errMalformed)
	}
	it.Body = slices.Clone(r.rest)
	return it, order, nil
}

func marshalLetter(l *Letter) []byte {
	b := []byte{letterVersion}
	b = binary.AppendVarint(b, l.At.UnixNano())
	b = binary.AppendUvarint(b, uint64(max(0, l.Attempts)))
	b = appendText(b, l.Reason)
	b = appendText(b, l.Error)
	return append(b, marshalItem(&l.Item, 0)...)
}

// unmarshalLetter reads what marshalLetter wrote, but for its number.
func unmarshalLetter(b []byte) (l Letter, err error) {
	r := reader{rest: b}
	if r.byte() != letterVersion {
		return Letter{}, fmt.Errorf("read a letter: %w", errMalformed)
	}
	l.At = time.Unix(0, r.int())
	l.Attempts = int(r.uint())
	l.Reason, l.Error = r.text(), r.text()
	if r.bad || l.Attempts < 0 {
		return Letter{}, fmt.Errorf("read a letter: %w", errMalformed)
	}
	if l.Item, _, err = unmarshalItem(r.rest); err != nil {
		return Letter{}, fmt.Errorf("read a letter: %w", err)
	}
	return l, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// A reader takes values off the front. After the first that is not there, all
// are zero, and bad is set.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() {
	r.bad, r.rest = true, nil
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) text() string {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
