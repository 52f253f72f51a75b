// Package journal keeps what must survive a crash: the memory of running
// calls, the dialogs of telephones, events that are not delivered yet, answers
// that may be asked for again.
//
// # What it does
//
// A [Journal] is a small ordered store of records, key → value. [Journal.Commit]
// makes any number of them durable together: after a crash either all are there
// or none, whoever they belong to. So a call's memory and the events that tell
// of it can never disagree.
//
// # How it works
//
// [Memory] holds the records of a process that keeps nothing, or of a test.
//
// # How to use it
//
//	err := j.Commit(ctx, journal.Record{Key: "call/" + id, Value: memo}, journal.Record{Key: "event/" + e.ID, Value: item})
//	…
//	j.Later(journal.Record{Key: "event/" + e.ID}) // delivered: to be forgotten some time soon
//	err = j.Each("call/", func(key string, memo []byte) error { … }) // after a restart
package journal
