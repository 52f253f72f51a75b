package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/outbox"
	"github.com/tipring/tipring/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A network is a fake of everything that can be posted to.
type network struct {
	mu    sync.Mutex
	hosts map[string]host
	posts []post
	busy  map[string]int // in flight by host
	most  map[string]int
}

// A host answers a request; the error is one of the transport.
type host func(r *http.Request, body []byte) (status int, answer string, err error)

// A post is one request that reached a host.
type post struct {
	at     time.Time
	host   string
	header http.Header
	body   []byte
	status int // 0: none
}

var errDown = errors.New("connection refused")

func newNetwork(hosts map[string]host) *network {
	return &network{hosts: hosts, busy: map[string]int{}, most: map[string]int{}}
}

func (n *network) client() *http.Client { return &http.Client{Transport: n} }

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p := post{at: time.Now(), host: r.URL.Host, header: r.Header.Clone(), body: body}
	n.mu.Lock()
	h := n.hosts[p.host]
	n.busy[p.host]++
	n.most[p.host] = max(n.most[p.host], n.busy[p.host])
	n.mu.Unlock()
	status, answer, err := h(r, body)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy[p.host]--
	p.status = status
	n.posts = append(n.posts, p)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	if status/100 == 3 {
		header.Set("Location", "http://elsewhere/")
	}
	if wait, ok := strings.CutPrefix(answer, "retry-after:"); ok {
		header.Set("Retry-After", wait)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// to lists the posts to a host, in the order in which they ended.
func (n *network) to(name string) []post {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []post
	for _, p := range n.posts {
		if p.host == name {
			list = append(list, p)
		}
	}
	return list
}

// delivered lists the ids of the events that a host took.
func (n *network) delivered(t *testing.T, name string) []string {
	t.Helper()
	var ids []string
	for _, p := range n.to(name) {
		if p.status/100 == 2 && p.header.Get("Aeg-Event-Type") != acs.GridValidation {
			ids = append(ids, id(t, p.body))
		}
	}
	return ids
}

func id(t *testing.T, body []byte) string {
	t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal(body, &list); err != nil || len(list) != 1 {
		t.Fatalf("not an array of one event: %v: %s", err, body)
	}
	return list[0].ID
}

func always(status int) host {
	return func(*http.Request, []byte) (int, string, error) { return status, "", nil }
}

func down(*http.Request, []byte) (int, string, error) { return 0, "", errDown }

func hang(r *http.Request, _ []byte) (int, string, error) {
	<-r.Context().Done()
	return 0, "", r.Context().Err()
}

// agree answers the handshake, and hands the rest to h.
func agree(h host) host {
	return func(r *http.Request, body []byte) (int, string, error) {
		if r.Header.Get("Aeg-Event-Type") != acs.GridValidation {
			return h(r, body)
		}
		var list []struct {
			EventType string
			Data      acs.Validation
		}
		if err := json.Unmarshal(body, &list); err != nil || len(list) != 1 || list[0].EventType != acs.ValidationType {
			return http.StatusBadRequest, "", nil
		}
		return http.StatusOK, `{"validationResponse":"` + list[0].Data.ValidationCode + `"}`, nil
	}
}

func played(id, connection, callback string) event.Event {
	return event.Event{ID: id, Time: time.Now(), Connection: connection, Call: "call-" + connection, Callback: callback, Body: event.PlayCompleted{}}
}

// take hands a courier events, and wants no error.
func take(t testing.TB, c *webhook.Courier, events ...event.Event) {
	t.Helper()
	if err := c.Take(events); err != nil {
		t.Error(err)
	}
}

// open makes an outbox over a journal.
func open(t testing.TB, j journal.Journal) *outbox.Box {
	t.Helper()
	box, err := outbox.Open(outbox.Config{Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func ringing(id string) event.Event {
	return event.Event{ID: id, Time: time.Now(), Call: "call", Body: event.IncomingCall{From: "4:+15550100", To: "8:acs:bot", Token: "token"}}
}
