package call

import "github.com/tipring/tipring/internal/event"

// An Entry is what one step of a call wants to be kept: what a restart needs to
// know of the call from now on, and what applications are to be told. Both are
// durable together or not at all, so that they can never disagree.
type Entry struct {
	// Call is the serverCallId.
	Call string
	// Changed says that Memo takes the place of what was kept before. A nil Memo
	// then says that nothing of the call is to be remembered any more.
	Changed bool
	Memo    []byte // JSON
	// Events are to be delivered, in this order. They have their IDs.
	Events []event.Event
}
