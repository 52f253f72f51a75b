package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key = []byte("the-key-of-the-test-vectors")
	now = time.Date(2026, 11, 22, 7, 59, 50, 0, time.UTC)
)

const host = "localhost:28180"

// fakeCalls remembers what it was asked and answers err, when that is set.
type fakeCalls struct {
	mu    sync.Mutex
	asked []any // commands, or the name of a method and its argument
	list  []event.Participant
	err   error
	hook  func() // runs within every command
}

func (f *fakeCalls) ask(what any) error {
	f.mu.Lock()
	f.asked = append(f.asked, what)
	hook, err := f.hook, f.err
	f.mu.Unlock()
	if hook != nil {
		hook()
	}
	return err
}

func (f *fakeCalls) Answer(_ context.Context, a call.Answer) (call.Properties, error) {
	return properties(), f.ask(a)
}

func (f *fakeCalls) Create(_ context.Context, create call.Create) (call.Properties, error) {
	p := properties()
	p.State, p.Source, p.Targets, p.DisplayName, p.AnsweredBy = call.Connecting, create.From, create.Targets, create.Display, ""
	return p, f.ask(create)
}

func (f *fakeCalls) Connect(_ context.Context, connect call.Connect) (call.Properties, error) {
	return properties(), f.ask(connect)
}

func (f *fakeCalls) Redirect(_ context.Context, redirect call.Redirect) error {
	return f.ask(redirect)
}

func (f *fakeCalls) Reject(_ context.Context, token string, cause leg.Cause) error {
	return f.ask("reject " + token + " " + cause.String())
}

func (f *fakeCalls) Send(_ context.Context, connection string, c call.Command) error {
	if connection != "conn-1" {
		return call.Errorf(call.NotFound, "no call connection %s", connection)
	}
	return f.ask(c)
}

func (f *fakeCalls) Properties(_ context.Context, connection string) (call.Properties, error) {
	if connection != "conn-1" {
		return call.Properties{}, call.Errorf(call.NotFound, "no call connection %s", connection)
	}
	return properties(), nil
}

func (f *fakeCalls) Participants(context.Context, string) ([]event.Participant, error) {
	if f.list != nil {
		return f.list, f.err
	}
	return []event.Participant{{ID: "4:+14255550123", OnHold: true}, {ID: "8:acs:alice"}}, f.err
}

func (f *fakeCalls) Record(_ context.Context, rec call.Record) (call.RecordingState, error) {
	return call.RecordingState{ID: "rec-1", Active: !rec.PauseOnStart}, f.ask(rec)
}

func (f *fakeCalls) Recording(_ context.Context, id string) (call.RecordingState, error) {
	return call.RecordingState{ID: id, Active: true}, f.ask("recording " + id)
}

func (f *fakeCalls) PauseRecording(_ context.Context, id string) error  { return f.ask("pause " + id) }
func (f *fakeCalls) ResumeRecording(_ context.Context, id string) error { return f.ask("resume " + id) }
func (f *fakeCalls) StopRecording(_ context.Context, id string) error   { return f.ask("stop " + id) }

func properties() call.Properties {
	return call.Properties{
		Connection: "conn-1", Call: "c2VydmVyY2FsbA==", Correlation: "corr-1", State: call.Connected, Callback: "http://localhost:9/cb",
		Source: "4:+14255550123", DisplayName: "Alice", Targets: []string{"8:acs:bot"}, AnsweredBy: "8:acs:bot",
	}
}

// fakeObjects has one document, doc-1.
type fakeObjects struct{ err error }

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (f fakeObjects) missing(document string) error {
	if f.err == nil && document != "doc-1" {
		return recording.ErrNotFound
	}
	return f.err
}

func (f fakeObjects) Open(document string) (io.ReadSeekCloser, recording.Info, error) {
	return file{bytes.NewReader([]byte("RIFF...."))}, recording.Info{Size: 8, ModTime: now, ContentType: "audio/wav"}, f.missing(document)
}

func (f fakeObjects) Metadata(document string) ([]byte, error) {
	return []byte(`{"resourceId":"r"}`), f.missing(document)
}
func (f fakeObjects) Delete(document string) error { return f.missing(document) }

// server is an API with fakes behind it.
type server struct {
	http.Handler
	calls *fakeCalls
	set   *metric.Set
}

func newServer() *server {
	s := &server{calls: &fakeCalls{}, set: &metric.Set{}}
	s.Handler = api.New(api.Config{
		Calls: s.calls, Objects: fakeObjects{}, Keys: [][]byte{key}, Metrics: s.set,
		Now: func() time.Time { return now },
	})
	return s
}

// signed makes a request as the SDK does. change may spoil it after it was
// signed.
func signed(method, target, body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = host
	signWith(r, key, target, host, body)
	for _, f := range change {
		f(r)
	}
	return r
}

func signWith(r *http.Request, key []byte, target, host, body string) {
	sum := sha256.Sum256([]byte(body))
	date, hash := now.Format(http.TimeFormat), base64.StdEncoding.EncodeToString(sum[:])
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, r.Method+"\n"+target+"\n"+date+";"+host+";"+hash)
	r.Header.Set("x-ms-date", date)
	r.Header.Set("x-ms-content-sha256", hash)
	r.Header.Set("authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func (s *server) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *server) post(path, body string) *httptest.ResponseRecorder {
	return s.do(signed(http.MethodPost, "/calling"+path+"?api-version=2026-03-12", body))
}

// problem reads an error body.
func problem(t *testing.T, w *httptest.ResponseRecorder) acs.Error {
	t.Helper()
	var e acs.ErrorBody
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
		t.Fatalf("status %d: not an error body: %s", w.Code, w.Body)
	}
	return e.Error
}
