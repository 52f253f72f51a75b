package outbox

import (
	"errors"
	"time"
)

// An Item is one message to be delivered.
type Item struct {
	ID      string            // unique; the same on every attempt
	Key     string            // items of one key are delivered in the order they were appended
	URL     string            // where to
	Type    string            // what it tells of, for people: "CallConnected"
	Header  map[string]string // request headers; not to be changed once appended
	Body    []byte            // not to be changed once appended
	Created time.Time         // by the wall clock
	Life    time.Duration     // how long it is worth anything
}

// An Entry is an item that is pending. Its fields do not change.
type Entry struct {
	ID, Key, URL string
	Since        time.Time // when it came; by the monotonic clock
	Deadline     time.Time // when its life is over; by the monotonic clock

	prev, next *Entry // in the order of Append
	host       *usage
	size       int // bytes of the box that it takes
	order      uint64
	item       *Item // nil: in the journal only
	saving     bool  // a commit that has it is under way
	done       bool
}

// A Letter is an item that was given up.
type Letter struct {
	Seq uint64 // its number on the shelf
	Obituary
	At time.Time // when it was given up, by the wall clock
	Item
}

// An Obituary says how an item ended.
type Obituary struct {
	Reason   string // in a word or two: "refused", "expired"
	Error    string // of the last attempt
	Attempts int    // of this process
}

// What Append, Load and the letters' methods say.
var (
	// ErrFull: there is no room.
	ErrFull = errors.New("the outbox is full")
	// ErrDuplicate: an item with this ID is pending already.
	ErrDuplicate = errors.New("the item is in the outbox already")
	// ErrNotFound: there is no such letter, or the journal has lost an item.
	ErrNotFound = errors.New("not in the outbox")
)

// A Refusal is an item that Append did not take, and why: ErrFull or
// ErrDuplicate.
type Refusal struct {
	Item Item
	Err  error
}
