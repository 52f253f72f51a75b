// Package outbox keeps what must still be delivered, so that a crash of the
// sender or of the receiver loses nothing.
//
// # What it does
//
// [Outbox] is a log of items: an item is appended before it is sent and struck
// out when it was delivered or given up. What is pending after a restart is
// sent again.
//
// # How it works
//
// [Memory] keeps the items in memory, bounded in number and bytes, and no
// host may take more than its share: a dead endpoint does not fill the outbox
// for everybody. A refusal is an error that says so, and is counted.
//
// # How to use it
//
//	box := &outbox.Memory{}
//	err := box.Append(outbox.Item{ID: id, Key: connection, URL: callback, Body: body})
//	…
//	err = box.Done(id)
package outbox
