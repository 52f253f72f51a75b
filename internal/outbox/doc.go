// Package outbox keeps what must still be delivered, so that a crash of the
// sender or of the receiver loses nothing.
//
// # What it does
//
// A [Box] holds items: an item is appended before it is sent, and struck out
// when it was delivered. What is pending after a restart is sent again, in the
// same order and with the same id. An item that was given up becomes a [Letter]:
// a dead letter that can be read, sent again, or removed.
//
// # How it works
//
// Items are records of a journal, and are committed together with records of
// others, all or none: with the memory of the call that they tell of. Dead
// letters stand on a shelf of the same journal, which is bounded and discards
// the oldest.
//
// In memory the box keeps of an item where it goes and how long it is worth
// anything; the rest of it as long as there is room (Config.Memory), and from
// the journal when it is asked for. When the journal fails, because the disk is
// full, items are kept in memory alone, and written later.
//
// No host may have more than a quarter of the box: a dead endpoint does not fill
// it for everybody. What finds no room is refused, and counted with the reason.
//
// While the process runs, the time that an item has is counted by the monotonic
// clock, so that a jump of the wall clock means nothing. The wall clock says only
// how old an item is that an earlier process left; one from the future is new.
//
// # How to use it
//
//	box, err := outbox.Open(outbox.Config{Journal: j, Shelf: shelf})
//	for _, e := range box.Pending() { … }
//	entries, refused, err := box.Append(ctx, []outbox.Item{{ID: id, Key: connection, URL: callback, Body: body, Life: 24 * time.Hour}})
//	item, err := box.Load(entries[0])
//	…
//	box.Done(entries[0])
package outbox
