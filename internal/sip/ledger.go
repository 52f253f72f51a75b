package sip

// A Ledger keeps, beyond the end of the process, what the next one needs to end
// the dialogs that a killed one leaves behind: a record for each, under a key
// that is its own. Its methods are called from any goroutine, with no lock held.
type Ledger interface {
	// Keep makes a record durable, in the place of any before it under this
	// key, and returns when it is. The record is the Ledger's then. An error
	// lets the call go on; it is counted.
	Keep(key string, record []byte) error
	// Note does so some time soon; a crash may undo it.
	Note(key string, record []byte)
	// Forget removes a record some time soon; a crash may undo it.
	Forget(key string)
}

// keep makes durable how the dialog stands, so that it can be ended after a
// crash. It waits for the disk, so only the dialog's own goroutine calls it.
func (d *dialog) keep(stage string) {
	l := d.server.Ledger
	if l == nil {
		return
	}
	d.kept = true
	if err := l.Keep(d.key, d.record(stage).encode()); err != nil {
		d.server.count("dialog not kept")
		d.log.Warn("sip: dialog not kept: a crash would leave it to the far end", "error", err)
	}
}

// note does so when there is time. It is for what only makes the end smoother.
func (d *dialog) note(stage string) {
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
