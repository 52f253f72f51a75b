package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/outbox"
)

const (
	firstWait   = time.Second
	longestWait = time.Minute
	patience    = time.Minute      // with an app that refuses an event
	longestAsk  = 10 * time.Minute // a Retry-After beyond it is not kept to
	drainBody   = 64 << 10         // bytes of an answer that are read, to keep the connection
	drainTime   = time.Second      // how long they are waited for
	reportPause = 10 * time.Second // between two lines in the log about a host
)

// waits are the pauses between attempts: 1 s, 2 s, 4 s … 1 min, each a quarter
// more or less.
func waits(longest time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval, b.RandomizationFactor = firstWait, 2, longest, 0.25
	b.Reset()
	return b
}

// An outcome is how an attempt went, and what it tells of the next.
type outcome struct {
	err         error // nil: delivered
	took        time.Duration
	answered    bool          // there was an answer, whatever it was
	unreachable bool          // there was no connection
	refused     bool          // the app answers, and does not want this event
	final       string        // why no attempt can do better; "": one may
	wait        time.Duration // the app asked for so much time
}

// fail takes note of a failure, and says how long to wait for the next attempt;
// false: there is none.
func (l *lane) fail(o outcome, now time.Time) (wait time.Duration, more bool) {
	if l.trouble == nil {
		l.trouble = &trouble{pause: waits(longestWait)}
	}
	t := l.trouble
	t.attempts++
	t.err, t.final = o.err, o.final
	wait = max(t.pause.NextBackOff(), o.wait)
	if !o.refused {
		t.refused = time.Time{}
		return wait, o.final == ""
	}
	if t.refused.IsZero() {
		t.refused = now
	}
	left := patience - now.Sub(t.refused)
	if left <= 0 {
		t.final = refused
	}
	return min(wait, left), t.final == "" // so that the last attempt comes when patience ends
}

// attempt posts an item once.
func (c *Courier) attempt(ctx context.Context, l *lane, e *outbox.Entry) outcome {
	began := time.Now()
	c.mu.Lock()
	_, deadline := l.first()
	c.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	o, result := c.try(ctx, e)
	o.took = time.Since(began)
	c.config.Metrics.Counter("webhook_attempts_total", "result", result, "Attempts to deliver an event, by what came of it").Add(1)
	return o
}

func (c *Courier) try(ctx context.Context, e *outbox.Entry) (o outcome, result string) {
	it, err := c.box.Load(e)
	if err != nil {
		o.err = err
		if errors.Is(err, outbox.ErrNotFound) {
			o.final = unreadable
		}
		return o, "outbox"
	}
	isGrid := it.Header[acs.GridHeader] != ""
	if isGrid && c.subscribers[e.URL] == nil {
		return outcome{err: errors.New("nobody subscribes at this URL any more"), final: unsubscribed}, "unsubscribed"
	}
	resp, err := c.post(ctx, it.URL, it.Header, it.Body, !isGrid)
	if err != nil {
		o.err = err
		o.unreachable, result = blame(err)
		return o, result
	}
	defer resp.Body.Close()
	o.answered = true
	if resp.StatusCode/100 != 2 {
		o.err = fmt.Errorf("the answer was %s", resp.Status)
		judge(&o, resp)
	}
	stop := time.AfterFunc(drainTime, func() { resp.Body.Close() })
	_, _ = io.CopyN(io.Discard, resp.Body, drainBody) // the status has been said
	stop.Stop()
	return o, strconv.Itoa(resp.StatusCode/100) + "xx"
}

// blame says of an attempt without an answer what failed.
func blame(err error) (unreachable bool, result string) {
	var op *net.OpError
	var signing *signError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return true, "unreachable"
	case errors.Is(err, context.DeadlineExceeded):
		return false, "timeout"
	case errors.As(err, &signing):
		return false, "not signed"
	}
	return false, "broken"
}

// post sends a body. It may take attemptTimeout with the reading of the answer.
func (c *Courier) post(ctx context.Context, to string, header map[string]string, body []byte, sign bool) (*http.Response, error) {
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
	// Unsent, but it lets the transport repeat a request whose connection the
	// app has just closed because it was idle: an event has an id.
	req.Header["Idempotency-Key"] = []string{}
	if sign && c.config.Sign != nil {
		token, err := c.config.Sign(c.config.Audience)
		if err != nil {
			cancel()
			return nil, &signError{err}
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

type signError struct{ err error }

func (e *signError) Error() string { return "sign: " + e.err.Error() }
func (e *signError) Unwrap() error { return e.err }

// timed ends the time limit of an exchange with its body.
type timed struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the exchange.
func (t *timed) Close() error {
	t.cancel()
	return t.ReadCloser.Close()
}

// judge reads from a refusal what the next attempt is worth.
func judge(o *outcome, resp *http.Response) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		o.wait = retryAfter(resp.Header)
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooEarly:
	case http.StatusGone:
		o.final = refused
	default:
		o.refused = resp.StatusCode/100 == 4
	}
}

// retryAfter reads seconds, or a date by the clock of the one who says it; 0 for
// neither.
func retryAfter(h http.Header) time.Duration {
	var wait time.Duration
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		if said, err := http.ParseTime(h.Get("Date")); err == nil {
			wait = at.Sub(said)
		} else {
			wait = time.Until(at)
		}
	}
	return min(max(wait, 0), longestAsk)
}
