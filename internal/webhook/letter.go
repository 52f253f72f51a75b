package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tipring/tipring/internal/outbox"
)

// Why events become dead letters.
const (
	expired      = "expired"      // 24 hours were not enough
	refused      = "refused"      // the app answered, and did not want it
	noRoom       = "no room"      // the outbox was full
	unsubscribed = "unsubscribed" // the subscriber is not among ours any more
	unreadable   = "unreadable"   // the journal has lost it
)

// bury gives up the first items of lanes, until ctx is done.
func (c *Courier) bury(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		var l *lane
		if len(c.graves) > 0 {
			l, c.graves = c.graves[0], c.graves[1:]
		}
		c.mu.Unlock()
		if l != nil {
			c.giveUp(l)
			continue
		}
		select {
		case <-c.dig:
		case <-ctx.Done():
		}
	}
}

// giveUp makes the first item of a lane a dead letter; IncomingCall is only
// counted.
func (c *Courier) giveUp(l *lane) {
	c.mu.Lock()
	e, _ := l.queue.front()
	o := outbox.Obituary{Reason: expired, Error: "its time was over before it could be sent"}
	if t := l.trouble; t != nil {
		o = outbox.Obituary{Reason: cmp.Or(t.final, expired), Error: t.err.Error(), Attempts: t.attempts}
	}
	c.mu.Unlock()

	c.count("given up")
	log := c.config.Log.With("to", place(e.URL), "id", e.ID, "reason", o.Reason, "attempts", o.Attempts, "error", o.Error)
	if perishable(e) {
		c.box.Done(e)
		log.Error("event given up")
	} else if err := c.inter(e, o); err != nil {
		log.Error("event given up, and lost", "shelf", err)
	} else {
		log.Error("event given up: it is a dead letter")
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Reason == expired {
		l.grace = time.Now().Add(patience)
	}
	c.next(l)
	c.nudge()
}

func (c *Courier) inter(e *outbox.Entry, o outbox.Obituary) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	return c.box.Bury(ctx, e, o)
}

// Letters lists at most n dead letters with numbers above after, oldest first.
func (c *Courier) Letters(after uint64, n int) ([]outbox.Letter, error) {
	return c.box.Letters(after, n)
}

// Letter gives one dead letter, or outbox.ErrNotFound.
func (c *Courier) Letter(seq uint64) (outbox.Letter, error) { return c.box.Letter(seq) }

// Discard removes a dead letter, or says outbox.ErrNotFound.
func (c *Courier) Discard(seq uint64) error { return c.box.Discard(seq) }

// Resend queues the event of a dead letter once more, with the same id, at the
// end of its lane and with its whole time before it. outbox.ErrNotFound: there
// is no such letter; outbox.ErrFull: there is no room now.
func (c *Courier) Resend(ctx context.Context, seq uint64) error {
	l, err := c.box.Letter(seq)
	if err != nil {
		return err
	}
	l.Created = c.config.Now()
	entries, refusals, err := c.box.Append(ctx, []outbox.Item{l.Item})
	c.queue(entries)
	if err != nil {
		return fmt.Errorf("send a dead letter again: %w", err) // it is sent, but may be forgotten: the letter stays
	}
	for _, r := range refusals {
		if !errors.Is(r.Err, outbox.ErrDuplicate) { // then it is on its way already
			return fmt.Errorf("send a dead letter again: %w", r.Err)
		}
	}
	if err := c.box.Discard(seq); err != nil && !errors.Is(err, outbox.ErrNotFound) {
		return err
	}
	return nil
}

// delivered strikes an item out that has arrived.
func (c *Courier) delivered(e *outbox.Entry) {
	c.box.Done(e)
	c.count("delivered")
	m := c.config.Metrics
	m.Counter("webhook_delivery_microseconds_count", "", "", "Events delivered").Add(1)
	m.Counter("webhook_delivery_microseconds_sum", "", "", "Time from an event to its delivery, in all").Add(uint64(max(0, time.Since(e.Since).Microseconds())))
}
