package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

// Config is what a Courier needs.
type Config struct {
	Outbox      outbox.Outbox // nil: one in memory
	Client      *http.Client  // nil: http.DefaultClient. Redirects are not followed, whatever it says
	Subscribers []string      // URLs that are sent Event Grid events
	PublicURL   string        // what the locations of recordings begin with
	Topic       string        // of Event Grid events; empty: one that names tipring
	// Sign makes the token of a callback's Authorization header; nil: there is
	// none. Event Grid events are not signed.
	Sign     func(audience string) (string, error)
	Audience string // for Sign

	Slots     int           // attempts at one time; 512
	HostSlots int           // of them to one host; 64
	Drain     time.Duration // how long Run goes on when its context is done; 5 s
	Metrics   *metric.Set   // webhook_events_total; may be nil
	Log       *slog.Logger  // nil: silent
}

const (
	attemptTimeout = 30 * time.Second
	keepFor        = 24 * time.Hour
	ringFor        = 30 * time.Second // how long an incoming call waits for its app
	defaultTopic   = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/tipring/providers/Microsoft.Communication/communicationServices/tipring"
)

// A Courier delivers events. Make it with New.
type Courier struct {
	config      Config
	client      *http.Client
	slots       slots
	subscribers map[string]*subscriber // by URL

	mu     sync.Mutex
	lanes  map[string]*lane
	queued map[string]bool // ids of items in lanes
	fresh  []*lane         // lanes that need a goroutine
	idle   chan struct{}   // closed when nothing is queued; nil then

	wake  chan struct{} // fresh has something
	hurry chan struct{} // closed when Run is to end: retry now
}

// New makes a Courier that delivers once Run runs.
func New(c Config) *Courier {
	if c.Outbox == nil {
		c.Outbox = &outbox.Memory{Metrics: c.Metrics}
	}
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	if c.Topic == "" {
		c.Topic = defaultTopic
	}
	if c.Slots <= 0 {
		c.Slots = 512
	}
	if c.HostSlots <= 0 {
		c.HostSlots = 64
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	courier := &Courier{
		config: c, client: &client,
		slots:       slots{all: make(chan struct{}, c.Slots), perHost: c.HostSlots, hosts: map[string]*hostSlots{}},
		subscribers: map[string]*subscriber{},
		lanes:       map[string]*lane{},
		queued:      map[string]bool{},
		wake:        make(chan struct{}, 1),
		hurry:       make(chan struct{}),
	}
	for _, u := range c.Subscribers {
		courier.subscribers[u] = &subscriber{url: u, ready: make(chan struct{})}
	}
	return courier
}

// Take spells an event and queues it. It does not wait for the network, so it
// may be given to event.Bus.Subscribe. Call it in the order of events.
func (c *Courier) Take(e event.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	items, err := c.items(e)
	if errors.Is(err, errNoCallback) {
		c.count("no callback")
		return
	}
	if err != nil {
		c.lost(e, "encode", err)
		return
	}
	for _, it := range items {
		err := c.config.Outbox.Append(it)
		switch {
		case errors.Is(err, outbox.ErrDuplicate):
			c.count("duplicate")
		case err != nil:
			c.lost(e, "outbox", err)
		default:
			c.enqueue(it)
		}
	}
}

// errNoCallback: the app never said where such events go.
var errNoCallback = errors.New("no callback")

// items are what an event becomes: one for a callback, one for each subscriber.
func (c *Courier) items(e event.Event) ([]outbox.Item, error) {
	if ge, ok := grid(e, c.config.Topic, c.config.PublicURL); ok {
		return c.gridItems(e, ge)
	}
	ce, ok := cloud(e)
	if !ok {
		return nil, fmt.Errorf("no callback carries a %T", e.Body)
	}
	if e.Callback == "" {
		return nil, errNoCallback
	}
	body, err := json.Marshal([]acs.CloudEvent{ce})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ce.Type, err)
	}
	u, err := url.Parse(e.Callback)
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	return []outbox.Item{{
		ID: e.ID, Key: cmp.Or(e.Connection, e.Call) + " " + u.Scheme + "://" + u.Host, URL: e.Callback, Body: body,
		Header:  map[string]string{"Content-Type": "application/json"},
		Created: e.Time, Expires: e.Time.Add(keepFor),
	}}, nil
}

func (c *Courier) gridItems(e event.Event, ge acs.GridEvent) ([]outbox.Item, error) {
	body, err := json.Marshal([]acs.GridEvent{ge})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ge.EventType, err)
	}
	expires := e.Time.Add(keepFor)
	if _, ok := e.Body.(event.IncomingCall); ok {
		expires = e.Time.Add(ringFor)
	}
	if len(c.config.Subscribers) == 0 {
		c.config.Log.Warn("nobody subscribes to events", "event", ge.EventType, "call", e.Correlation)
		c.count("no subscriber")
	}
	items := make([]outbox.Item, 0, len(c.config.Subscribers))
	for _, u := range c.config.Subscribers {
		items = append(items, outbox.Item{
			ID: e.ID + " " + u, Key: e.Call + " " + u, URL: u, Body: body,
			Header:  map[string]string{"Content-Type": "application/json", acs.GridHeader: acs.GridNotification},
			Created: e.Time, Expires: expires,
		})
	}
	return items, nil
}

// lost says that an event will not be delivered.
func (c *Courier) lost(e event.Event, reason string, err error) {
	c.count(reason)
	c.config.Log.Error("event is lost", "event", fmt.Sprintf("%T", e.Body), "connection", e.Connection, "call", e.Correlation, "error", err)
}

func (c *Courier) count(result string) {
	c.config.Metrics.Counter("webhook_events_total", "result", result, "Events and attempts to deliver them, by result").Add(1)
}

// Drain waits until everything taken so far was delivered or given up.
func (c *Courier) Drain(ctx context.Context) error {
	for {
		idle, n := c.whenIdle()
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("%d events are not delivered: %w", n, ctx.Err())
		}
	}
}
