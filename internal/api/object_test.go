package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/api"
)

func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithCancel(r.Context())
}

func TestRecordingsAreServed(t *testing.T) {
	s := newServer()
	for _, c := range []struct {
		method, path, byteRange string
		status                  int
		kind, body              string
	}{
		{"GET", "/doc-1/content/audio", "", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/video", "", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/acsrecording", "bytes=2-4", 206, "audio/wav", "FF."},
		{"GET", "/doc-1/content/audio", "bytes=6-", 206, "audio/wav", ".."},
		{"GET", "/doc-1/content/audio", "bytes=-1", 206, "audio/wav", "."},
		{"GET", "/doc-1/content/audio", "bytes=0-99", 206, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/audio", "bytes=undefined", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/audio", "bytes=undefined-undefined", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/audio", "bytes=None-", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/audio", "bytes=4-2", 200, "audio/wav", "RIFF...."},
		{"GET", "/doc-1/content/audio", "lines=1-2", 200, "audio/wav", "RIFF...."},
		{"HEAD", "/doc-1/content/audio", "", 200, "audio/wav", ""},
		{"GET", "/doc-1/content/acsmetadata", "", 200, "application/json; charset=utf-8", `{"resourceId":"r"}`},
		{"GET", "/doc-2/content/audio", "", 404, "", ""},
		{"GET", "/doc-2/content/acsmetadata", "", 404, "", ""},
		{"GET", "/..%2F..%2Fetc/content/audio", "", 404, "", ""},
		{"DELETE", "/doc-1", "", 200, "", ""},
		{"DELETE", "/doc-1/content/deletedata", "", 200, "", ""},
		{"DELETE", "/doc-2", "", 404, "", ""},
	} {
		w := s.do(signed(c.method, "/v1/objects"+c.path, "", func(r *http.Request) {
			if c.byteRange != "" {
				r.Header.Set("Range", c.byteRange)
			}
		}))
		if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s %s: %d %q %q, want %d %q %q", c.method, c.path, c.byteRange,
				w.Code, w.Header().Get("Content-Type"), w.Body, c.status, c.kind, c.body)
		}
	}
	if w := s.do(signed("GET", "/v1/objects/doc-1/content/audio", "", func(r *http.Request) { r.Header.Set("Range", "bytes=100-") })); w.Code != 416 {
		t.Errorf("a range beyond the end: %d", w.Code)
	}
	broken := api.New(api.Config{Objects: fakeObjects{err: errors.New("disk")}, Keys: [][]byte{key}, Now: func() time.Time { return now }})
	w := httptest.NewRecorder()
	broken.ServeHTTP(w, signed("GET", "/v1/objects/doc-1/content/audio", ""))
	if w.Code != 500 || w.Body.Len() > 0 {
		t.Errorf("a broken disk: %d %s", w.Code, w.Body)
	}
}
