package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tipring/tipring/internal/acs"
)

// A subscriber is an Event Grid endpoint. It is sent events once it has shown,
// in the handshake, that it wants them.
type subscriber struct {
	url   string
	ready bool // after the handshake; the courier's mutex guards it
}

// longestHandshakeWait is short, so that an app that starts after the server
// does not wait long for its first event.
const longestHandshakeWait = 5 * time.Second

// handshake tries the handshake until it succeeds or ctx is done.
func (c *Courier) handshake(ctx context.Context, s *subscriber) {
	pause := waits(longestHandshakeWait)
	for attempt := 1; ; attempt++ {
		err := c.validate(ctx, s.url)
		if err == nil {
			c.config.Log.Info("event subscriber is ready", "url", place(s.url))
			c.admit(s)
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.count("handshake failed")
		if attempt == 1 {
			c.config.Log.Warn("event subscriber did not answer the handshake, it will be asked again", "url", place(s.url), "error", err)
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return
		}
	}
}

// validate sends the handshake once. The right answer is 200 and the code.
func (c *Courier) validate(ctx context.Context, to string) error {
	code := rand.Text()
	body, err := json.Marshal([]acs.GridEvent{{
		ID: rand.Text(), Topic: c.config.Topic, Data: acs.Validation{ValidationCode: code},
		EventType: acs.ValidationType, DataVersion: "1", MetadataVersion: "1", EventTime: acs.GridTime(time.Now()),
	}})
	if err != nil {
		return fmt.Errorf("encode the handshake: %w", err)
	}
	resp, err := c.post(ctx, to, map[string]string{"Content-Type": "application/json", acs.GridHeader: acs.GridValidation}, body, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, drainBody))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer was %s", resp.Status)
	}
	var said acs.ValidationResponse
	if err := json.Unmarshal(answer, &said); err != nil {
		return fmt.Errorf("the answer is not {\"validationResponse\":…}: %w", err)
	}
	if said.ValidationResponse != code {
		return fmt.Errorf("the answer has validationResponse %.60q, not the code", said.ValidationResponse)
	}
	return nil
}

// admit lets the lanes go that waited for a subscriber's handshake.
func (c *Courier) admit(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.ready = true
	for _, l := range c.lanes {
		if e, _ := l.queue.front(); l.state == held && e.URL == s.url {
			c.lineUp(l)
		}
	}
	c.nudge()
}
