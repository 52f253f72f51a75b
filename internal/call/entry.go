package call

import (
	"bytes"
	"time"

	"github.com/tipring/tipring/internal/event"
)

// An Entry is what one step of a call wants to be kept: what a restart needs to
// know of the call from now on, and what applications are to be told. Both are
// durable together or not at all, so that they can never disagree.
type Entry struct {
	// Call is the serverCallId.
	Call string
	// Changed says that Memo takes the place of what was kept before. A nil Memo
	// then says that nothing of the call is to be remembered any more.
	Changed bool
	Memo    []byte // JSON; see Registry.Recover
	// Events are to be delivered, in this order. They have their IDs.
	Events []event.Event
}

// keep makes a step durable: what it has changed, and what it tells. When that
// fails, the call goes on, and the next step tries again, or keepAgain.
func (c *Call) keep(events []event.Event) {
	e, memo := Entry{Call: c.machine.ID, Events: events}, c.machine.memo()
	if c.stale || !bytes.Equal(memo, c.memo) {
		e.Changed, e.Memo = true, memo
	} else if len(events) == 0 {
		return
	}
	if err := c.registry.keep(e); err != nil {
		if !c.stale {
			c.log.Error("keep: the call goes on, and a crash would forget what it does from here on", "err", err)
		}
		c.stale, c.again = true, time.Now().Add(keepPause) // what is kept is not what it should be
		if e.Changed && c.machine.phase == over {          // there is no next step
			c.registry.owe(e.Call)
		}
		return
	}
	c.registry.payOne()
	if c.stale {
		c.log.Info("what the call does is kept again")
	}
	c.memo, c.stale = memo, false
	for _, e := range events {
		if file, ok := e.Body.(event.RecordingFileReady); ok {
			c.task(func() { c.registry.announced(file.Recording) })
		}
	}
}

// keepPause is how long a call whose memory could not be kept waits before it
// tries again by itself: it may have nothing more to tell for hours.
const keepPause = 5 * time.Second

// keepAgain keeps what could not be kept, when it is time.
func (c *Call) keepAgain() {
	if c.stale && !time.Now().Before(c.again) {
		c.keep(nil)
	}
}

// keep keeps an entry, or counts that it could not.
func (r *Registry) keep(e Entry) error {
	err := r.config.Keep(e)
	if err != nil {
		r.unkept.Add(1)
	}
	return err
}

// owe notes that the memo of a call that is over is still kept. It is removed
// when the journal works again, else the next restart would end that call a
// second time.
func (r *Registry) owe(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owed = append(r.owed, id)
}

// payOne removes one such memo, now that the journal works.
func (r *Registry) payOne() {
	if id, ok := r.owes(); ok && r.keep(Entry{Call: id, Changed: true}) != nil {
		r.owe(id)
	}
}

// owes takes one of those whose memo is still to be removed.
func (r *Registry) owes() (id string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.owed) == 0 {
		return "", false
	}
	last := len(r.owed) - 1
	id, r.owed = r.owed[last], r.owed[:last]
	return id, true
}

// announced lets the store of recordings forget that a file is to be told of.
func (r *Registry) announced(id string) {
	if err := r.config.Recordings.Announced(id); err != nil {
		r.config.Log.Warn("announced", "recording", id, "err", err)
	}
}
