package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/outbox"
)

// errNoCallback: the app never said where such events go.
var errNoCallback = errors.New("no callback")

// The headers of items, which all of them share.
var (
	cloudHeader = map[string]string{"Content-Type": "application/json"}
	gridHeader  = map[string]string{"Content-Type": "application/json", acs.GridHeader: acs.GridNotification}
)

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
		ID: e.ID, Key: cmp.Or(e.Connection, e.Call) + " " + u.Scheme + "://" + u.Host, URL: e.Callback,
		Type: short(ce.Type), Header: cloudHeader, Body: body, Created: e.Time, Life: keepFor,
	}}, nil
}

func (c *Courier) gridItems(e event.Event, ge acs.GridEvent) ([]outbox.Item, error) {
	body, err := json.Marshal([]acs.GridEvent{ge})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ge.EventType, err)
	}
	life := keepFor
	if _, ok := e.Body.(event.IncomingCall); ok {
		life = ringFor
	}
	if len(c.config.Subscribers) == 0 {
		c.config.Log.Warn("nobody subscribes to events", "event", ge.EventType, "call", e.Correlation)
		c.count("no subscriber")
	}
	items := make([]outbox.Item, 0, len(c.config.Subscribers))
	for _, u := range c.config.Subscribers {
		items = append(items, outbox.Item{
			ID: e.ID + " " + u, Key: e.Call + " " + u, URL: u,
			Type: short(ge.EventType), Header: gridHeader, Body: body, Created: e.Time, Life: life,
		})
	}
	return items, nil
}

// short is a type as people say it: "CallConnected".
func short(kind string) string { return strings.TrimPrefix(kind, acs.EventPrefix) }

// perishable says that an item is worth nothing once its time is over:
// IncomingCall.
func perishable(e *outbox.Entry) bool { return e.Deadline.Sub(e.Since) <= ringFor }

// place is a URL for the log: its query may hold a secret.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "an unreadable URL"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host
}
