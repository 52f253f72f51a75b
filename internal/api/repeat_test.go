package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/call"
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
