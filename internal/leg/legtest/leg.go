package legtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
)

// Memory is how much of what a leg hears it keeps.
const Memory = 10 * time.Second

// A Leg is a leg in memory. Make one with New or Outgoing.
type Leg struct {
	call   leg.Call
	party  leg.Party
	events chan leg.Event

	answered chan struct{}
	ended    chan struct{}

	mu      sync.Mutex
	rate    media.Rate
	state   state
	end     leg.Ended
	lost    error // what Read says, after Lose
	closed  bool
	says    media.Source
	ears    []func(*media.Frame) // Hear
	tick    uint64               // of the last Read
	keys    []dtmf.Digit
	sending []int // SendDigits that are not yet confirmed: the ticks that each still takes
	sent    string
	handed  string // whom Transfer named last
	heard   memory
}

type state uint8

const (
	ringing state = iota
	talking
	over
)

var (
	_ leg.Incoming    = (*Leg)(nil)
	_ leg.Transferrer = (*Leg)(nil)
)

// New makes a leg that rings at our door. Its far end is call.From.
func New(call leg.Call) *Leg { return build(call, call.From) }

// Outgoing makes a leg that somebody of ours dials. Its far end is call.To; the
// test lets it Ring and PickUp, or ends it with Refuse.
func Outgoing(call leg.Call) *Leg { return build(call, call.To) }

func build(call leg.Call, far leg.Party) *Leg {
	return &Leg{
		call: call, party: far, rate: media.Rate8k,
		events:   make(chan leg.Event, 256),
		answered: make(chan struct{}),
		ended:    make(chan struct{}),
	}
}

// Read is what the far end says: silence before the answer and after the end,
// io.EOF after Close.
func (l *Leg) Read(f *media.Frame) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tick = f.Tick
	switch {
	case l.closed:
		return 0, io.EOF
	case l.lost != nil:
		return 0, l.lost
	case l.state != talking:
		return 0, nil
	}
	if len(l.sending) > 0 {
		if l.sending[0]--; l.sending[0] <= 0 {
			l.sending = l.sending[1:]
			l.tell(leg.DigitsSent{})
		}
	}
	if l.says == nil {
		return 0, nil
	}
	n, err := l.says.Read(f)
	if err != nil { // the voice is over, not the leg
		l.says = nil
	}
	return n, nil
}

// Write is what the far end hears. Before the answer and after the end it hears
// nothing.
func (l *Leg) Write(f *media.Frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return io.ErrClosedPipe
	}
	if l.state != talking {
		return nil
	}
	l.heard.write(f)
	for _, hear := range l.ears {
		hear(f)
	}
	return nil
}

// NextDigit gives the digits of Press, one by one; also those that were pressed
// just before the end.
func (l *Leg) NextDigit() (dtmf.Digit, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keys) == 0 || l.state == ringing || l.closed {
		return dtmf.Digit{}, false
	}
	d := l.keys[0]
	l.keys = l.keys[:copy(l.keys, l.keys[1:])]
	d.Tick = l.tick
	return d, true
}

// Party is who is at the far end.
func (l *Leg) Party() leg.Party { return l.party }

// Call is what the far end asked for.
func (l *Leg) Call() leg.Call { return l.call }

// Rate is the rate that SetRate has set, or 8 kHz.
func (l *Leg) Rate() media.Rate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

// Events gives what happens to the leg, and is closed after Ended.
func (l *Leg) Events() <-chan leg.Event { return l.events }

// Answer accepts the call, as far as it still rings.
func (l *Leg) Answer(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("answer: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.state {
	case over:
		return fmt.Errorf("answer: the call is over: %v", l.end.Cause)
	case talking:
		return fmt.Errorf("answer: answered already")
	}
	l.pickUp()
	return nil
}

// DigitTicks is how long a digit takes that our side sends.
const DigitTicks = 5

// SendDigits notes the digits (Sent); DigitsSent comes when they have had their
// time, DigitTicks each.
func (l *Leg) SendDigits(digits string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != talking {
		l.tell(leg.DigitsSent{Err: fmt.Errorf("send digits: the leg is not connected")})
		return
	}
	l.sent += digits
	l.sending = append(l.sending, DigitTicks*len(digits))
}

// StopDigits gives up those that are not yet confirmed.
func (l *Leg) StopDigits() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range l.sending {
		l.tell(leg.DigitsSent{Err: errors.New("send digits: stopped")})
	}
	l.sending = nil
}

// Hangup ends the leg from our side.
func (l *Leg) Hangup(_ context.Context, cause leg.Cause) error {
	l.finish(leg.Ended{Cause: cause})
	return nil
}

// Close frees the leg; it ends it, too, if nobody has yet.
func (l *Leg) Close() error {
	l.finish(leg.Ended{Cause: leg.Failed})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// tell sends an event unless the leg is over. l.mu is held.
func (l *Leg) tell(e leg.Event) {
	if l.state == over {
		return
	}
	select {
	case l.events <- e:
	default:
		panic("legtest: nobody reads the events of this leg")
	}
}

func (l *Leg) pickUp() {
	l.tell(leg.Answered{})
	l.state = talking
	close(l.answered)
}

// finish ends the leg, unless it is over.
func (l *Leg) finish(end leg.Ended) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finishLocked(end)
}

func (l *Leg) finishLocked(end leg.Ended) {
	if l.state == over {
		return
	}
	for range l.sending {
		l.tell(leg.DigitsSent{Err: fmt.Errorf("send digits: the leg has ended")})
	}
	l.sending = nil
	l.tell(end)
	l.state, l.end = over, end
	close(l.events)
	close(l.ended)
}

// Transfer asks the far end to call to instead of us; the test says with
// Transferred how that went.
func (l *Leg) Transfer(_ context.Context, to string, _ map[string]string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != talking {
		return fmt.Errorf("transfer: the leg is not in a call")
	}
	l.handed = to
	return nil
}
