package rtp

import (
	"errors"
	"fmt"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// How digits are sent: 160 ms, then 100 ms of pause; as sound at −8 dBm0 a tone.
const (
	keyOn    = 160 * time.Millisecond
	keyOff   = 100 * time.Millisecond
	keyLevel = -8
)

// ErrDigitsStopped says that StopDigits came before the digits were sent.
var ErrDigitsStopped = errors.New("rtp: digits stopped")

// SendDigits queues digits (0-9 * # A-D, a comma waits a second) to be sent:
// as RFC 4733 events, or as sound when the far end takes none. While they are
// sent the far end hears nothing else. done may be nil; it is called in the
// tick, once, when the pause after the last digit is over, or with the reason
// why they were not sent. Digits wait while nothing is sent (hold).
func (e *Endpoint) SendDigits(digits string, done func(error)) {
	if done == nil {
		done = func(error) {}
	}
	if e.closed {
		done(ErrClosed)
		return
	}
	if err := e.keypad.queue(digits, e.config.EventOut != 0, done); err != nil {
		done(fmt.Errorf("send digits: %w", err))
	}
}

// StopDigits gives up the digits that are queued: their done gets
// ErrDigitsStopped before it returns. An event that has begun is sent to its
// end, sound stops at once.
func (e *Endpoint) StopDigits() { e.keypad.stop() }

// What a keypad does with the sound of a period.
type keying uint8

const (
	keyNone  keying = iota // leaves it alone
	keyDown                // an event takes its place
	keySound               // the keypad's frame takes its place
)

// A keypad sends digits, either way, in order.
type keypad struct {
	sender dtmf.Sender // of events
	queued []keys
	frame  *media.Frame // tones, or silence between events; nil when none are sent
}

// keys are the digits of one SendDigits.
type keys struct {
	tones media.Source // nil: the sender has them
	done  func(error)
}

func (k *keypad) queue(digits string, events bool, done func(error)) error {
	sender := &k.sender
	if !events {
		sender = new(dtmf.Sender) // for its opinion of the digits
	}
	sender.On, sender.Off = int(keyOn/media.Period), int(keyOff/media.Period)
	if err := sender.Queue(digits); err != nil {
		return err
	}
	press := keys{done: done}
	if !events {
		press.tones = dtmf.Tones(digits, keyOn, keyOff, keyLevel)
	}
	k.queued = append(k.queued, press)
	if k.frame == nil {
		k.frame = new(media.Frame)
	}
	return nil
}

// press goes one tick on. It says what becomes of the sound, and which event is
// sent.
func (k *keypad) press(rate media.Rate) (keying, dtmf.Sending) {
	if len(k.queued) == 0 && !k.sender.Busy() {
		return keyNone, dtmf.Sending{}
	}
	k.frame.Rate = rate
	if len(k.queued) > 0 && k.queued[0].tones != nil {
		n, err := media.Pull(k.queued[0].tones, k.frame)
		if err != nil {
			k.finish()
		}
		if n == 0 && err != nil {
			return keyNone, dtmf.Sending{}
		}
		return keySound, dtmf.Sending{}
	}
	s := k.sender.Tick()
	switch {
	case s.Done:
		k.finish()
		return keyNone, s
	case s.Tone:
		return keyDown, s
	}
	k.frame.Silence()
	return keySound, s
}

// finish is the end of one SendDigits.
func (k *keypad) finish() {
	done := k.queued[0].done
	copy(k.queued, k.queued[1:])
	k.queued[len(k.queued)-1] = keys{}
	k.queued = k.queued[:len(k.queued)-1]
	done(nil)
}

// stop gives up what is queued, but for the rest of a digit that has begun.
func (k *keypad) stop() {
	k.sender.Clear()
	k.drop(ErrDigitsStopped)
}

// drop gives up what is queued.
func (k *keypad) drop(err error) {
	for _, press := range k.queued {
		press.done(err)
	}
	k.queued = nil
}

// HeldDigit is the key that the far end holds down now, as its events say.
func (e *Endpoint) HeldDigit() (symbol byte, ok bool) { return e.events.Held() }
