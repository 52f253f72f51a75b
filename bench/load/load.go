package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/acs/acstest"
	"github.com/tipring/tipring/media/rtp"
)

// Config says how the phones are to be. App is needed.
type Config struct {
	App      net.Listener  // where the app takes events; Run closes it
	KeyEvery time.Duration // how often each phone presses a key; 0: never
	Rate     int           // calls placed a second; 0: 50
}

// Phones are telephones and the app that serves them. Make them with New.
type Phones struct {
	config Config
	url    string
	server acstest.Client
	caller *caller
	sound  sound
	script *script

	mu       sync.Mutex // over all below but keyTimes
	calls    []*call    // by index; nil once over
	numbers  map[string]*call
	errs     []error
	waits    map[string][]time.Duration // by name: from an act to its event
	crashed  bool                       // the server was killed: operations may fail
	failures int                        // those that did, then
	pending  sync.WaitGroup             // what the app does
	keyTimes []time.Duration            // under the lock of sound
}

// New makes phones. They ring nobody before Connect.
func New(config Config) (*Phones, error) {
	if config.Rate <= 0 {
		config.Rate = 50
	}
	caller, err := newCaller()
	if err != nil {
		return nil, err
	}
	return &Phones{
		config: config, url: "http://" + config.App.Addr().String(),
		server:  acstest.Client{HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}},
		caller:  caller,
		script:  newScript(config.KeyEvery),
		numbers: map[string]*call{}, waits: map[string][]time.Duration{},
	}, nil
}

// EventsURL is what the server must be given as --events.
func (p *Phones) EventsURL() string { return p.url + "/events" }

// A Server is the one under load.
type Server struct {
	HTTP string // host:port of its API over HTTP
	SIP  string // host:port of SIP over UDP
	Key  []byte // its access key, decoded
}

// Connect says which server to call.
func (p *Phones) Connect(s Server) error {
	addr, err := net.ResolveUDPAddr("udp4", s.SIP)
	if err != nil {
		return fmt.Errorf("the server's SIP address: %w", err)
	}
	p.server.Server, p.server.Key, p.caller.server = s.HTTP, s.Key, addr
	return nil
}

// Run is app and phones, until ctx is done.
func (p *Phones) Run(ctx context.Context) error {
	web := &http.Server{Handler: p.handler(ctx), ReadHeaderTimeout: 10 * time.Second}
	var all sync.WaitGroup
	all.Go(p.caller.run)
	all.Go(func() { p.sound.run(ctx) })
	stop := context.AfterFunc(ctx, func() {
		_ = web.Close()
		_ = p.caller.socket.Close()
	})
	defer stop()
	err := web.Serve(p.config.App)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	all.Wait()
	p.pending.Wait()
	p.sound.each(func(l *line) { _ = l.conn.Close() })
	p.server.HTTP.CloseIdleConnections()
	return err
}

// goes runs a part of the app's work for a call.
func (p *Phones) goes(ctx context.Context, c *call, f func(context.Context) error) {
	p.pending.Go(func() {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("call %s: %w", c.number, err))
		}
	})
}

// fail keeps the first errors.
func (p *Phones) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errs) < 10 {
		p.errs = append(p.errs, err)
	}
}

// Err is what has gone wrong so far, outside of what returned an error itself.
func (p *Phones) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}

func (p *Phones) byNumber(number string) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.numbers[number]
}

func (p *Phones) byIndex(index int) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if index < 0 || index >= len(p.calls) {
		return nil
	}
	return p.calls[index]
}

// lift takes a telephone.
func (p *Phones) lift(short bool) (*call, error) {
	conn, err := rtp.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	index := len(p.calls)
	c := &call{
		index: index, number: fmt.Sprintf("+1556%06d", index), short: short,
		line: newLine(conn, p.script, index),
		id:   fmt.Sprintf("%d-%d@bench", index, time.Now().UnixNano()), tag: fmt.Sprintf("t%d", index),
		responses: make(chan *sipgo.Response, 8),
		served:    newGate(), gone: newGate(), byed: newGate(), updated: make(chan struct{}, 1),
	}
	p.calls = append(p.calls, c)
	p.numbers[c.number] = c
	return c, nil
}

// lay puts a telephone down.
func (p *Phones) lay(c *call) {
	p.sound.remove(c.line)
	p.caller.forget(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[c.index] = nil
	delete(p.numbers, c.number)
}

// each runs f for n calls, at the rate of the configuration, and joins errors.
func (p *Phones) each(ctx context.Context, n int, f func(context.Context) error) error {
	every := time.NewTicker(time.Second / time.Duration(p.config.Rate))
	defer every.Stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for range n {
		select {
		case <-every.C:
		case <-ctx.Done():
		}
		all.Go(func() {
			if err := f(ctx); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(errs) > 5 {
		errs = append(errs[:5:5], fmt.Errorf("and %d more", len(errs)-5))
	}
	return errors.Join(errs...)
}

// Call places n more calls and waits until each hears its prompt and is
// listened to.
func (p *Phones) Call(ctx context.Context, n int) error {
	return p.each(ctx, n, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not served within a minute"))
		defer cancel()
		c, err := p.lift(false)
		if err != nil {
			return err
		}
		if err := p.place(ctx, c); err != nil {
			return err
		}
		if err := c.served.wait(ctx); err != nil {
			return fmt.Errorf("call %s: %w", c.number, err)
		}
		p.sound.with(func() { c.line.keying = true })
		return nil
	})
}

// place dials, and lets the sound go.
func (p *Phones) place(ctx context.Context, c *call) error {
	p.mark(&c.invited)
	to, err := p.caller.invite(ctx, c, c.line.conn.LocalAddr())
	if err != nil {
		return err
	}
	c.line.to = to
	p.sound.add(c.line)
	return nil
}

// Churn places n calls that end as soon as they stand: every second one is hung
// up by the app, the others by the phone.
func (p *Phones) Churn(ctx context.Context, n int) error {
	return p.each(ctx, n, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not over within a minute"))
		defer cancel()
		c, err := p.lift(true)
		if err != nil {
			return err
		}
		defer p.lay(c)
		if err := p.place(ctx, c); err != nil {
			return err
		}
		if c.index%2 == 1 {
			if err := c.served.wait(ctx); err != nil {
				return fmt.Errorf("call %s: CallConnected: %w", c.number, err)
			}
			if err := p.caller.bye(ctx, c); err != nil {
				return err
			}
		} else if err := c.byed.wait(ctx); err != nil {
			return fmt.Errorf("call %s: BYE: %w", c.number, err)
		}
		if err := c.gone.wait(ctx); err != nil {
			return fmt.Errorf("call %s: CallDisconnected: %w", c.number, err)
		}
		return nil
	})
}

// Rest has the phones press no more keys, and waits until the last have come
// back, or for 2 s.
func (p *Phones) Rest(ctx context.Context) {
	p.sound.each(func(l *line) { l.keying = false })
	p.wait(ctx, 2*time.Second)
}

func (p *Phones) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// standing are the calls that are not over.
func (p *Phones) standing() []*call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.calls), func(c *call) bool { return c == nil })
}

// HangUp says BYE for every call and waits until the app has heard of it.
func (p *Phones) HangUp(ctx context.Context) error {
	var mu sync.Mutex
	all := p.standing()
	return p.each(ctx, len(all), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not over within a minute"))
		defer cancel()
		mu.Lock()
		c := all[0]
		all = all[1:]
		mu.Unlock()
		defer p.lay(c)
		if err := p.caller.bye(ctx, c); err != nil {
			return err
		}
		if err := c.gone.wait(ctx); err != nil {
			return fmt.Errorf("call %s: CallDisconnected: %w", c.number, err)
		}
		return nil
	})
}
