package prompt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/media"
)

func TestADownloadThatBreaks(t *testing.T) {
	file := wavOf(8000, 1, tone(8000, 440, 8000))
	l := library(t, &prompt.Library{})
	p := fetch(t, l, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(file)))
		w.Write(file[:6000])
		panic(http.ErrAbortHandler)
	}).URL, "")
	ready(t, p)
	l.Wait()
	for _, voice := range []media.Source{p.Source(), p.Looped()} {
		heard, err := play(t, voice, media.Rate8k, 100)
		if !errors.Is(err, prompt.ErrUnreachable) || errors.Is(err, io.EOF) || len(heard.PCM) < 2000 {
			t.Errorf("%d samples, then %v; want what has come, then ErrUnreachable", len(heard.PCM), err)
		}
		if n, err := voice.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != io.EOF {
			t.Errorf("after that: %d, %v; want io.EOF", n, err)
		}
	}
}

func TestWhatCannotBePlayed(t *testing.T) {
	silence := make([]int16, 8000)
	closed := serve(t, bytesOf(nil))
	closed.Close()
	for name, c := range map[string]struct {
		uri     string
		handler http.HandlerFunc
		limits  *prompt.Library
		want    error
	}{
		"missing":       {handler: http.NotFound, want: prompt.ErrUnreachable},
		"an error page": {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, want: prompt.ErrUnreachable},
		"nothing new":   {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, want: prompt.ErrUnreachable},
		"nobody there":  {uri: closed.URL, want: prompt.ErrUnreachable},
		"hangs up":      {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: prompt.ErrUnreachable},
		"text":          {handler: bytesOf([]byte(strings.Repeat("this is no sound. ", 1000))), want: prompt.ErrFormat},
		"nothing":       {handler: bytesOf(nil), want: prompt.ErrFormat},
		"no samples":    {handler: bytesOf(wavOf(8000, 1, nil)), want: prompt.ErrFormat},
		"half a header": {handler: bytesOf(wavOf(8000, 1, silence)[:20]), want: prompt.ErrFormat},
		"no MP3":        {handler: bytesOf(append([]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), make([]byte, 5000)...)), want: prompt.ErrFormat},
		"no FLAC":       {handler: bytesOf([]byte("fLaC" + strings.Repeat("x", 5000))), want: prompt.ErrFormat},
		"an odd rate":   {handler: bytesOf(wavOf(17, 1, silence)), want: prompt.ErrFormat},
		"too large":     {handler: bytesOf(wavOf(8000, 1, silence)), limits: &prompt.Library{MaxBytes: 5000}, want: prompt.ErrUnreachable},
		"too long":      {handler: bytesOf(wavOf(8000, 1, silence)), limits: &prompt.Library{MaxDuration: 500 * time.Millisecond}, want: prompt.ErrUnreachable},
		"large, unnamed": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush() // no length is told
			w.Write(wavOf(8000, 1, silence))
		}, limits: &prompt.Library{MaxBytes: 5000}, want: prompt.ErrUnreachable},
		"says nothing": {handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, limits: &prompt.Library{Timeout: 20 * time.Millisecond}, want: prompt.ErrUnreachable},
		"stops speaking": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("RIFF"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, limits: &prompt.Library{Timeout: 20 * time.Millisecond}, want: prompt.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			l := c.limits
			if l == nil {
				l = &prompt.Library{}
			}
			library(t, l)
			if c.uri == "" {
				c.uri = serve(t, c.handler).URL
			}
			p := fetch(t, l, c.uri, "id")
			p.Ready(t.Context()) // "too long" has begun
			l.Wait()
			_, err := play(t, p.Source(), media.Rate8k, 200)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.limits == nil && !errors.Is(p.Ready(t.Context()), c.want) {
				t.Errorf("Ready: %v, want %v", p.Ready(t.Context()), c.want)
			}
			if q := fetch(t, l, c.uri, "id"); q == p {
				t.Error("a failure was kept")
			}
		})
	}
}

func TestOnlyTheWeb(t *testing.T) {
	l := library(t, &prompt.Library{})
	for _, uri := range []string{"", "file:///etc/passwd", "/etc/passwd", "ftp://127.0.0.1/a.wav", "http://", "http:a.wav", "http://[::1", "data:audio/wav;base64,AAAA"} {
		if _, err := l.Fetch(t.Context(), uri, ""); !errors.Is(err, prompt.ErrUnreachable) {
			t.Errorf("%q: %v, want ErrUnreachable", uri, err)
		}
	}
}

func TestOneDownloadIsShared(t *testing.T) {
	begin := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		<-begin
		w.Write(wavOf(8000, 1, tone(8000, 440, 800)))
	})
	l := library(t, &prompt.Library{})
	a, b := fetch(t, l, s.URL, ""), fetch(t, l, s.URL, "")
	close(begin)
	ready(t, a)
	ready(t, b)
	l.Wait()
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests for one file at one time, want 1", n)
	}
	all(t, l, fetch(t, l, s.URL, ""))
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2: without a cache id nothing is kept", n)
	}
}

func TestACacheIDKeeps(t *testing.T) {
	s := serve(t, bytesOf(wavOf(8000, 1, tone(8000, 440, 800))))
	for name, c := range map[string]struct {
		limits *prompt.Library
		uris   []string
		want   int64
	}{
		"the same":           {uris: []string{"/a", "/a", "/a"}, want: 1},
		"another signature":  {uris: []string{"/a?sig=1", "/a?sig=2"}, want: 1},
		"another file":       {uris: []string{"/a", "/b", "/a"}, want: 2},
		"too old":            {limits: &prompt.Library{CacheTTL: 1}, uris: []string{"/a", "/a"}, want: 2},
		"too much":           {limits: &prompt.Library{CacheBytes: 40_000}, uris: []string{"/a", "/b", "/b", "/a"}, want: 3},
		"more than is there": {limits: &prompt.Library{CacheBytes: 1}, uris: []string{"/a", "/a"}, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s.requests.Store(0)
			if c.limits == nil {
				c.limits = &prompt.Library{}
			}
			l := library(t, c.limits)
			for _, uri := range c.uris {
				p := fetch(t, l, s.URL+uri, "greeting")
				all(t, l, p)
				if _, err := play(t, p.Source(), media.Rate8k, 50); err != io.EOF {
					t.Fatal(err)
				}
			}
			if n := s.requests.Load(); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
		})
	}
}

func TestNobodyWantsItAnyMore(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	l := library(t, &prompt.Library{})
	one, leaveOne := context.WithCancel(t.Context())
	two, leaveTwo := context.WithCancel(t.Context())
	p, err := l.Fetch(one, s.URL, "id")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Fetch(two, s.URL, "id"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	leaveOne()
	if err := p.Ready(one); !errors.Is(err, context.Canceled) {
		t.Errorf("Ready: %v", err)
	}
	select {
	case <-left:
		t.Fatal("given up while somebody wants it")
	default:
	}
	leaveTwo()
	<-left
	if err := p.Ready(t.Context()); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Ready: %v", err)
	}
}

func TestACloseGivesUp(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	l := &prompt.Library{}
	p := fetch(t, l, s.URL, "")
	l.Close()
	if err := p.Ready(t.Context()); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Ready: %v", err)
	}
	if _, err := l.Fetch(t.Context(), s.URL, ""); !errors.Is(err, prompt.ErrUnreachable) {
		t.Errorf("Fetch: %v", err)
	}
}
