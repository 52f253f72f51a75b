package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/journal"
)

// A server that was killed left the memory of a call, and of another that nobody
// can read. When it is up again the app is told how the first has ended, and
// neither is remembered any more.
func TestServerEndsTheCallsOfAKilledOne(t *testing.T) {
	var mu sync.Mutex
	var told []string
	over := make(chan struct{})
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var events []struct {
			Type string
			Data struct{ ResultInformation struct{ Code, SubCode int } }
		}
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil || len(events) != 1 {
			t.Errorf("%d events, %v", len(events), err)
			return
		}
		e := events[0]
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf("%s %d/%d", strings.TrimPrefix(e.Type, "Microsoft.Communication."), e.Data.ResultInformation.Code, e.Data.ResultInformation.SubCode))
		if strings.HasSuffix(e.Type, "CallDisconnected") {
			close(over)
		}
	}))
	defer app.Close()

	data := t.TempDir()
	left := openJournal(t, data)
	memo := fmt.Sprintf(`{"v":1,"phase":5,"correlation":"c","caller":"8:acs:alice","two":true,"started":"2026-09-15T12:00:00Z",`+
		`"connections":[{"id":"connection","callback":%q,"seq":3}],"people":[{"id":"8:acs:alice"}],"operations":[{"context":"p"}]}`, app.URL)
	if err := left.Commit(t.Context(), journal.Record{Key: "call/one", Value: []byte(memo)}, journal.Record{Key: "call/two", Value: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	left.Close()

	s, err := newServer(t, func(c *config.Config) { c.Data = data })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Error("the app was never told")
	}
	if _, page := get(t, "http://"+s.HTTPAddr()+"/metrics"); !strings.Contains(page, "tipring_calls_recovered_total 1") || !strings.Contains(page, `tipring_call_memos_refused_total{reason="garbled"} 1`) {
		t.Errorf("the metrics do not say so:\n%s", page)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := strings.Join(told, ", "); got != "PlayFailed 500/8572, CallDisconnected 500/8572" {
		t.Errorf("the app was told %s", got)
	}
	left = openJournal(t, data)
	defer left.Close()
	if err := left.Each("call/", func(key string, _ []byte) error { return fmt.Errorf("%s is still there", key) }); err != nil {
		t.Error(err)
	}
}

func openJournal(t *testing.T, data string) *journal.Log {
	t.Helper()
	j, err := journal.Open(journal.Config{Dir: filepath.Join(data, "journal")})
	if err != nil {
		t.Fatal(err)
	}
	return j
}
