package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tipring/tipring/internal/outbox"
)

const (
	firstWait   = time.Second
	longestWait = time.Minute
	patience    = time.Minute      // with an app that refuses an event
	longestAsk  = 10 * time.Minute // a Retry-After beyond it is not kept to
	drainBody   = 64 << 10         // bytes of an answer that are read, to keep the connection
)

// waits are the pauses between attempts: 1 s, 2 s, 4 s … 1 min, each a quarter
// more or less.
func waits(longest time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval, b.RandomizationFactor = firstWait, 2, longest, 0.25
	b.Reset()
	return b
}

// deliver tries an item until it arrives or is given up. It is false when ctx
// was done before either.
func (c *Courier) deliver(ctx context.Context, it outbox.Item) bool {
	limit, cancel := context.WithDeadline(ctx, it.Expires)
	defer cancel()
	pause := waits(longestWait)
	hurry := c.hurry
	var refusals refusals
	err := c.await(limit, it.URL)
	for attempt := 1; limit.Err() == nil; attempt++ {
		var v verdict
		v, err = c.attempt(limit, it)
		if err == nil {
			c.count("delivered")
			if attempt > 1 {
				c.config.Log.Info("event delivered after retries", "to", place(it.URL), "id", it.ID, "attempts", attempt)
			}
			return true
		}
		if limit.Err() != nil {
			break
		}
		c.count("retry")
		if attempt == 1 {
			c.config.Log.Warn("event not delivered, will be retried", "to", place(it.URL), "id", it.ID, "error", err)
		}
		wait, more := refusals.bound(v, max(pause.NextBackOff(), v.wait))
		if !more {
			break
		}
		select {
		case <-time.After(wait):
		case <-hurry:
			hurry = nil
		case <-limit.Done():
		}
	}
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		err = errLate
	}
	c.count("given up")
	c.config.Log.Error("event given up", "to", place(it.URL), "id", it.ID, "error", err)
	return true
}

var errLate = errors.New("its time was over before it could be sent")

// A verdict is what an attempt tells of the next.
type verdict struct {
	refused bool          // the app answers, and does not want this event
	wait    time.Duration // it asked for so much time
}

// refusals remembers since when an app has done nothing but refuse.
type refusals struct{ since time.Time }

// bound shortens a wait so that the last attempt comes when patience ends;
// false: it has ended.
func (r *refusals) bound(v verdict, wait time.Duration) (time.Duration, bool) {
	if !v.refused {
		r.since = time.Time{}
		return wait, true
	}
	if r.since.IsZero() {
		r.since = time.Now()
	}
	left := patience - time.Since(r.since)
	return min(wait, left), left > 0
}

// attempt posts an item once.
func (c *Courier) attempt(ctx context.Context, it outbox.Item) (verdict, error) {
	free, err := c.slots.take(ctx, hostOf(it.URL))
	if err != nil {
		return verdict{}, err
	}
	defer free()
	resp, err := c.post(ctx, it.URL, it.Header, it.Body)
	if err != nil {
		return verdict{}, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, drainBody) // the status has been said
	if resp.StatusCode/100 == 2 {
		return verdict{}, nil
	}
	return judge(resp), fmt.Errorf("the answer was %s", resp.Status)
}

// post sends a body. It may take attemptTimeout with the reading of the answer.
func (c *Courier) post(ctx context.Context, to string, header map[string]string, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("User-Agent", "tipring")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	if c.config.Sign != nil && c.subscribers[to] == nil {
		token, err := c.config.Sign(c.config.Audience)
		if err != nil {
			cancel()
			return nil, fmt.Errorf("sign: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("post: %w", err)
	}
	resp.Body = &timed{resp.Body, cancel}
	return resp, nil
}

// timed ends the time limit of an exchange with its body.
type timed struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close closes the body.
func (t *timed) Close() error {
	defer t.cancel()
	return t.ReadCloser.Close()
}

func judge(resp *http.Response) verdict {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return verdict{wait: retryAfter(resp.Header.Get("Retry-After"))}
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooEarly:
		return verdict{}
	}
	return verdict{refused: resp.StatusCode/100 == 4}
}

// retryAfter reads seconds or a date; 0 for neither.
func retryAfter(value string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), longestAsk)
}
