package dtmf

import (
	"strings"
	"time"
)

// A Reason says why a collection ended.
type Reason uint8

// The reasons.
const (
	Collecting     Reason = iota // it has not ended
	MaxDigits                    // there are enough
	StopDigit                    // a stop tone was pressed
	InitialSilence               // no digit came in time
	InterDigit                   // too long between two digits
)

var reasonNames = [...]string{"collecting", "max digits", "stop digit", "initial silence", "inter-digit timeout"}

// String is the reason in words.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown reason"
}

// A Result is what a collection gave.
type Result struct {
	Digits string // as pressed, a stop tone included
	Reason Reason
}

// A Collector gathers the digits of one prompt. It has no clock: its owner says
// what time it is, asks for the Deadline, and calls Expire when that has come.
//
// Digits pressed while the prompt still plays are kept and count, whether or
// not they stop the prompt. Nothing times out before Start. A stop tone is part
// of the digits, and it decides also when it is the last of MaxTones.
type Collector struct {
	// MaxTones is how many digits are enough; zero is no limit.
	MaxTones int
	// StopTones are the symbols that end the collection.
	StopTones string
	// InterTone is how long to wait between two digits; zero waits for ever.
	InterTone time.Duration
	// InitialSilence is how long to wait for the first digit after the prompt;
	// zero waits for ever.
	InitialSilence time.Duration

	digits  []byte
	reason  Reason
	started bool
	due     time.Time // zero: none
}

// Start says that the prompt has ended: from here the silences count. A second
// call does nothing.
func (c *Collector) Start(now time.Time) {
	if c.started {
		return
	}
	c.started = true
	if len(c.digits) > 0 {
		c.wait(now, c.InterTone)
	} else {
		c.wait(now, c.InitialSilence)
	}
}

// Press adds a digit, and reports whether the collection is over. What is no
// digit, or comes after the end, is ignored.
func (c *Collector) Press(now time.Time, digit byte) (done bool) {
	code, ok := symbol(digit)
	if !ok || c.reason != Collecting {
		return c.reason != Collecting
	}
	digit = Symbols[code]
	c.digits = append(c.digits, digit)
	switch {
	case strings.IndexByte(c.StopTones, digit) >= 0:
		c.end(StopDigit)
	case c.MaxTones > 0 && len(c.digits) >= c.MaxTones:
		c.end(MaxDigits)
	case c.started:
		c.wait(now, c.InterTone)
	}
	return c.reason != Collecting
}

// Deadline is when Expire is to be called, if nothing is pressed before.
func (c *Collector) Deadline() (time.Time, bool) { return c.due, !c.due.IsZero() }

// Expire ends the collection if its deadline has come, and reports whether it
// is over.
func (c *Collector) Expire(now time.Time) (done bool) {
	if !c.due.IsZero() && !now.Before(c.due) {
		if len(c.digits) == 0 {
			c.end(InitialSilence)
		} else {
			c.end(InterDigit)
		}
	}
	return c.reason != Collecting
}

// Result is what was collected so far, and why it ended.
func (c *Collector) Result() Result { return Result{Digits: string(c.digits), Reason: c.reason} }

func (c *Collector) wait(now time.Time, d time.Duration) {
	c.due = time.Time{}
	if d > 0 {
		c.due = now.Add(d)
	}
}

func (c *Collector) end(r Reason) { c.reason, c.due = r, time.Time{} }
