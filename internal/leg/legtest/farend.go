package legtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
)

// Say sets what the far end says from the next tick on; nil is silence. At its
// end the far end is silent.
func (l *Leg) Say(s media.Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.says = s
}

// Press presses keys (0-9 * # A-D), one after another: they come out of
// NextDigit in the next tick, as telephone-events.
func (l *Leg) Press(keys string) {
	l.press(keys, dtmf.Event)
}

// Inform is Press by SIP INFO.
func (l *Leg) Inform(keys string) { l.press(keys, dtmf.Info) }

func (l *Leg) press(keys string, way dtmf.Way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range []byte(keys) {
		if strings.IndexByte(dtmf.Symbols, key) < 0 {
			panic(fmt.Sprintf("legtest: no key %q", key))
		}
		l.keys = append(l.keys, dtmf.Digit{Symbol: key, Way: way})
	}
}

// Hear has f called with every frame that the far end hears, on the goroutine
// that ticks, before Write returns. f must not call the leg.
func (l *Leg) Hear(f func(*media.Frame)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ears = append(l.ears, f)
}

// Heard is the last of what the far end heard, at most for d and at most
// Memory, oldest first, at the rate of the newest frame.
func (l *Leg) Heard(d time.Duration) []int16 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard.last(int(d / media.Period))
}

// Ticks is how many frames the far end has heard.
func (l *Leg) Ticks() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard.written
}

// Sent is all digits that SendDigits was given.
func (l *Leg) Sent() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// SetRate sets the rate of the codec.
func (l *Leg) SetRate(r media.Rate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate = r
}

// Ring tells that an outgoing leg's far end is being alerted.
func (l *Leg) Ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell(leg.Ringing{})
}

// PickUp answers an outgoing leg.
func (l *Leg) PickUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == ringing {
		l.pickUp()
	}
}

// Refuse ends an outgoing leg before its answer.
func (l *Leg) Refuse(cause leg.Cause) { l.finish(leg.Ended{Cause: cause, ByFarEnd: true}) }

// Hold puts us on hold, or takes us back.
func (l *Leg) Hold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell(leg.Held{On: on})
}

// HangupByFarEnd is the far end hanging up.
func (l *Leg) HangupByFarEnd() { l.finish(leg.Ended{Cause: leg.Normal, ByFarEnd: true}) }

// Cancel is the caller giving up before the answer. After the answer it does
// nothing: the two have crossed.
func (l *Leg) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == ringing {
		l.finishLocked(leg.Ended{Cause: leg.Canceled, ByFarEnd: true})
	}
}

// Lose is a far end that vanishes without a word: Read fails from now on, and
// the leg ends with leg.MediaTimeout.
func (l *Leg) Lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = errors.New("legtest: no sound for too long")
	l.finishLocked(leg.Ended{Cause: leg.MediaTimeout, ByFarEnd: true})
}

// Handed is whom the far end was last asked to call instead of us, or empty.
func (l *Leg) Handed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handed
}

// Transferred tells how a transfer went: OK, or the cause why not.
func (l *Leg) Transferred(ok bool, cause leg.Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell(leg.Transferred{OK: ok, Cause: cause})
}

// Answered is closed when the leg has been answered.
func (l *Leg) Answered() <-chan struct{} { return l.answered }

// Ended is closed when the leg is over; End says how.
func (l *Leg) Ended() <-chan struct{} { return l.ended }

// End is how the leg ended, once Ended is closed.
func (l *Leg) End() leg.Ended {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}
