package sip

import (
	"context"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

var (
	_ leg.Leg      = (*dialog)(nil)
	_ leg.Incoming = (*incoming)(nil)

	_ leg.Transferrer = (*dialog)(nil)

	_ room.Keypad   = (*dialog)(nil)
	_ room.Wideband = (*dialog)(nil)
	_ room.Holder   = (*dialog)(nil)
)

// incoming is the leg of a call that came in.
type incoming struct{ *dialog }

// Call is what the caller asked for.
func (i *incoming) Call() leg.Call { return i.call }

// Answer sends the 200 and returns when the ACK has come.
func (i *incoming) Answer(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case i.orders <- order{answer: reply}:
	case <-i.done:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Party is the far end.
func (d *dialog) Party() leg.Party { return d.party }

// Events is what happens to the leg.
func (d *dialog) Events() <-chan leg.Event { return d.events }

// Hangup ends the leg: by a status code while it rings, by CANCEL while it is
// calling, by BYE after the answer.
func (d *dialog) Hangup(ctx context.Context, cause leg.Cause) error {
	knows := make(chan struct{})
	select {
	case d.orders <- order{hangup: knows, cause: cause}:
	case <-d.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-knows:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Read is what the far end says; silence before the answer and after the end.
func (d *dialog) Read(f *media.Frame) (int, error) {
	m := &d.sound
	e := m.endpoint.Load()
	if e == nil || m.mute.Load() {
		return 0, nil
	}
	m.tick = f.Tick
	if c := m.change.Load(); c != nil {
		m.apply(e)
	}
	return e.Read(f)
}

// apply takes over what a new offer or answer changed.
func (m *sound) apply(e *rtp.Endpoint) {
	c := m.change.Swap(nil)
	if err := e.Update(c.config); err != nil {
		m.dialog.server.count("media not changed")
		return
	}
	e.Hold(c.hold)
}

// Write is what the far end hears.
func (d *dialog) Write(f *media.Frame) error {
	e := d.sound.endpoint.Load()
	if e == nil || d.sound.mute.Load() {
		return nil
	}
	return e.Write(f)
}

// NextDigit gives the next digit that came beside the sound: as a
// telephone-event or by INFO.
func (d *dialog) NextDigit() (dtmf.Digit, bool) {
	e := d.sound.endpoint.Load()
	if e == nil {
		return dtmf.Digit{}, false
	}
	if k, ok := e.NextDigit(); ok {
		return k, true
	}
	select {
	case k := <-d.sound.keys:
		k.Tick = d.sound.tick - min(d.sound.tick, k.Tick) // how long it was held, until now
		return k, true
	default:
		return dtmf.Digit{}, false
	}
}

// HeldDigit is the key that is being held down now, as a telephone-event.
func (d *dialog) HeldDigit() (symbol byte, ok bool) {
	if e := d.sound.endpoint.Load(); e != nil {
		return e.HeldDigit()
	}
	return 0, false
}

// Rate is the rate of the codec; 8 kHz before the answer.
func (d *dialog) Rate() media.Rate {
	if e := d.sound.endpoint.Load(); e != nil {
		return e.Rate()
	}
	return media.Rate8k
}

// Stats are the counts of the leg's sound. Call it between two ticks.
func (d *dialog) Stats() rtp.Stats {
	if e := d.sound.endpoint.Load(); e != nil {
		return e.Stats()
	}
	return rtp.Stats{}
}

// Close frees the sockets. Call it between two ticks.
func (d *dialog) Close() error {
	m := &d.sound
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	if e := m.endpoint.Load(); e != nil {
		return e.Close()
	}
	return nil
}
