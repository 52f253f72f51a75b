package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/outbox"
)

// Config is what a Courier needs.
type Config struct {
	Outbox      *outbox.Box  // nil: one in memory
	Client      *http.Client // nil: http.DefaultClient. Redirects are not followed, whatever it says
	Subscribers []string     // URLs that are sent Event Grid events
	PublicURL   string       // what the locations of recordings begin with
	Topic       string       // of Event Grid events; empty: one that names tipring
	// Sign makes the token of a callback's Authorization header; nil: there is
	// none. Event Grid events are not signed.
	Sign     func(audience string) (string, error)
	Audience string // for Sign

	Slots     int              // attempts at one time; 2048
	HostSlots int              // of them to one host, if it is equal to them; HostSlots
	Drain     time.Duration    // how long Run goes on when its context is done; 5 s
	Metrics   *metric.Set      // webhook_…; may be nil
	Log       *slog.Logger     // nil: silent
	Now       func() time.Time // the wall clock, for what is written; nil: time.Now
}

// HostSlots is how many attempts at one time a host may have, so many
// connections does it take.
const HostSlots = 512

const (
	attemptTimeout = 30 * time.Second
	commitTimeout  = 5 * time.Second
	keepFor        = 24 * time.Hour
	ringFor        = 30 * time.Second // how long an incoming call waits for its app
	defaultTopic   = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/tipring/providers/Microsoft.Communication/communicationServices/tipring"
)

// A Courier delivers events. Make it with New.
type Courier struct {
	config      Config
	box         *outbox.Box
	client      *http.Client
	subscribers map[string]*subscriber // by URL; the map does not change

	mu      sync.Mutex
	lanes   map[string]*lane
	hosts   map[string]*host
	ready   line[*host]   // hosts to which something may be sent now
	greedy  line[*host]   // the same, but they hold many slots
	alarms  alarms        // what happens when
	graves  []*lane       // the heads of these are to be given up
	flying  int           // attempts under way
	pending int           // items in lanes
	idle    chan struct{} // closed when nothing is pending; nil then

	wake chan struct{} // ready or alarms have changed
	dig  chan struct{} // graves has something
}

// New makes a Courier that delivers once Run runs. What is pending in the outbox
// comes first.
func New(c Config) *Courier {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Outbox == nil {
		c.Outbox, _ = outbox.Open(outbox.Config{Metrics: c.Metrics, Log: c.Log, Now: c.Now}) // an empty memory is always readable
	}
	c.Client = cmp.Or(c.Client, http.DefaultClient)
	c.Topic = cmp.Or(c.Topic, defaultTopic)
	c.Slots = cmp.Or(max(0, c.Slots), 2048)
	c.HostSlots = cmp.Or(max(0, c.HostSlots), HostSlots)
	c.Drain = cmp.Or(c.Drain, 5*time.Second)
	client := *c.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	courier := &Courier{
		config: c, box: c.Outbox, client: &client,
		subscribers: map[string]*subscriber{},
		lanes:       map[string]*lane{},
		hosts:       map[string]*host{},
		wake:        make(chan struct{}, 1),
		dig:         make(chan struct{}, 1),
	}
	for _, u := range c.Subscribers {
		courier.subscribers[u] = &subscriber{url: u}
	}
	courier.gauges()
	courier.queue(c.Outbox.Pending())
	return courier
}

// Take spells events, keeps them together with records of others, all or none,
// and queues them. It waits for the disk, never for the network. An error is the
// journal's: the records are not kept, but the events are delivered all the
// same, as long as the process lives. Calls that overlap in time are in no
// order; the events of a call want one after another.
func (c *Courier) Take(events []event.Event, with ...journal.Record) error {
	var items []outbox.Item
	for _, e := range events {
		if e.Time.IsZero() {
			e.Time = c.config.Now()
		}
		spelled, err := c.items(e)
		switch {
		case errors.Is(err, errNoCallback):
			c.count("no callback")
		case err != nil:
			c.count("encode")
			c.config.Log.Error("event is lost", "event", fmt.Sprintf("%T", e.Body), "connection", e.Connection, "call", e.Correlation, "error", err)
		default:
			items = append(items, spelled...)
		}
	}
	return c.append(items, with...)
}

// append keeps items and queues them.
func (c *Courier) append(items []outbox.Item, with ...journal.Record) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	entries, refused, err := c.box.Append(ctx, items, with...)
	c.queue(entries)
	for _, r := range refused {
		c.refused(ctx, r)
	}
	return err
}

// refused finds another place for an item that the outbox has no room for: among
// the dead letters.
func (c *Courier) refused(ctx context.Context, r outbox.Refusal) {
	if errors.Is(r.Err, outbox.ErrDuplicate) {
		c.count("duplicate")
		return
	}
	c.count("outbox")
	log := c.config.Log.With("event", r.Item.Type, "to", place(r.Item.URL), "id", r.Item.ID, "error", r.Err)
	if r.Item.Life <= ringFor {
		log.Error("event is lost")
		return
	}
	if err := c.box.Shelve(ctx, r.Item, outbox.Obituary{Reason: noRoom, Error: r.Err.Error()}); err != nil {
		log.Error("event is lost", "shelf", err)
		return
	}
	log.Error("event is a dead letter: the outbox has no room for it")
}

// gauges shows what is under way.
func (c *Courier) gauges() {
	read := func(f func() int) func() float64 {
		return func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return float64(f())
		}
	}
	c.config.Metrics.Gauge("webhook_attempts", "", "", "Attempts to deliver an event that are under way", read(func() int { return c.flying }))
	c.config.Metrics.Gauge("webhook_lanes", "", "", "Connections and subscriptions that have events to deliver", read(func() int { return len(c.lanes) }))
}

func (c *Courier) count(result string) {
	c.config.Metrics.Counter("webhook_events_total", "result", result, "Events and attempts to deliver them, by result").Add(1)
}

// Drain waits until everything taken so far was delivered or given up.
func (c *Courier) Drain(ctx context.Context) error {
	for {
		c.mu.Lock()
		idle, n := c.idle, c.pending
		c.mu.Unlock()
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
