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
	Header  map[string]string // request headers
	Body    []byte            // not to be changed once appended
	Created time.Time
	Expires time.Time // given up after this
}

// Outbox is what a sender needs of a store. Its methods may be called from
// several goroutines.
type Outbox interface {
	// Append stores an item. ErrFull: there is no room. ErrDuplicate: an item
	// with this ID is pending already.
	Append(Item) error
	// Done strikes an item out. One that is not there is no error.
	Done(id string) error
	// Pending lists what is not done, in the order of Append.
	Pending() []Item
}

// The errors of Append.
var (
	ErrFull      = errors.New("the outbox is full")
	ErrDuplicate = errors.New("the item is in the outbox already")
)
