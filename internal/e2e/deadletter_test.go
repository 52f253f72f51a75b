package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/acs/acstest"
	"github.com/tipring/tipring/internal/config"
)

// A sulker is an app that is rung, and says of CallConnected that it does not
// want it, until it is forgiven.
type sulker struct {
	*httptest.Server

	mu       sync.Mutex
	ready    bool
	token    string   // of the call that rings
	refused  []string // ids of events
	taken    []string // their types and ids
	forgiven bool
}

func startSulker(t *testing.T) *sulker {
	a := &sulker{}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *sulker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var list []struct {
		ID, Type, EventType string
		Data                struct{ ValidationCode, IncomingCallContext string }
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &list); err != nil || len(list) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	e := list[0]
	switch {
	case e.Data.ValidationCode != "":
		a.ready = true
		_ = json.NewEncoder(w).Encode(map[string]string{"validationResponse": e.Data.ValidationCode})
	case e.Data.IncomingCallContext != "":
		a.token = e.Data.IncomingCallContext
	case strings.HasSuffix(e.Type, ".CallConnected") && !a.forgiven:
		a.refused = append(a.refused, e.ID)
		w.WriteHeader(http.StatusGone)
	case e.Type != "":
		a.taken = append(a.taken, e.Type[strings.LastIndexByte(e.Type, '.')+1:]+" "+e.ID)
	}
}

// when waits until ok, which looks at the app.
func (a *sulker) when(t *testing.T, what string, ok func() bool) {
	t.Helper()
	eventually(t, 15*time.Second, what, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return ok()
	})
}

// letters runs `tipring events` and gives what it prints.
func (s *server) letters(t *testing.T, binary string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append(append([]string{"events"}, args...), "--server=http://"+s.http)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tipring events %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestADeadLetterIsSentAgain: an event that its app refuses is listed and shown,
// survives a kill of the server, and arrives with its id when it is sent again.
// Those behind it have not waited.
func TestADeadLetterIsSentAgain(t *testing.T) {
	binary, data := built(t, raceFlag), t.TempDir()
	app := startSulker(t)
	s := startBinary(t, binary, "--events="+app.URL+"/events", "--data="+data)
	s.ready(t)
	app.when(t, "the handshake", func() bool { return app.ready })

	p := startPhone(t, caller, silence(8000, time.Second))
	p.dial(t, called, s.sip)
	app.when(t, "the call to ring", func() bool { return app.token != "" })
	client := signing(t, s)
	answer := map[string]string{"incomingCallContext": app.token, "callbackUri": app.URL + "/callbacks?secret=7"}
	if err := client.Post(t.Context(), "/calling/callConnections:answer", answer, nil); err != nil {
		t.Fatal(err)
	}
	app.when(t, "an event behind the refused one", func() bool { return len(app.refused) == 1 && len(app.taken) > 0 })
	id := app.refused[0]

	for _, kill := range []bool{false, true} {
		if kill {
			p.hangUp(t)
			app.when(t, "the end of the call", func() bool { return strings.HasPrefix(app.taken[len(app.taken)-1], "CallDisconnected ") })
			s.kill()
			s = startBinary(t, binary, "--events="+app.URL+"/events", "--data="+data)
			s.ready(t)
		}
		list := s.letters(t, binary, "list")
		row := strings.Fields(strings.Split(list, "\n")[1])
		if strings.Count(list, "\n") != 2 || row[0] != "1" || row[3] != "CallConnected" || !strings.HasPrefix(row[4], app.URL+"/callbacks") || row[5] != "refused" {
			t.Fatalf("killed: %v, the list is\n%s", kill, list)
		}
	}
	if shown := s.letters(t, binary, "show", "1"); !strings.Contains(shown, id) || !strings.Contains(shown, "410 Gone") || !strings.Contains(shown, "Microsoft.Communication.CallConnected") {
		t.Errorf("shown is\n%s", shown)
	}
	app.mu.Lock()
	app.forgiven = true
	app.mu.Unlock()
	s.letters(t, binary, "resend", "1")
	app.when(t, "the event to come once more", func() bool { return app.taken[len(app.taken)-1] == "CallConnected "+id })
	if left := s.letters(t, binary, "list", "--json"); strings.TrimSpace(left) != "[]" {
		t.Errorf("it is still listed: %s", left)
	}
	s.stop(t, 15*time.Second)
}

// signing is a client without an SDK.
func signing(t *testing.T, s *server) *acstest.Client {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(config.DevelopmentKey)
	if err != nil {
		t.Fatal(err)
	}
	return &acstest.Client{Server: s.http, Key: key}
}
