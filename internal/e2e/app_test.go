package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// An app is a Call Automation app on Microsoft's client (app/app.mjs), which
// does what the test tells it.
type app struct {
	process *process
	url     string // its own
	prompts string // the folder it serves under /prompts/
	stdin   io.Writer

	mu      sync.Mutex
	next    int
	replies map[int]chan reply
	events  []*event // every one received, in order
}

// A reply is how a call of an SDK method ended.
type reply struct {
	Result json.RawMessage
	Error  *restError
}

// A restError is what the SDK makes of a refusal.
type restError struct {
	Name, Code, Message string
	StatusCode          int
}

func (e *restError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.Name, e.StatusCode, e.Code, e.Message)
}

// An event is one that the app was sent. Data is what the SDK's parser made of
// it, or the data of an Event Grid event.
type event struct {
	kind  string
	data  map[string]any
	cloud map[string]any // as it came, if a callback
	grid  map[string]any // as it came, if of Event Grid
	// headers are those that it came with, in small letters.
	headers map[string]string
	at      time.Time
	taken   bool
}

// get is a field by its path: "resultInformation.subCode".
func (e *event) get(path string) any {
	var v any = e.data
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// text is that field as text, "" if it is not there.
func (e *event) text(path string) string {
	switch v := e.get(path).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// startApp runs the app on a socket that listens already, trusting caFile.
func startApp(t *testing.T, ln *net.TCPListener, url, caFile string) *app {
	t.Helper()
	cmd := exec.Command("node", filepath.Join("app", "app.mjs"))
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+caFile)
	socket, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	cmd.ExtraFiles = []*os.File{socket}
	return runApp(t, cmd, url)
}

// runApp runs a program that is an app at url, and speaks as app/app.mjs does.
func runApp(t *testing.T, cmd *exec.Cmd, url string) *app {
	t.Helper()
	a := &app{url: url, prompts: t.TempDir(), replies: map[int]chan reply{}}
	cmd.Env = append(cmd.Environ(), "PROMPTS="+a.prompts)
	var err error
	if a.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	a.process = start(t, "app", cmd, a.line)
	a.await(t, "Ready", 20*time.Second, nil)
	return a
}

// line takes in one line that the app printed.
func (a *app) line(b []byte) {
	var l struct {
		ID int
		reply
		Event, Cloud, Grid map[string]any
		Headers            map[string]string
	}
	if json.Unmarshal(b, &l) != nil {
		return // the process keeps it for the log
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.Event != nil {
		kind, _ := l.Event["kind"].(string)
		a.events = append(a.events, &event{kind: kind, data: l.Event, cloud: l.Cloud, grid: l.Grid, headers: l.Headers, at: time.Now()})
		return
	}
	if c := a.replies[l.ID]; c != nil {
		c <- l.reply
	}
}

// do calls a method of the SDK and waits for its end. on is client, connection,
// media (both of the given call) or recording.
func (a *app) do(t *testing.T, on, call, method string, args ...any) (json.RawMessage, *restError) {
	t.Helper()
	a.mu.Lock()
	a.next++
	id, answer := a.next, make(chan reply, 1)
	a.replies[id] = answer
	a.mu.Unlock()
	if args == nil {
		args = []any{}
	}
	b, err := json.Marshal(map[string]any{"id": id, "on": on, "call": call, "do": method, "args": args})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.stdin.Write(append(b, '\n')); err != nil {
		t.Fatalf("tell the app: %v", err)
	}
	select {
	case r := <-answer:
		return r.Result, r.Error
	case <-time.After(20 * time.Second):
		t.Fatalf("%s.%s did not end", on, method)
	case <-a.process.done:
		t.Fatalf("the app ended: %v", a.process.err)
	}
	return nil, nil
}

// must is do for a call that has to succeed.
func (a *app) must(t *testing.T, on, call, method string, args ...any) json.RawMessage {
	t.Helper()
	result, err := a.do(t, on, call, method, args...)
	if err != nil {
		t.Fatalf("%s.%s: %v", on, method, err)
	}
	return result
}

// refused is do for a call that must be refused so.
func (a *app) refused(t *testing.T, status int, code, on, call, method string, args ...any) {
	t.Helper()
	_, err := a.do(t, on, call, method, args...)
	if err == nil {
		t.Errorf("%s.%s was not refused, want %d %s", on, method, status, code)
	} else if err.StatusCode != status || code != "" && err.Code != code {
		t.Errorf("%s.%s: %v, want %d %s", on, method, err, status, code)
	}
}

// await gives the first event of this kind, not given before, that match likes.
func (a *app) await(t *testing.T, kind string, within time.Duration, match func(*event) bool) *event {
	t.Helper()
	var found *event
	eventually(t, within, "event "+kind, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, e := range a.events {
			if e.kind == kind && !e.taken && (match == nil || match(e)) {
				e.taken, found = true, e
				return true
			}
		}
		return false
	})
	return found
}

// came are the kinds of all events so far that match likes, in order.
func (a *app) came(match func(*event) bool) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var kinds []string
	for _, e := range a.events {
		if match(e) {
			kinds = append(kinds, e.kind)
		}
	}
	return kinds
}

// of likes the events of one connection.
func of(call string) func(*event) bool {
	return func(e *event) bool { return e.text("callConnectionId") == call }
}

// context likes the events of one operation.
func inContext(name string) func(*event) bool {
	return func(e *event) bool { return e.text("operationContext") == name }
}

// prompt puts a sound where the app serves it and gives its play source.
func (a *app) prompt(t *testing.T, name string, s sound) map[string]any {
	t.Helper()
	s.write(t, filepath.Join(a.prompts, name))
	return a.file(name)
}

// file is the play source of a file under /prompts/, there or not.
func (a *app) file(name string) map[string]any {
	return map[string]any{"kind": "fileSource", "url": a.url + "/prompts/" + name}
}

// callback is where the app takes callbacks.
func (a *app) callback() string { return a.url + "/callbacks" }

// answer accepts the next call that rings.
func (a *app) answer(t *testing.T, context string) (call string, incoming *event) {
	t.Helper()
	incoming = a.await(t, "IncomingCall", 10*time.Second, nil)
	return a.accept(t, incoming, context), incoming
}

// accept answers a call that rings and waits until it stands.
func (a *app) accept(t *testing.T, incoming *event, context string) (call string) {
	t.Helper()
	var result struct {
		CallConnectionProperties struct{ CallConnectionID string }
	}
	raw := a.must(t, "client", "", "answerCall", incoming.text("incomingCallContext"), a.callback(), map[string]any{"operationContext": context})
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatal(err)
	}
	call = result.CallConnectionProperties.CallConnectionID
	if call == "" {
		t.Fatalf("answerCall gave no connection: %s", raw)
	}
	a.await(t, "CallConnected", 10*time.Second, of(call))
	return call
}

// phoneNumber is an identifier as the SDK takes it.
func phoneNumber(number string) map[string]any { return map[string]any{"phoneNumber": number} }
