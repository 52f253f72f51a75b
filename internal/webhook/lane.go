package webhook

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tipring/tipring/internal/outbox"
)

// A lane is a queue of items that must arrive in order. It exists while it has
// some. The courier's mutex guards it; the methods here want it held.
type lane struct {
	key     string
	host    *host
	queue   line[*outbox.Entry]
	state   state
	trouble *trouble  // of the first item; nil: it has not failed
	grace   time.Time // what stood behind one that has expired has until then at least
	alarm   alarm     // for the first item's next attempt, or its deadline

	rank           *rank // of its host, in which it waits
	before, behind *lane // there
}

// trouble is how the attempts at an item went.
type trouble struct {
	attempts int
	pause    *backoff.ExponentialBackOff
	refused  time.Time // since when the app has done nothing but refuse
	err      error
	final    string // why no attempt can do better; "": one may
}

// A state is what a lane does.
type state uint8

const (
	lined   state = iota // in a rank of its host
	flying               // an attempt is under way
	waiting              // for the next attempt
	held                 // until the subscriber has completed the handshake
	dying                // its first item is given up
	ended
)

// first is the item whose turn it is, and until when it may be sent.
func (l *lane) first() (e *outbox.Entry, deadline time.Time) {
	e, _ = l.queue.front()
	if e.Deadline.Before(l.grace) && !perishable(e) {
		return e, l.grace
	}
	return e, e.Deadline
}

// queue puts entries at the ends of their lanes.
func (c *Courier) queue(entries []*outbox.Entry) {
	if len(entries) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range entries {
		c.pending++
		if l := c.lanes[e.Key]; l != nil {
			l.queue.push(e)
			continue
		}
		l := &lane{key: e.Key, host: c.host(hostOf(e.URL))}
		l.alarm.lane = l
		l.host.lanes++
		l.queue.push(e)
		c.lanes[e.Key] = l
		c.lineUp(l)
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	c.nudge()
}

func (c *Courier) host(name string) *host {
	h := c.hosts[name]
	if h == nil {
		h = &host{name: name, limit: min(firstSlots, c.config.HostSlots)}
		h.alarm.host = h
		c.hosts[name] = h
	}
	return h
}

// lineUp has a lane wait for the turn of its first item.
func (c *Courier) lineUp(l *lane) {
	e, deadline := l.first()
	c.set(&l.alarm, deadline)
	if s := c.subscribers[e.URL]; s != nil && !s.ready {
		l.state = held
		return
	}
	l.state = lined
	if l.trouble == nil {
		l.host.fresh.push(l)
	} else {
		l.host.again.push(l)
	}
	c.offer(l.host, time.Now())
}

// offer says that something may be sent to a host, if so; else when it may.
func (c *Courier) offer(h *host, now time.Time) {
	if !h.mayFly(now) {
		if h.flying < h.limit && h.waiting() > 0 {
			c.set(&h.alarm, h.rest)
		}
		return
	}
	q := &c.ready
	if h.flying >= modest {
		q = &c.greedy
	}
	if h.queue == nil || h.queue == &c.greedy && q == &c.ready {
		h.queue = q
		q.push(h)
	}
}

// mayTake says whether take might give something.
func (c *Courier) mayTake() bool {
	return c.ready.len() > 0 && c.flying < c.config.Slots || c.greedy.len() > 0 && c.flying < c.config.Slots/2
}

// take gives the lane and the item whose turn it is; nil: none may be sent now.
func (c *Courier) take(now time.Time) (*lane, *outbox.Entry) {
	for c.mayTake() {
		q := &c.ready
		if q.len() == 0 {
			q = &c.greedy
		}
		h, _ := q.pop()
		if h.queue != q {
			continue // it has moved to the other
		}
		h.queue = nil
		var l *lane
		if h.flying < h.limit {
			l = h.next(now)
		}
		if l == nil {
			c.offer(h, now)
			continue
		}
		e, deadline := l.first()
		if now.Before(deadline) {
			l.state = flying
			h.flying++
			c.flying++
			c.unset(&l.alarm)
		} else {
			c.condemn(l)
			l = nil
		}
		c.offer(h, now)
		if l != nil {
			return l, e
		}
	}
	return nil, nil
}

// next ends the time of a lane's first item, and begins that of the one behind.
func (c *Courier) next(l *lane) {
	l.queue.pop()
	l.trouble = nil
	if c.pending--; c.pending == 0 {
		close(c.idle)
		c.idle = nil
	}
	if l.queue.len() > 0 {
		c.lineUp(l)
		return
	}
	l.state = ended
	c.unset(&l.alarm)
	delete(c.lanes, l.key)
	if l.host.lanes--; l.host.lanes == 0 {
		l.host.left = time.Now()
	}
}

// condemn has a lane's first item given up, by someone who may wait for the disk.
func (c *Courier) condemn(l *lane) {
	l.state = dying
	if l.rank != nil {
		l.rank.remove(l)
	}
	c.unset(&l.alarm)
	c.graves = append(c.graves, l)
	select {
	case c.dig <- struct{}{}:
	default:
	}
}
