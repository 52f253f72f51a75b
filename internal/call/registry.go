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

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media/metronome"
)

// A Config is what calls need of the rest of the server.
type Config struct {
	// Publish tells applications what happened. It must not block.
	Publish func(event.Event)
	// Ticks ticks the rooms.
	Ticks *metronome.Metronome
	// Fetch begins to load a prompt.
	Fetch func(ctx context.Context, uri, cacheID string) Sound
	// Recordings keeps recordings.
	Recordings *recording.Store
	// Dial reaches the websockets of media streaming; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for websockets with wss; may be nil.
	TLS *tls.Config
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
	closing     bool
	running     sync.WaitGroup // calls in Incoming

	total *metric.Counter
}

// NewRegistry makes a registry of no calls.
func NewRegistry(config Config) *Registry {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{
		config:      config,
		ringing:     map[string]*Call{},
		connections: map[string]*Call{},
		calls:       map[string]*Call{},
		recordings:  map[string]*Call{},
		total:       config.Metrics.Counter("calls_total", "direction", "in", "Calls that began."),
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
// is ended.
func (r *Registry) Incoming(ctx context.Context, l leg.Incoming) {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		r.turnAway(ctx, l)
		return
	}
	c := newCall(&r.config, r.newServerCallID(), l.Call().CorrelationID)
	token := newToken()
	r.note(r.ringing, token, c)
	r.note(r.calls, c.machine.ID, c)
	r.running.Add(1)
	r.mu.Unlock()
	defer r.running.Done()
	r.total.Add(1)
	defer r.forget(c)
	c.ring(l, token)
	c.Run(ctx)
}

// turnAway refuses a leg that comes while the server goes away.
func (r *Registry) turnAway(ctx context.Context, l leg.Incoming) {
	ctx, cancel := context.WithTimeout(ctx, hangupTime)
	defer cancel()
	if err := errors.Join(l.Hangup(ctx, leg.Shutdown), l.Close()); err != nil {
		r.config.Log.Warn("turn away", "err", err)
	}
}

// Shutdown ends every call, takes in no more, and returns when all are over.
func (r *Registry) Shutdown() {
	r.mu.Lock()
	r.closing = true
	calls := slices.Collect(maps.Values(r.calls))
	r.mu.Unlock()
	for _, c := range calls {
		c.post(Shutdown{})
	}
	r.running.Wait()
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
		delete(e.in, e.key)
	}
}

func (r *Registry) find(m map[string]*Call, key, what string) (*Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := m[key]; c != nil {
		return c, nil
	}
	return nil, Errorf(NotFound, "%s was not found.", what)
}

// Answer answers a ringing call and returns when its leg is being told. The
// second to answer gets Conflict.
func (r *Registry) Answer(ctx context.Context, a Answer) (Properties, error) {
	c, err := r.find(r.ringing, a.Token, "The incoming call")
	if err != nil {
		return Properties{}, err
	}
	id := newID()
	r.know(r.connections, id, c) // first: an event must not name a connection that is not to be found
	answer, err := c.send(ctx, func(ask Ask) Input { return AnswerRequest{ask, id, a} })
	return answer.Properties, err
}

// Reject refuses a ringing call: with leg.Declined, leg.Busy or leg.Forbidden.
func (r *Registry) Reject(ctx context.Context, token string, cause leg.Cause) error {
	c, err := r.find(r.ringing, token, "The incoming call")
	if err != nil {
		return err
	}
	_, err = c.send(ctx, func(ask Ask) Input { return RejectRequest{ask, cause} })
	return err
}

// request gives a command to a connection.
func (r *Registry) request(ctx context.Context, connection string, cmd Command) (Answered, error) {
	c, err := r.find(r.connections, connection, "Call connection "+connection)
	if err != nil {
		return Answered{}, err
	}
	return c.send(ctx, func(ask Ask) Input { return Request{ask, connection, cmd} })
}

// Send gives a command to a connection and returns when it was accepted or
// refused.
func (r *Registry) Send(ctx context.Context, connection string, cmd Command) error {
	_, err := r.request(ctx, connection, cmd)
	return err
}

// Properties describes a connection.
func (r *Registry) Properties(ctx context.Context, connection string) (Properties, error) {
	a, err := r.request(ctx, connection, describe{})
	return a.Properties, err
}

// Participants lists who is in a connection's call.
func (r *Registry) Participants(ctx context.Context, connection string) ([]event.Participant, error) {
	a, err := r.request(ctx, connection, roster{})
	return a.Participants, err
}

// Record starts a recording of the call that rec names.
func (r *Registry) Record(ctx context.Context, rec Record) (RecordingState, error) {
	c, err := r.find(r.connections, rec.Connection, "Call connection "+rec.Connection)
	if rec.Connection == "" {
		c, err = r.find(r.calls, rec.Call, "The call")
	}
	if err != nil {
		return RecordingState{}, err
	}
	id := newID()
	r.know(r.recordings, id, c)
	a, err := c.send(ctx, func(ask Ask) Input { return RecordRequest{ask, id, rec} })
	return a.Recording, err
}

// Recording is the state of a recording.
func (r *Registry) Recording(ctx context.Context, id string) (RecordingState, error) {
	return r.turn(ctx, id, DescribeRecording)
}

// PauseRecording stops a recording's time for now.
func (r *Registry) PauseRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, PauseRecording)
	return err
}

// ResumeRecording lets it go on.
func (r *Registry) ResumeRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, ResumeRecording)
	return err
}

// StopRecording ends it.
func (r *Registry) StopRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, StopRecording)
	return err
}

func (r *Registry) turn(ctx context.Context, id string, verb RecordingVerb) (RecordingState, error) {
	c, err := r.find(r.recordings, id, "Recording "+id)
	if err != nil {
		return RecordingState{}, err
	}
	a, err := c.send(ctx, func(ask Ask) Input { return RecordingRequest{ask, id, verb} })
	return a.Recording, err
}

// Create begins a call and returns while it rings.
func (r *Registry) Create(ctx context.Context, create Create) (Properties, error) {
	return Properties{}, Errorf(Unsupported, "createCall is not offered yet.")
}

// Redirect hands a ringing call over to others.
func (r *Registry) Redirect(ctx context.Context, redirect Redirect) error {
	return Errorf(Unsupported, "redirectCall is not offered yet.")
}

// Connect adds a connection to a running call.
func (r *Registry) Connect(ctx context.Context, connect Connect) (Properties, error) {
	return Properties{}, Errorf(Unsupported, "connectCall is not offered yet.")
}
