package e2e_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A desk is a Call Automation app that outlives servers: it notes every event
// and every request, so that in the end one can be held against the other.
type desk struct {
	t    *testing.T
	url  string
	http *http.Client

	closed   atomic.Bool                  // answers 503 to every event
	ahead    atomic.Int64                 // how far its clock is ahead, ns
	incoming atomic.Pointer[func(notice)] // takes calls that ring; nil: nobody does

	mu       sync.Mutex
	server   string // host:port of the API
	key      []byte
	notices  []notice // each the first time that it came
	bodies   map[string]string
	altered  []string // events that came again with another content
	again    int      // events that came again as they were
	requests []*request
	heard    chan struct{} // closed, and made anew, when a notice comes
}

// A notice is an event.
type notice struct {
	id, kind, subject         string
	connection, call, context string
	when, at                  time.Time // by the server, by the desk
	raw                       json.RawMessage

	Sequence  int    `json:"sequenceNumber"`
	Recording string `json:"recordingId"`
	State     string `json:"state"`
	Token     string `json:"incomingCallContext"`
	From      struct {
		RawID string `json:"rawId"`
	} `json:"from"`
}

// openDesk serves an app until the end of the test.
func openDesk(t *testing.T) *desk {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	d := &desk{t: t, url: "http://" + ln.Addr().String(), http: &http.Client{Transport: transport, Timeout: 20 * time.Second},
		bodies: map[string]string{}, heard: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", d.take)
	mux.HandleFunc("POST /calls", d.take)
	prompts := t.TempDir()
	for name, length := range map[string]time.Duration{"short.wav": 300 * time.Millisecond, "long.wav": 20 * time.Second} {
		tone(8000, 700, length).write(t, filepath.Join(prompts, name))
	}
	mux.Handle("GET /", http.FileServer(http.Dir(prompts)))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(ln)
	}()
	t.Cleanup(func() {
		web.Close()
		<-done
		transport.CloseIdleConnections()
	})
	return d
}

// serves says which server the desk has.
func (d *desk) serves(s *server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.server = s.http
	_, encoded, _ := strings.Cut(s.connection, "accesskey=")
	d.key, _ = base64.StdEncoding.DecodeString(encoded)
}

// take is the desk's side of HTTP: handshake, Event Grid, callbacks.
func (d *desk) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || d.closed.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var all []json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, raw := range all {
		if code := d.note(raw); code != "" {
			_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": code})
		}
	}
}

// note keeps an event, unless it is the handshake: then it gives its code.
func (d *desk) note(raw json.RawMessage) (code string) {
	var e struct {
		ID, Type, EventType, Subject string
		Time, EventTime              time.Time
		Data                         struct {
			ValidationCode                                   string
			CallConnectionID, ServerCallID, OperationContext string
		}
	}
	n := notice{raw: raw, at: time.Now()}
	var data struct{ Data *notice }
	data.Data = &n
	if json.Unmarshal(raw, &e) != nil || json.Unmarshal(raw, &data) != nil {
		d.t.Errorf("no event: %s", raw)
		return ""
	}
	if e.Data.ValidationCode != "" {
		return e.Data.ValidationCode
	}
	n.id, n.subject, n.when = e.ID, e.Subject, e.Time
	n.kind = strings.TrimPrefix(e.Type+e.EventType, "Microsoft.Communication.")
	n.connection, n.call, n.context = e.Data.CallConnectionID, e.Data.ServerCallID, e.Data.OperationContext
	if e.Type == "" {
		n.when = e.EventTime
	}
	if !d.keep(n) {
		return ""
	}
	if take := d.incoming.Load(); take != nil && n.kind == "IncomingCall" {
		(*take)(n)
	}
	return ""
}

// keep reports whether the event is new.
func (d *desk) keep(n notice) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before, again := d.bodies[n.id]; again {
		if d.again++; before != string(n.raw) {
			d.altered = append(d.altered, fmt.Sprintf("event %s came as\n%s\nand as\n%s", n.id, before, n.raw))
		}
		return false
	}
	d.bodies[n.id] = string(n.raw)
	d.notices = append(d.notices, n)
	close(d.heard)
	d.heard = make(chan struct{})
	return true
}

// find is the first event that match likes.
func (d *desk) find(match func(notice) bool) (found notice, ok bool, later <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.notices {
		if match(n) {
			return n, true, nil
		}
	}
	return notice{}, false, d.heard
}

// wait waits for an event that match likes.
func (d *desk) wait(ctx context.Context, match func(notice) bool) (notice, error) {
	for {
		n, ok, later := d.find(match)
		if ok {
			return n, nil
		}
		select {
		case <-later:
		case <-ctx.Done():
			return n, context.Cause(ctx)
		}
	}
}

// must waits for an event of a kind, and of a connection or with a context.
func (d *desk) must(t *testing.T, atMost time.Duration, kind, which string) notice {
	t.Helper()
	var found notice
	eventually(t, atMost, kind+" of "+which, func() (ok bool) {
		found, ok, _ = d.find(func(n notice) bool {
			return n.kind == kind && (which == "" || n.connection == which || n.context == which || n.Recording == which)
		})
		return ok
	})
	return found
}

// A request is one that the desk made of the API.
type request struct {
	method, path, id string // id is that of Repeatability
	body             []byte
	context          string // of the operation
	sent             time.Time

	// once it was answered:
	at     time.Time
	status int // 0: the answer never came
	answer []byte
}

// verb is what the request asks for: "play", "participants:add", "create".
func (r *request) verb() string {
	path := strings.TrimPrefix(strings.TrimPrefix(r.path, "/calling/"), "callConnections")
	if path == "" {
		return "create"
	}
	if _, after, ok := strings.Cut(path, ":"); ok {
		return after
	}
	return r.method + " " + path
}

// result is a field of the answer.
func (r *request) result(name string) string {
	var answer map[string]any
	_ = json.Unmarshal(r.answer, &answer)
	text, _ := answer[name].(string)
	return text
}

// ask makes a request and notes it, and what became of it.
func (d *desk) ask(ctx context.Context, method, path string, body map[string]any) *request {
	r := &request{method: method, path: path, id: rand.Text(), sent: time.Now()}
	if body != nil {
		r.context, _ = body["operationContext"].(string)
		r.body, _ = json.Marshal(body)
	}
	d.mu.Lock()
	d.requests = append(d.requests, r)
	d.mu.Unlock()
	status, answer := d.post(ctx, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	r.at, r.status, r.answer = time.Now(), status, answer
	return r
}

// post sends a request, perhaps again. Status 0 says that no answer came.
func (d *desk) post(ctx context.Context, r *request) (status int, answer []byte) {
	d.mu.Lock()
	server, key := d.server, d.key
	d.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+server+r.path+"?api-version=2026-03-12", bytes.NewReader(r.body))
	if err != nil {
		return 0, []byte(err.Error())
	}
	sum := sha256.Sum256(r.body)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	date := time.Now().Add(time.Duration(d.ahead.Load())).UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n%s;%s;%s", r.method, req.URL.RequestURI(), date, server, hash)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Repeatability-Request-ID", r.id)
	req.Header.Set("Repeatability-First-Sent", date)
	req.Header.Set("X-Ms-Date", date)
	req.Header.Set("X-Ms-Content-Sha256", hash)
	req.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := d.http.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return res.StatusCode, answer
}
