package webhook

import (
	"context"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/outbox"
)

// A lane is a queue of items that must arrive in order. It exists while it has
// some. The courier's mutex guards it.
type lane struct {
	key   string
	items []outbox.Item
}

// enqueue puts an item at the end of its lane.
func (c *Courier) enqueue(it outbox.Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queued[it.ID] {
		return
	}
	c.queued[it.ID] = true
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	if l := c.lanes[it.Key]; l != nil {
		l.items = append(l.items, it)
		return
	}
	l := &lane{key: it.Key, items: []outbox.Item{it}}
	c.lanes[it.Key] = l
	c.fresh = append(c.fresh, l)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// first is the item whose turn it is. When there is none the lane is gone.
func (c *Courier) first(l *lane) (outbox.Item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.items) == 0 {
		delete(c.lanes, l.key)
		return outbox.Item{}, false
	}
	return l.items[0], true
}

// done strikes out the first item of a lane.
func (c *Courier) done(l *lane, id string) {
	if err := c.config.Outbox.Done(id); err != nil {
		c.config.Log.Error("an event may be delivered twice", "id", id, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.items[0] = outbox.Item{} // let go of its body
	l.items = l.items[1:]
	delete(c.queued, id)
	if len(c.queued) == 0 {
		close(c.idle)
		c.idle = nil
	}
}

// Run delivers until ctx is done; then it tries what is pending at once and
// goes on for Config.Drain at most. What is still undelivered stays in the
// outbox. Run it once. No goroutine outlives it.
func (c *Courier) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	defer c.client.CloseIdleConnections()

	for _, s := range c.subscribers {
		all.Go(func() { c.handshake(work, s) })
	}
	for _, it := range c.config.Outbox.Pending() {
		c.enqueue(it)
	}
	for ctx.Err() == nil {
		c.start(work, &all)
		select {
		case <-c.wake:
		case <-ctx.Done():
		}
	}
	close(c.hurry)
	limit := time.NewTimer(c.config.Drain)
	defer limit.Stop()
	for {
		c.start(work, &all)
		idle, n := c.whenIdle()
		if idle == nil {
			return nil
		}
		select {
		case <-c.wake:
		case <-idle:
		case <-limit.C:
			c.config.Log.Warn("events are left in the outbox", "count", n)
			return nil
		}
	}
}

// start gives each lane that needs one its goroutine.
func (c *Courier) start(work context.Context, all *sync.WaitGroup) {
	c.mu.Lock()
	fresh := c.fresh
	c.fresh = nil
	c.mu.Unlock()
	for _, l := range fresh {
		all.Go(func() { c.drive(work, l) })
	}
}

// whenIdle is closed when nothing is queued; nil, when nothing is. n items are.
func (c *Courier) whenIdle() (idle <-chan struct{}, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idle, len(c.queued)
}

// drive delivers the items of a lane, one after another.
func (c *Courier) drive(ctx context.Context, l *lane) {
	for {
		it, ok := c.first(l)
		if !ok {
			return
		}
		if !c.deliver(ctx, it) {
			return // Run is over; the item stays in the outbox
		}
		c.done(l, it.ID)
	}
}
