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
	ready chan struct{} // closed after the handshake
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
			close(s.ready)
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
	free, err := c.slots.take(ctx, hostOf(to))
	if err != nil {
		return err
	}
	defer free()
	resp, err := c.post(ctx, to, map[string]string{"Content-Type": "application/json", acs.GridHeader: acs.GridValidation}, body)
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

// await waits until an endpoint may be sent events: a callback at once, a
// subscriber after its handshake.
func (c *Courier) await(ctx context.Context, to string) error {
	s := c.subscribers[to]
	if s == nil {
		return nil
	}
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the subscriber did not complete the handshake: %w", ctx.Err())
	}
}
