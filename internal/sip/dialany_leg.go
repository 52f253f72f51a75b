package sip

import (
	"context"
	"fmt"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

var (
	_ leg.Leg         = (*fork)(nil)
	_ leg.Transferrer = (*fork)(nil)
	_ room.Keypad     = (*fork)(nil)
	_ room.Wideband   = (*fork)(nil)
	_ room.Holder     = (*fork)(nil)
)

// Party is who is called.
func (f *fork) Party() leg.Party { return f.party }

// Events is what happens to the leg.
func (f *fork) Events() <-chan leg.Event { return f.events }

// Hangup ends the leg: it withdraws all calls before the answer, and ends the
// one that was answered after it.
func (f *fork) Hangup(ctx context.Context, cause leg.Cause) error {
	select {
	case f.orders <- order{cause: cause}:
	case <-f.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Read is what the far end says; silence before the answer and after the end.
func (f *fork) Read(frame *media.Frame) (int, error) {
	if d := f.winner.Load(); d != nil {
		return d.Read(frame)
	}
	return 0, nil
}

// Write is what the far end hears.
func (f *fork) Write(frame *media.Frame) error {
	if d := f.winner.Load(); d != nil {
		return d.Write(frame)
	}
	return nil
}

// NextDigit gives the next digit that came beside the sound.
func (f *fork) NextDigit() (dtmf.Digit, bool) {
	if d := f.winner.Load(); d != nil {
		return d.NextDigit()
	}
	return dtmf.Digit{}, false
}

// HeldDigit is the key that is being held down now, as a telephone-event.
func (f *fork) HeldDigit() (symbol byte, ok bool) {
	if d := f.winner.Load(); d != nil {
		return d.HeldDigit()
	}
	return 0, false
}

// Rate is the rate of the codec; 8 kHz before the answer.
func (f *fork) Rate() media.Rate {
	if d := f.winner.Load(); d != nil {
		return d.Rate()
	}
	return media.Rate8k
}

// SendDigits sends digits; before the answer they cannot be sent.
func (f *fork) SendDigits(digits string) {
	if d := f.winner.Load(); d != nil {
		d.SendDigits(digits)
	} else if told := f.early.begin(); told != nil {
		told(errNotUp)
	}
}

// StopDigits gives up the digits that are queued.
func (f *fork) StopDigits() {
	if d := f.winner.Load(); d != nil {
		d.StopDigits()
	}
}

// Transfer asks the far end to call somebody else.
func (f *fork) Transfer(ctx context.Context, to string, headers map[string]string) error {
	if d := f.winner.Load(); d != nil {
		return d.Transfer(ctx, to, headers)
	}
	return fmt.Errorf("transfer to %q: %w", clean(to, maxUser), errNotUp)
}

// Stats are the counts of the leg's sound. Call it between two ticks.
func (f *fork) Stats() rtp.Stats {
	if d := f.winner.Load(); d != nil {
		return d.Stats()
	}
	return rtp.Stats{}
}

// Close frees the sockets. Call it between two ticks.
func (f *fork) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	if d := f.winner.Load(); d != nil {
		return d.Close()
	}
	return nil
}
