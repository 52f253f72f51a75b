package call

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media/metronome"
)

// A Config is what calls need of the rest of the server.
type Config struct {
	// Keep makes a step of a call durable, and then lets its events be delivered.
	// It returns when the step is safe. An error says that it is not; the events
	// are delivered all the same, and the call goes on. It may be called from
	// several goroutines, and for one call in the order of its steps. Nil keeps
	// nothing and tells nobody.
	Keep func(Entry) error
	// Ticks ticks the rooms.
	Ticks *metronome.Metronome
	// Fetch begins to load a prompt.
	Fetch func(ctx context.Context, uri, cacheID string) Sound
	// Call calls somebody: it finds who is meant, and returns the leg at once.
	// An error says that nobody is to be found under that name; a nil Call finds
	// nobody.
	Call func(ctx context.Context, i Invite) (leg.Leg, error)
	// Recordings keeps recordings.
	Recordings *recording.Store
	// Dial reaches the websockets of media streaming; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for websockets with wss; may be nil.
	TLS *tls.Config
	// Authorize gives the Authorization header of a websocket's handshake; nil:
	// it has none.
	Authorize func() string
	// BaseURL begins the serverCallIds.
	BaseURL string
	// Metrics may be nil.
	Metrics *metric.Set
	Log     *slog.Logger
}

// A Registry knows every call of this server: those that ring and those that
// run. Its methods may be called by anyone at any time.
type Registry struct {
	config Config

	mu          sync.Mutex
	ringing     map[string]*Call // by incomingCallContext, until the call is over
	connections map[string]*Call
	calls       map[string]*Call // by serverCallId
	recordings  map[string]*Call
	open        map[string]*Call // groups and rooms, by name
	closing     bool
	running     sync.WaitGroup // calls

	owed []string // calls that are over and whose memo is still kept

	total, recovered, unkept *metric.Counter
}

// NewRegistry makes a registry of no calls.
func NewRegistry(config Config) *Registry {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Keep == nil {
		config.Keep = func(Entry) error { return nil }
	}
	if config.Call == nil {
		config.Call = func(_ context.Context, i Invite) (leg.Leg, error) {
			return nil, Errorf(NotFound, "No network leads to %s.", i.Target)
		}
	}
	r := &Registry{
		config:      config,
		ringing:     map[string]*Call{},
		connections: map[string]*Call{},
		calls:       map[string]*Call{},
		recordings:  map[string]*Call{},
		open:        map[string]*Call{},
		total:       config.Metrics.Counter("calls_total", "direction", "in", "Calls that began."),
		recovered:   config.Metrics.Counter("calls_recovered_total", "", "", "Calls of a killed process that a restart has ended."),
		unkept:      config.Metrics.Counter("calls_unkept_total", "", "", "Steps of calls that could not be made durable."),
	}
	config.Metrics.Gauge("calls", "", "", "Calls that ring or run now.", func() float64 { return float64(r.Calls()) })
	return r
}

// Calls is how many calls ring or run.
func (r *Registry) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// Incoming takes in a leg that rings at our door, announces it, and sees the
// call to its end: it returns when the call is over. When ctx is done the call
// is ended. A leg that is for a group or room enters that call instead, and
// Incoming returns at once if it was there already.
func (r *Registry) Incoming(ctx context.Context, l leg.Incoming) {
	info := l.Call()
	if name := openName(info.To.ID); name != "" {
		r.walkIn(ctx, l, name)
		return
	}
	c := newCall(r, r.newServerCallID(), info.CorrelationID)
	token := newToken()
	if !r.begin(c, entry{r.ringing, token}) {
		r.turnAway(ctx, l)
		return
	}
	defer r.running.Done()
	defer r.forget(c)
	c.ring(l, token)
	c.Run(ctx)
}

// walkIn lets a leg into a group or room, which begins with the first.
func (r *Registry) walkIn(ctx context.Context, l leg.Incoming, name string) {
	in := WalkIn{Handle: l, Who: l.Call().From}
	for {
		c, fresh := r.openCall(name, l.Call().CorrelationID)
		switch {
		case c == nil:
			r.turnAway(ctx, l)
			return
		case fresh:
			defer r.running.Done()
			defer r.forget(c)
			c.pending = append(c.pending, in)
			c.Run(ctx)
			return
		}
		select {
		case c.inbox <- in:
			return
		case <-c.done: // it has just ended: a new one begins
			r.forget(c)
		}
	}
}

// openCall finds the call of a group or room, or makes it; nil when the server
// goes away.
func (r *Registry) openCall(name, correlation string) (c *Call, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.open[name]; c != nil {
		return c, false
	}
	c = newCall(r, r.newServerCallID(), correlation)
	c.machine.Open = name
	if !r.beginLocked(c, entry{r.open, name}) {
		return nil, false
	}
	return c, true
}

// begin takes in a call, to be found at an entry. It reports false when the
// server goes away. Whoever begins a call says running.Done at its end.
func (r *Registry) begin(c *Call, at entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.beginLocked(c, at)
}

func (r *Registry) beginLocked(c *Call, at entry) bool {
	if r.closing {
		return false
	}
	r.note(at.in, at.key, c)
	r.note(r.calls, c.machine.ID, c)
	r.running.Add(1)
	r.total.Add(1)
	return true
}

// turnAway refuses a leg that comes while the server goes away.
func (r *Registry) turnAway(ctx context.Context, l leg.Incoming) {
	ctx, cancel := context.WithTimeout(ctx, hangupTime)
	defer cancel()
	if err := errors.Join(l.Hangup(ctx, leg.Shutdown), l.Close()); err != nil {
		r.config.Log.Warn("turn away", "err", err)
	}
}

// Drain lets running calls go on, and takes in no more.
func (r *Registry) Drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
}

// Shutdown ends every call, takes in no more, and returns when all are over.
func (r *Registry) Shutdown() {
	r.Drain()
	r.mu.Lock()
	calls := slices.Collect(maps.Values(r.calls))
	r.mu.Unlock()
	for _, c := range calls {
		c.post(Shutdown{})
	}
	r.running.Wait()
	for id, ok := r.owes(); ok; id, ok = r.owes() {
		if err := r.keep(Entry{Call: id, Changed: true}); err != nil {
			r.config.Log.Error("remove memo", "call", id, "err", err)
		}
	}
}

// newServerCallID makes a serverCallId: base64 of a URL, as the service has it.
func (r *Registry) newServerCallID() string {
	return base64.StdEncoding.EncodeToString([]byte(r.config.BaseURL + "/conv/" + newID()))
}

// newToken makes an incomingCallContext: whoever has it may answer.
func newToken() string {
	var b [48]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// know lets a call be found by key, and remembers the key for forget.
func (r *Registry) know(m map[string]*Call, key string, c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(m, key, c)
}

func (r *Registry) note(m map[string]*Call, key string, c *Call) {
	m[key] = c
	c.known = append(c.known, entry{m, key})
}

// An entry is a place where a call can be found. The registry's mutex guards it.
type entry struct {
	in  map[string]*Call
	key string
}

// forget takes a call that is over out of all maps.
func (r *Registry) forget(c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range c.known {
		if e.in[e.key] == c {
			delete(e.in, e.key)
		}
	}
	c.known = nil
}

func (r *Registry) find(m map[string]*Call, key, what string) (*Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := m[key]; c != nil {
		return c, nil
	}
	return nil, Errorf(NotFound, "%s was not found.", what)
}
