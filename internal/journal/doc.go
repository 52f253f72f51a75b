// Package journal keeps what must survive a crash: the memory of running
// calls, the dialogs of telephones, events that are not delivered yet, answers
// that may be asked for again.
//
// # What it does
//
// A [Journal] is a small ordered store of records, key → value. [Journal.Commit]
// makes any number of them durable together: after a crash either all are there
// or none, whoever they belong to. So a call's memory and the events that tell
// of it can never disagree. A [Shelf] beside it keeps values that nobody waits
// for, such as letters that could not be delivered, up to a bound.
//
// # How it works
//
// [Memory] and [MemoryShelf] hold what a process keeps that keeps nothing, or a
// test.
//
// [Log] is a stream of embedded NATS JetStream, used as a log; the server in it
// listens nowhere. One goroutine gathers the commits that wait into one message
// (wire.go), publishes it, waits for the disk, and answers them. An index in
// memory knows where in the stream each live value is (index.go); values are read
// from there. Opening it is one pass through the stream.
//
// Only the head of the log is cleaned. When the log is more than twice what is
// live and 8 MiB, or after a minute that and 64 KiB, what is live in the head is
// written again at the end, in the place in the order that it had; a message says
// from where on the log counts (its floor); then what is below is deleted. A
// removal can so never be deleted before the put that it undoes.
//
// While the disk is full or fails, Commit fails at once, what is there can be
// read, and the store is opened again with growing pauses (up to 8 s) until it can
// be written; a message that had been written although its commit failed is
// deleted then. JetStream deletes a stream that it cannot open, so while it opens
// the files have a second name each (guard.go). Damage is logged and counted,
// the rest kept (load.go).
//
// On the disk: <Dir>/lock, <Dir>/store, <Dir>/guard while it is opened, and
// <Dir>.broken-<time> for what could not be opened.
//
// # How to use it
//
//	j, err := journal.Open(journal.Config{Dir: "/var/lib/tipring/journal"})
//	defer j.Close()
//	err = j.Commit(ctx, journal.Record{Key: "call/" + id, Value: memo}, journal.Record{Key: "item/" + e.ID, Value: item})
//	…
//	j.Later(journal.Record{Key: "item/" + e.ID}) // delivered: to be forgotten some time soon
//	err = j.Each("call/", func(key string, memo []byte) error { … }) // after a restart
package journal
