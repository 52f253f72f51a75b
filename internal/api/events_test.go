package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/outbox"
)

// fakeLetters has the letters 1 to n; letter 2 finds no room.
type fakeLetters struct {
	n     uint64
	asked []string
}

func (f *fakeLetters) Letters(after uint64, n int) (list []outbox.Letter, err error) {
	for seq := after + 1; seq <= f.n && len(list) < n; seq++ {
		l, _ := f.Letter(seq)
		list = append(list, l)
	}
	return list, nil
}

func (f *fakeLetters) Letter(seq uint64) (outbox.Letter, error) {
	if seq == 0 || seq > f.n {
		return outbox.Letter{}, fmt.Errorf("read: %w", outbox.ErrNotFound)
	}
	return outbox.Letter{
		Seq: seq, At: now, Obituary: outbox.Obituary{Reason: "refused", Error: "the answer was 400", Attempts: 7},
		Item: outbox.Item{ID: "id", Type: "CallConnected", URL: "http://app/", Created: now.Add(-time.Minute), Header: map[string]string{"A": "b"}, Body: []byte(`[{"x":1}]`)},
	}, nil
}

func (f *fakeLetters) Resend(_ context.Context, seq uint64) error {
	if seq == 2 {
		return fmt.Errorf("resend: %w", outbox.ErrFull)
	}
	return f.ask("resend", seq)
}

func (f *fakeLetters) Discard(seq uint64) error { return f.ask("discard", seq) }

func (f *fakeLetters) ask(what string, seq uint64) error {
	if _, err := f.Letter(seq); err != nil {
		return err
	}
	f.asked = append(f.asked, fmt.Sprint(what, " ", seq))
	if seq == 3 {
		return errors.New("the disk is gone")
	}
	return nil
}

func TestDeadLetters(t *testing.T) {
	letters := &fakeLetters{n: 120}
	s := &server{Handler: api.New(api.Config{Letters: letters, Keys: [][]byte{key}, Now: func() time.Time { return now }})}
	for _, call := range []struct {
		method, path string
		status       int
		holds        string
	}{
		{"GET", "/tipring/events", 200, `"next":100`},
		{"GET", "/tipring/events?after=100", 200, `"seq":120`},
		{"GET", "/tipring/events?after=x", 400, `"8523"`},
		{"GET", "/tipring/events/7", 200, `{"seq":7,"id":"id","type":"CallConnected","to":"http://app/","created":"2026-11-22T07:58:50Z","givenUp":"2026-11-22T07:59:50Z","reason":"refused","attempts":7,"error":"the answer was 400","headers":{"A":"b"},"body":[{"x":1}]}`},
		{"GET", "/tipring/events/121", 404, "121"},
		{"GET", "/tipring/events/x", 400, `"8523"`},
		{"POST", "/tipring/events/7:resend", 202, ""},
		{"POST", "/tipring/events/2:resend", 429, "TooManyRequests"},
		{"POST", "/tipring/events/3:resend", 500, "9999"},
		{"POST", "/tipring/events/0:resend", 404, "8522"},
		{"DELETE", "/tipring/events/8", 204, ""},
		{"DELETE", "/tipring/events/121", 404, "8522"},
		{"POST", "/tipring/events", 405, "8520"},
		{"GET", "/tipring/nothing", 404, "8522"},
	} {
		answer := s.do(signed(call.method, call.path, ""))
		status, body := answer.Code, answer.Body.String()
		if status != call.status || !strings.Contains(body, call.holds) || status < 400 && body != "" && !json.Valid([]byte(body)) {
			t.Errorf("%s %s: %d %s", call.method, call.path, status, body)
		}
	}
	if got := fmt.Sprint(letters.asked); got != "[resend 7 resend 3 discard 8]" {
		t.Errorf("done: %s", got)
	}
	if answer := newServer().do(signed("GET", "/tipring/events", "")); answer.Code != http.StatusNotFound {
		t.Errorf("a server without letters: %d", answer.Code)
	}
	if answer := s.do(httptest.NewRequest("GET", "/tipring/events", nil)); answer.Code != http.StatusUnauthorized {
		t.Errorf("an unsigned request: %d", answer.Code)
	}
}
