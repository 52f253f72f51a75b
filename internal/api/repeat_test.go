package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

func again(id string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Repeatability-Request-ID", id) }
}

func answerAgain(id, token string) *http.Request {
	return signed("POST", "/calling/callConnections:answer", `{"incomingCallContext":"`+token+`","callbackUri":"http://a/"}`, again(id))
}

func TestARetriedRequestActsOnce(t *testing.T) {
	s := newServer()
	first := s.do(answerAgain("id-1", "X"))
	for range 3 {
		w := s.do(answerAgain("id-1", "X"))
		if w.Code != first.Code || w.Body.String() != first.Body.String() || w.Header().Get("Repeatability-Result") != "accepted" {
			t.Errorf("the retry got %d %s %v", w.Code, w.Body, w.Header())
		}
		if w.Header().Get("X-Microsoft-Skype-Chain-ID") != "corr-1" {
			t.Error("the retry lacks the chain id")
		}
	}
	if n := len(s.calls.asked); n != 1 {
		t.Errorf("it acted %d times", n)
	}
	s.do(answerAgain("id-2", "X"))
	s.do(signed("POST", "/calling"+conn+":terminate", "", again("id-1")))
	if n := len(s.calls.asked); n != 3 {
		t.Errorf("another id and another path are other requests: %d", n)
	}
	w := s.do(answerAgain("id-1", "Y"))
	if e := problem(t, w); w.Code != 400 || e.Target != "Repeatability-Request-ID" || w.Header().Get("Repeatability-Result") != "rejected" {
		t.Errorf("the same id with another body: %d %+v", w.Code, e)
	}
	if w := s.post(conn+":terminate", ""); w.Header().Get("Repeatability-Result") != "" {
		t.Error("a request without an id got a result")
	}
}

func TestRefusalsAreRememberedAndFailuresAreNot(t *testing.T) {
	for _, c := range []struct {
		err  error
		acts int
	}{
		{call.Errorf(call.Conflict, "answered"), 1},
		{call.Errorf(call.NotFound, "gone"), 1},
		{call.Errorf(call.Busy, "busy"), 2},
		{call.Errorf(call.Internal, "broke"), 2},
	} {
		s := newServer()
		s.calls.err = c.err
		s.do(answerAgain("id", "X"))
		s.do(answerAgain("id", "X"))
		if n := len(s.calls.asked); n != c.acts {
			t.Errorf("%v: acted %d times, want %d", c.err, n, c.acts)
		}
	}
	s := newServer()
	s.calls.hook = func() { panic("oh") }
	s.do(answerAgain("id", "X"))
	s.calls.hook = nil
	if w := s.do(answerAgain("id", "X")); w.Code != 200 {
		t.Errorf("after a panic: %d", w.Code)
	}
}

func TestDuplicatesWaitForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.calls.hook = func() { <-time.After(5 * time.Second) }
		began := time.Now()
		var all sync.WaitGroup
		answers := make([]*httptest.ResponseRecorder, 10)
		for i := range answers {
			all.Go(func() { answers[i] = s.do(answerAgain("id", "X")) })
		}
		all.Wait()
		for i, w := range answers {
			if w.Code != 200 || w.Body.String() != answers[0].Body.String() {
				t.Errorf("answer %d: %d %s", i, w.Code, w.Body)
			}
		}
		if n := len(s.calls.asked); n != 1 || time.Since(began) != 5*time.Second {
			t.Errorf("it acted %d times in %v", n, time.Since(began))
		}
	})
}

func TestResultsAreForgottenInTime(t *testing.T) {
	s := newServer()
	defer func(was time.Time) { now = was }(now)
	s.do(answerAgain("id", "X"))
	now = now.Add(9 * time.Minute)
	s.do(answerAgain("id", "X"))
	if n := len(s.calls.asked); n != 1 {
		t.Errorf("after 9 minutes: acted %d times", n)
	}
	now = now.Add(2 * time.Minute)
	s.do(answerAgain("id", "X"))
	if n := len(s.calls.asked); n != 2 {
		t.Errorf("after 11 minutes: acted %d times", n)
	}
	for i := range 10_001 {
		s.do(signed("POST", "/calling"+conn+":terminate", "", again(fmt.Sprint(i))))
	}
	s.do(answerAgain("id", "X"))
	if n := len(s.calls.asked); n != 2+10_001+1 {
		t.Errorf("10,000 results later it must be forgotten: acted %d times", n)
	}
}

// TestAClientThatGoesAwayDoesNotUndoItsRequest: its retry finds the result.
func TestAClientThatGoesAwayDoesNotUndoItsRequest(t *testing.T) {
	s := newServer()
	r := answerAgain("id", "X")
	ctx, cancel := contextOf(r)
	cancel()
	s.do(r.WithContext(ctx))
	if w := s.do(answerAgain("id", "X")); w.Code != 200 || len(s.calls.asked) != 1 {
		t.Errorf("%d, acted %d times", w.Code, len(s.calls.asked))
	}
}

// restarted is a server that finds what another left in the journal.
func restarted(j journal.Journal) *server {
	s := &server{calls: &fakeCalls{}, set: &metric.Set{}}
	s.Handler = api.New(api.Config{
		Calls: s.calls, Objects: fakeObjects{}, Keys: [][]byte{key}, Metrics: s.set, Journal: j,
		Now: func() time.Time { return now },
	})
	return s
}

func createAgain(id, to string) *http.Request {
	return signed("POST", "/calling/callConnections", `{"targets":[{"phoneNumber":{"value":"`+to+`"}}],"callbackUri":"http://a/"}`, again(id))
}

func TestARetryAfterARestartGetsTheFirstAnswer(t *testing.T) {
	for name, request := range map[string]func(id, what string) *http.Request{"answer": answerAgain, "create": createAgain} {
		j := &journal.Memory{}
		first := restarted(j).do(request("id", "+15550100"))
		second := restarted(j)
		second.calls.err = call.Errorf(call.NotFound, "it ended with the first server")
		w := second.do(request("id", "+15550100"))
		if w.Code != first.Code || w.Code/100 != 2 || w.Body.String() != first.Body.String() || len(second.calls.asked) != 0 {
			t.Errorf("%s: first %d %s, then %d %s, acted %d times", name, first.Code, first.Body, w.Code, w.Body, len(second.calls.asked))
		}
		for _, header := range []string{"Repeatability-Result", "X-Microsoft-Skype-Chain-ID", "Content-Type"} {
			if got := w.Header().Get(header); got == "" || got != first.Header().Get(header) {
				t.Errorf("%s: %s is %q, was %q", name, header, got, first.Header().Get(header))
			}
		}
		w = second.do(request("id", "+15550199"))
		if e := problem(t, w); w.Code != 400 || e.Target != "Repeatability-Request-ID" {
			t.Errorf("%s: the same id with another body: %d %+v", name, w.Code, e)
		}
		if second.do(request("id-2", "+15550100")); len(second.calls.asked) != 1 {
			t.Errorf("%s: another id is another request", name)
		}
	}
}

// TestAnAnswerIsKeptBeforeItLeaves: whoever has heard it will hear it again.
func TestAnAnswerIsKeptBeforeItLeaves(t *testing.T) {
	j := &watched{}
	s := restarted(j)
	s.calls.hook = func() { j.note("act") }
	w := &leaving{httptest.NewRecorder(), j}
	s.ServeHTTP(w, createAgain("id", "+15550100"))
	s.ServeHTTP(w, answerAgain("id", "X"))
	s.ServeHTTP(w, signed("GET", "/calling/callConnections/conn-1", ""))
	want := "commit act commit leave " + "act commit leave " + "leave"
	if got := strings.Join(j.notes, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// watched is a journal that notes when it is used, and can fail.
type watched struct {
	journal.Memory
	notes []string
	fails bool
}

func (w *watched) note(what string) { w.notes = append(w.notes, what) }

func (w *watched) Commit(ctx context.Context, records ...journal.Record) error {
	w.note("commit")
	if w.fails {
		return journal.ErrFull
	}
	return w.Memory.Commit(ctx, records...)
}

type leaving struct {
	*httptest.ResponseRecorder
	*watched
}

func (l *leaving) WriteHeader(int) { l.note("leave") }

// TestACallIsNotPlacedTwice: when the server was killed after it had begun, and
// before it answered, the retry is refused in words.
func TestACallIsNotPlacedTwice(t *testing.T) {
	j := &journal.Memory{}
	dead := restarted(j)
	dead.calls.hook = func() { runtime.Goexit() } // no answer ever
	done := make(chan struct{})
	killed := &frozen{Memory: j}
	dead.Handler = api.New(api.Config{Calls: dead.calls, Keys: [][]byte{key}, Journal: killed, Now: func() time.Time { return now }})
	go func() {
		defer close(done)
		dead.do(createAgain("id", "+15550100"))
	}()
	<-done

	s := restarted(j)
	for range 2 {
		w := s.do(createAgain("id", "+15550100"))
		if e := problem(t, w); w.Code != 409 || e.Code != "8519" || e.Target != "Repeatability-Request-ID" || w.Header().Get("Repeatability-Result") != "rejected" {
			t.Errorf("%d %+v %v", w.Code, e, w.Header())
		}
	}
	if n := len(s.calls.asked); n != 0 {
		t.Errorf("it acted %d times", n)
	}
	if w := s.do(createAgain("id-2", "+15550100")); w.Code != 201 {
		t.Errorf("another id: %d", w.Code)
	}
}

// frozen is the journal of a process that is killed: what it removes later
// never is.
type frozen struct{ *journal.Memory }

func (frozen) Later(...journal.Record) {}

func TestFailuresAreNotKeptForARestart(t *testing.T) {
	j := &journal.Memory{}
	s := restarted(j)
	s.calls.err = call.Errorf(call.Busy, "busy")
	s.do(createAgain("id", "+15550100"))
	s = restarted(j)
	if w := s.do(createAgain("id", "+15550100")); w.Code != 201 || len(s.calls.asked) != 1 {
		t.Errorf("%d, acted %d times", w.Code, len(s.calls.asked))
	}
}

func TestKeptAnswersAgeAcrossRestarts(t *testing.T) {
	defer func(was time.Time) { now = was }(now)
	j := &journal.Memory{}
	restarted(j).do(answerAgain("id", "X"))
	now = now.Add(9 * time.Minute)
	s := restarted(j)
	s.do(answerAgain("id", "X"))
	if n := len(s.calls.asked); n != 0 {
		t.Errorf("after 9 minutes: acted %d times", n)
	}
	now = now.Add(2 * time.Minute)
	s.do(answerAgain("id", "X"))
	if n := len(s.calls.asked); n != 1 {
		t.Errorf("after 11 minutes: acted %d times", n)
	}
	now = now.Add(11 * time.Minute)
	restarted(j)
	if n := records(j); n != 0 {
		t.Errorf("%d records are never removed", n)
	}

	restarted(j).do(answerAgain("id", "X"))
	now = now.Add(-time.Hour) // the clock was wrong, and is put right
	s = restarted(j)
	s.do(answerAgain("id", "X"))
	now = now.Add(11 * time.Minute)
	s.do(signed("POST", "/calling"+conn+":terminate", "", again("other")))
	if n := len(s.calls.asked); n != 1 || records(j) != 1 {
		t.Errorf("acted %d times, %d records are kept; the first is not from the future for ever", n, records(j))
	}
}

func records(j journal.Journal) (n int) {
	_ = j.Each("", func(string, []byte) error { n++; return nil })
	return n
}

// TestTheJournalMayFail: then answers last as long as the process, and it is
// counted; and what cannot be read is removed.
func TestTheJournalMayFail(t *testing.T) {
	j := &watched{fails: true}
	s := restarted(j)
	for range 2 {
		if w := s.do(createAgain("id", "+15550100")); w.Code != 201 {
			t.Errorf("%d", w.Code)
		}
	}
	if n := len(s.calls.asked); n != 1 {
		t.Errorf("it acted %d times", n)
	}
	if n := s.set.Counter("api_repeats_unkept_total", "", "", "").Value(); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
	broken := &journal.Memory{}
	broken.Later(journal.Record{Key: "repeat/a", Value: []byte("{")}, journal.Record{Key: "repeat/b", Value: []byte(`{"since":"2026-11-22T07:59:50Z","body":"AA=="}`)})
	if restarted(broken); records(broken) != 0 {
		t.Errorf("%d unreadable records are left", records(broken))
	}
}
