package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/webhook"
)

// An undertaker is a server that has dead letters: an app wants no event until
// it is told so.
type undertaker struct {
	url     string
	courier *webhook.Courier
	app     string

	mu    sync.Mutex
	wants bool
	got   []string // bodies
}

func startUndertaker(t *testing.T, key []byte) *undertaker {
	t.Helper()
	u := &undertaker{}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		defer u.mu.Unlock()
		if !u.wants {
			w.WriteHeader(http.StatusGone)
			return
		}
		u.got = append(u.got, string(body))
	}))
	t.Cleanup(app.Close)
	u.app = app.URL
	u.courier = webhook.New(webhook.Config{Client: app.Client()})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- u.courier.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	server := httptest.NewServer(api.New(api.Config{Letters: u.courier, Keys: [][]byte{key}}))
	t.Cleanup(server.Close)
	u.url = server.URL
	return u
}

// die has n events given up.
func (u *undertaker) die(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		e := event.Event{ID: fmt.Sprintf("event-%d", i), Time: time.Now(), Connection: "conn", Call: "call", Callback: u.app + "/cb?secret=7", Body: event.CallConnected{}}
		if err := u.courier.Take([]event.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	u.drain(t)
}

func (u *undertaker) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := u.courier.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func (u *undertaker) forgive() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wants = true
}

func developmentKey(t *testing.T) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(config.DevelopmentKey)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestDeadLettersAreListedShownSentAgainAndRemoved(t *testing.T) {
	u := startUndertaker(t, developmentKey(t))
	cmd := &eventsCmd{Server: u.url}
	list := func() string {
		var out bytes.Buffer
		if err := (&listEvents{}).list(t.Context(), cmd, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := list(); !strings.HasPrefix(got, "No event") {
		t.Errorf("the list of none is %q", got)
	}
	u.die(t, 4)
	lines := strings.Split(list(), "\n")
	if len(lines) != 6 || strings.Join(strings.Fields(lines[0]), " ") != "SEQ GIVEN UP EVENT TO REASON ATTEMPTS" {
		t.Fatalf("the list is\n%s", strings.Join(lines, "\n"))
	}
	if f := strings.Fields(lines[2]); f[0] != "2" || f[3] != "CallConnected" || f[4] != u.app+"/cb?…" || f[5] != "refused" || f[6] != "1" {
		t.Errorf("the second line is %q", lines[2])
	}

	var shown bytes.Buffer
	if err := (&showEvent{Seq: 3}).show(t.Context(), cmd, &shown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"event-2", u.app + "/cb?secret=7", "410 Gone", "Content-Type: application/json", `"type": "Microsoft.Communication.CallConnected"`} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("show lacks %q:\n%s", want, shown.String())
		}
	}

	u.forgive()
	var said bytes.Buffer
	if err := cmd.each(t.Context(), []uint64{3, 99, 1}, false, &said, "sent again", (*office).resend); !errors.Is(err, errNoLetter) || !strings.Contains(err.Error(), "99") {
		t.Errorf("an unknown number: %v", err)
	}
	u.drain(t)
	if said.String() != "2 events sent again.\n" || len(u.got) != 2 || !strings.Contains(u.got[0], "event-2") || !strings.Contains(u.got[1], "event-0") {
		t.Errorf("said %q, the app got %q", said.String(), u.got)
	}
	if err := cmd.each(t.Context(), []uint64{2}, false, io.Discard, "removed", (*office).remove); err != nil {
		t.Error(err)
	}
	if err := cmd.each(t.Context(), nil, true, io.Discard, "sent again", (*office).resend); err != nil {
		t.Error(err)
	}
	u.drain(t)
	if len(u.got) != 3 || !strings.Contains(u.got[2], "event-3") || !strings.HasPrefix(list(), "No event") {
		t.Errorf("the app got %q, left is %s", u.got, list())
	}
}

func TestTheListOfManyIsWhole(t *testing.T) {
	u := startUndertaker(t, developmentKey(t))
	u.die(t, 205)
	var out bytes.Buffer
	if err := (&listEvents{JSON: true}).list(t.Context(), &eventsCmd{Server: u.url}, &out); err != nil {
		t.Fatal(err)
	}
	var all []api.DeadLetter
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) != 205 || all[204].Seq != 205 || all[204].ID != "event-204" {
		t.Errorf("%d letters, %v", len(all), err)
	}
}

func TestWhatGoesWrongWithEventsIsSaid(t *testing.T) {
	key := []byte("another key")
	text := base64.StdEncoding.EncodeToString(key)
	u := startUndertaker(t, key)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for name, c := range map[string]struct {
		cmd  eventsCmd
		want string // of the error; "": none
	}{
		"key of the connection string": {eventsCmd{Server: "endpoint=" + u.url + "/;accesskey=" + text}, ""},
		"key of the flag":              {eventsCmd{Server: "endpoint=" + u.url + "/;accesskey=AAAA", AccessKey: text}, ""},
		"wrong key":                    {eventsCmd{Server: u.url}, "--access-key"},
		"no base64":                    {eventsCmd{Server: u.url, AccessKey: "ä"}, "--access-key"},
		"no server":                    {eventsCmd{Server: "http://127.0.0.1:1"}, "--server"},
		"not a tipring":                {eventsCmd{Server: other.URL}, "does not answer as a tipring"},
		"not a URL":                    {eventsCmd{Server: "127.0.0.1:8080"}, "--server"},
	} {
		err := (&listEvents{}).list(t.Context(), &c.cmd, io.Discard)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("TIPRING_ACCESS_KEY", text+" AAAA")
	if err := (&listEvents{}).list(t.Context(), &eventsCmd{Server: u.url}, io.Discard); err != nil {
		t.Errorf("key of the environment: %v", err)
	}
	for _, args := range [][]string{{"events"}, {"events", "resend"}, {"events", "remove", "--all", "3"}, {"events", "show"}, {"events", "show", "x"}, {"events", "list", "--server=x"}} {
		if status := run(args); status != 2 {
			t.Errorf("%v: status %d", args, status)
		}
	}
	if status := run([]string{"events", "list", "--server", u.url}); status != 0 {
		t.Errorf("list: status %d", status)
	}
	if status := run([]string{"events", "show", "7", "--server", u.url}); status != 1 {
		t.Errorf("a number that is none: status %d", status)
	}
}
