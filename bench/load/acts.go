package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/acs"
)

// mark notes that an act begins.
func (p *Phones) mark(at *time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*at = time.Now()
}

// took notes how long an event has taken since the act that it answers, if
// there was one.
func (p *Phones) took(name string, since *time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !since.IsZero() {
		p.waits[name] = append(p.waits[name], time.Since(*since))
	}
}

// Waits are the times from an act to its event at the app, by the names of
// both, since the last Waits. The act begins when its request is sent.
func (p *Phones) Waits() map[string]Times {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]Times{}
	for name, took := range p.waits {
		all[name] = times(took)
	}
	clear(p.waits)
	return all
}

// Toggle has every standing call's caller muted and unmuted in turn for a
// while, each as soon as the event of the last has come and pause is over, and
// says how many events came. Each costs one request.
func (p *Phones) Toggle(ctx context.Context, d, pause time.Duration) (events int, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, c := range p.standing() {
		all.Go(func() {
			n, e := p.toggle(ctx, c, pause)
			mu.Lock()
			defer mu.Unlock()
			events, err = events+n, errors.Join(err, e)
		})
	}
	all.Wait()
	return events, err
}

func (p *Phones) toggle(ctx context.Context, c *call, pause time.Duration) (events int, err error) {
	select {
	case <-c.updated: // of the beginning
	default:
	}
	path := "/calling/callConnections/" + c.connection + "/participants:"
	who := map[string]any{"targetParticipants": []any{acs.Identify("4:" + c.number)}}
	if pause > 0 {
		p.wait(ctx, pause*time.Duration(c.index%16)/16) // not all at once
	}
	for ; ctx.Err() == nil; events++ {
		asked := time.Now()
		act := [...]string{"mute", "unmute"}[events%2]
		if err := p.server.Post(ctx, path+act, who, nil); err != nil {
			if ctx.Err() != nil {
				return events, nil
			}
			return events, fmt.Errorf("call %s: %w", c.number, err)
		}
		select {
		case <-c.updated:
		case <-ctx.Done():
			return events, nil
		}
		p.took("mute → ParticipantsUpdated", &asked)
		if pause > 0 {
			p.wait(ctx, pause)
		}
	}
	return events, nil
}

// Crash tells the phones that the server is being killed: from now on
// operations may fail.
func (p *Phones) Crash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crashed = true
}

// failed takes the event of an operation that failed.
func (p *Phones) failed(err error) {
	p.mu.Lock()
	crashed := p.crashed
	if crashed {
		p.failures++
	}
	p.mu.Unlock()
	if !crashed {
		p.fail(err)
	}
}

// Ends is how the calls ended whose server was killed.
type Ends struct {
	Calls            int       `json:"calls"`
	Disconnected     int       `json:"disconnected"` // of which CallDisconnected has come
	Byed             int       `json:"byed"`         // whose phone was sent BYE
	Failed           int       `json:"failed"`       // operations whose Failed has come
	LastDisconnected time.Time `json:"last_disconnected"`
	LastBye          time.Time `json:"last_bye"`
}

// Ends waits until every standing call has ended, both for the app and for the
// phone, or ctx is done.
func (p *Phones) Ends(ctx context.Context) Ends {
	e := Ends{}
	for _, c := range p.standing() {
		_ = c.gone.wait(ctx)
		_ = c.byed.wait(ctx)
		e.Calls++
		if at, ok := c.gone.opened(); ok {
			e.Disconnected++
			if at.After(e.LastDisconnected) {
				e.LastDisconnected = at
			}
		}
		if at, ok := c.byed.opened(); ok {
			e.Byed++
			if at.After(e.LastBye) {
				e.LastBye = at
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e.Failed = p.failures
	return e
}
