package sip

import (
	"sync"

	"github.com/tipring/tipring/internal/leg"
)

// digits are the SendDigits of a leg that are not yet over. The tick brings
// them in and out; the dialog's goroutine tells of them, each once: also of
// those that the end of the leg overtakes.
type digits struct {
	sent chan error // has room

	mu    sync.Mutex
	owed  int
	ended bool
}

// begin takes in one more, and gives what is to be called at its end; nil if
// the leg is over.
func (q *digits) begin() (told func(error)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || q.owed+len(q.sent) >= cap(q.sent) {
		return nil
	}
	q.owed++
	return func(err error) {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.ended {
			return
		}
		q.owed--
		q.sent <- err
	}
}

// end tells of all that are left, and no more after that.
func (q *digits) end(emit func(leg.Event)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	for len(q.sent) > 0 {
		emit(leg.DigitsSent{Err: <-q.sent})
	}
	for ; q.owed > 0; q.owed-- {
		emit(leg.DigitsSent{Err: errEnded})
	}
}

// SendDigits sends digits as telephone-events, or as sound where the far end
// takes none. DigitsSent comes once, also when the leg ends first; after Ended
// nothing comes.
func (d *dialog) SendDigits(digits string) {
	told := d.digits.begin()
	switch e := d.sound.endpoint.Load(); {
	case told == nil:
		d.server.count("digits not sent")
	case e == nil:
		told(errNotUp)
	default:
		e.SendDigits(digits, told)
	}
}

// StopDigits gives up the digits that are queued: their DigitsSent has an error.
func (d *dialog) StopDigits() {
	if e := d.sound.endpoint.Load(); e != nil {
		e.StopDigits()
	}
}
