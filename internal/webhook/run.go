package webhook

import (
	"context"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/outbox"
)

// Run delivers until ctx is done; then it tries what is pending at once and
// goes on for Config.Drain at most. What is still undelivered stays in the
// outbox. Run it once. No goroutine outlives it.
func (c *Courier) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	for _, s := range c.subscribers {
		all.Go(func() { c.handshake(work, s) })
	}
	all.Go(func() { c.bury(work) })

	c.spin(work, &all, ctx.Done(), nil)
	c.hurry()
	limit := time.NewTimer(c.config.Drain)
	c.spin(work, &all, nil, limit.C)
	limit.Stop()
	stop()
	all.Wait()
	c.client.CloseIdleConnections()
	c.leave()
	return nil
}

// spin starts attempts, until done or limit. With a limit it ends earlier, when
// nothing is pending any more.
func (c *Courier) spin(work context.Context, all *sync.WaitGroup, done <-chan struct{}, limit <-chan time.Time) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	sweep := time.NewTicker(forgetHost)
	defer sweep.Stop()
	for {
		idle := c.start(work, all, timer)
		if limit == nil {
			idle = nil
		} else if idle == nil {
			return
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case <-idle:
		case <-sweep.C:
			c.sweep()
		case <-done:
			return
		case <-limit:
			return
		}
	}
}

// start begins all attempts that may begin, sets the timer to the next alarm,
// and gives what is closed when nothing is pending; nil: nothing is.
func (c *Courier) start(work context.Context, all *sync.WaitGroup, timer *time.Timer) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		next, ok := c.ring(time.Now())
		l, e := c.take(time.Now())
		if l != nil {
			all.Go(func() { c.work(work, l, e) })
			continue
		}
		if !ok {
			next = time.Now().Add(time.Hour)
		}
		timer.Reset(time.Until(next))
		return c.idle
	}
}

// work makes one attempt after another, as long as there is one to make.
func (c *Courier) work(ctx context.Context, l *lane, e *outbox.Entry) {
	for l != nil {
		o := c.attempt(ctx, l, e)
		l, e = c.land(ctx, l, e, o)
	}
}

// land ends an attempt, and gives the next one to make.
func (c *Courier) land(ctx context.Context, l *lane, e *outbox.Entry, o outcome) (*lane, *outbox.Entry) {
	if o.err == nil {
		c.delivered(e)
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	h := l.host
	h.flying--
	c.flying--
	if ctx.Err() != nil && o.err != nil {
		return nil, nil // Run is over; the item stays in the outbox
	}
	h.learn(o, l.trouble != nil, c.config.HostSlots)
	c.report(h, e, o, now)
	if o.err == nil {
		c.next(l)
	} else {
		c.retry(l, o, now)
	}
	c.offer(h, now)
	next, item := c.take(now)
	if c.mayTake() {
		c.nudge() // there is room for one more
	}
	return next, item
}

// retry sets the time of the next attempt, or gives the item up.
func (c *Courier) retry(l *lane, o outcome, now time.Time) {
	_, deadline := l.first()
	wait, more := l.fail(o, now)
	if !more || !now.Before(deadline) {
		c.condemn(l)
		return
	}
	c.count("retry")
	l.state = waiting
	at := now.Add(wait)
	if deadline.Before(at) {
		at = deadline
	}
	c.set(&l.alarm, at)
}

// report says when deliveries to a host begin to fail, and when they succeed
// again; not more often than now and then.
func (c *Courier) report(h *host, e *outbox.Entry, o outcome, now time.Time) {
	bad := o.err != nil
	if h.bad == bad || now.Sub(h.logged) < reportPause {
		return
	}
	h.bad, h.logged = bad, now
	if bad {
		c.config.Log.Warn("events are not delivered, and will be tried again", "to", place(e.URL), "id", e.ID, "error", o.err)
	} else {
		c.config.Log.Info("events are delivered again", "to", place(e.URL))
	}
}

// hurry has what waits for another attempt tried at once.
func (c *Courier) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		h.rest = time.Time{}
	}
	for _, l := range c.lanes {
		if l.state == waiting {
			c.lineUp(l)
		}
	}
}

// sweep forgets hosts that nothing was sent to for a while.
func (c *Courier) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, h := range c.hosts {
		if h.lanes == 0 && time.Since(h.left) > forgetHost {
			c.unset(&h.alarm)
			delete(c.hosts, name)
		}
	}
}

// leave says what is left undelivered.
func (c *Courier) leave() {
	c.mu.Lock()
	n := c.pending
	c.mu.Unlock()
	if n == 0 {
		return
	}
	c.config.Log.Warn("events are left in the outbox", "count", n)
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := c.box.Save(ctx); err != nil {
		c.config.Log.Error("events are lost", "error", err)
	}
}
