package sip

import (
	"math/rand/v2"
	"time"
)

// A Ledger keeps, beyond the end of the process, what the next one needs to end
// the dialogs that a killed one leaves behind: a record for each, under a key
// that is its own. Its methods are called from any goroutine, with no lock held.
type Ledger interface {
	// Keep makes a record durable, in the place of any before it under this
	// key, and returns when it is. The record is the Ledger's then. An error
	// lets the call go on; it is counted, and Keep is asked again every few
	// seconds, with how the dialog stands then, for as long as it lives.
	Keep(key string, record []byte) error
	// Note does so some time soon; a crash may undo it.
	Note(key string, record []byte)
	// Forget removes a record some time soon; a crash may undo it.
	Forget(key string)
}

// An unkept is what the ledger would not take: until it has, a crash leaves the
// dialog to the far end, or to an older record that is not true any more.
type unkept struct {
	stage string    // to be kept
	due   time.Time // when to ask again; zero: nothing is owed
}

// keepPause is how long to wait before asking again: two to four seconds, so
// that all the dialogs of a server do not ask at once.
func keepPause() time.Duration { return 2*time.Second + rand.N(2*time.Second) }

// keep makes durable how the dialog stands, so that it can be ended after a
// crash. It waits for the disk, so it is for the goroutine that owns the dialog:
// its own, or before that the one that makes it.
func (d *dialog) keep(stage string) {
	l := d.server.Ledger
	if l == nil {
		return
	}
	d.kept, d.unkept = true, unkept{}
	if err := l.Keep(d.key, d.record(stage).encode()); err != nil {
		d.server.count("dialog not kept")
		d.log.Warn("sip: dialog not kept: until it is, a crash would leave it to the far end", "error", err)
		d.unkept = unkept{stage, time.Now().Add(keepPause())}
	}
}

// keepAgain does what keep could not, when that is due.
func (d *dialog) keepAgain(now time.Time) {
	if d.stage == over || d.unkept.due.IsZero() || now.Before(d.unkept.due) {
		return
	}
	if d.stage == leaving { // BYE is out, whatever was owed before
		d.unkept.stage = keptUp
	}
	if err := d.server.Ledger.Keep(d.key, d.record(d.unkept.stage).encode()); err != nil {
		d.unkept.due = time.Now().Add(keepPause())
		return
	}
	d.unkept = unkept{}
	d.log.Info("sip: dialog kept after all")
}

// note does so when there is time. It is for what only makes the end smoother.
func (d *dialog) note(stage string) {
	d.unkept.stage = stage // if something is owed, it is this
	if l := d.server.Ledger; l != nil && d.kept {
		l.Note(d.key, d.record(stage).encode())
	}
}

// forget: the far end knows that it is over, or cannot be told.
func (d *dialog) forget() {
	if l := d.server.Ledger; l != nil && d.kept {
		l.Forget(d.key)
	}
	d.kept = false
}
