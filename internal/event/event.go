// Package event says what happened in a call, in order, in nobody's dialect.
//
// # What it does
//
// Package call publishes an [Event] for each thing an application should know;
// package webhook gives it the Azure shape and delivers it.
//
// # How it works
//
// A [Bus] hands every event to its subscribers synchronously, in the order in
// which it was published. A subscriber that has slow work queues it (the
// outbox). Seq rises by one with each event of one connection.
//
// # How to use it
//
//	bus.Subscribe(func(e event.Event) { … })
//	bus.Publish(event.Event{Connection: id, Body: event.PlayCompleted{}})
package event

import (
	"sync"
	"time"
)

// An Event is one thing that happened.
type Event struct {
	ID   string // unique and stable: a redelivery has the same
	Time time.Time

	Call        string // serverCallId of the call; empty for none
	Connection  string // callConnectionId, for events of one connection
	Correlation string
	Seq         uint64 // per connection, from 1
	Callback    string // where it goes; empty: to the Event Grid subscribers
	Context     string // operationContext of the request that caused it

	Body Body
}

// A Body is what happened: one of the types of this package.
type Body interface{ body() }

// A Bus carries events from those who publish to those who listen.
type Bus struct {
	mu   sync.RWMutex
	subs []func(Event)
}

// Subscribe adds a listener for all events from now on. It is called on the
// publisher's goroutine and must not block.
func (b *Bus) Subscribe(f func(Event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs = append(b.subs, f)
}

// Publish hands e to every listener.
func (b *Bus) Publish(e Event) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, f := range b.subs {
		f(e)
	}
}
