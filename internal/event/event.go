// Package event says what happened in a call, in order, in nobody's dialect.
//
// # What it does
//
// Package call tells an [Event] for each thing an application should know;
// package webhook gives it the Azure shape and delivers it.
//
// # How it works
//
// An event has its ID before it is kept, together with what the call remembers,
// and keeps it however often it is delivered. Seq rises by one with each event
// of one connection.
//
// # How to use it
//
//	e := event.Event{ID: id, Connection: connection, Seq: n, Callback: url, Body: event.PlayCompleted{}}
package event

import "time"

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
