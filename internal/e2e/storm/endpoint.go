package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	latest  = 2 * time.Second  // what a slow answer takes at most
	refuses = 10 * time.Second // how long the dead endpoint has no listener
	hangs   = 10 * time.Second // and then for how long it takes connections and says nothing
)

// An endpoint is a webhook in a mood, on a host and port of its own.
type endpoint struct {
	name  string
	mood  mood
	url   string
	storm *storm
	seen  atomic.Int64 // attempts

	mu  sync.Mutex
	web *http.Server // what serves it now
}

// serve serves on l until the endpoint is closed.
func (e *endpoint) serve(l net.Listener) {
	web := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	e.mu.Lock()
	e.web = web
	e.mu.Unlock()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		e.storm.book().wrong("%s ended: %v", e.name, err)
	}
}

func (e *endpoint) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.web.Close()
}

// die has the endpoint refuse connections, then take them in vain, and live.
func (e *endpoint) die(ctx context.Context, addr string) {
	e.close()
	wait(ctx, refuses)
	var l net.Listener
	err := errors.New("not tried")
	for err != nil && ctx.Err() == nil {
		if l, err = net.Listen("tcp", addr); err != nil {
			wait(ctx, 10*time.Millisecond)
		}
	}
	if err != nil {
		return
	}
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(hangs))
	var held []net.Conn
	for {
		conn, err := l.Accept()
		if err != nil {
			break // its time is over
		}
		held = append(held, conn)
	}
	_ = l.(*net.TCPListener).SetDeadline(time.Time{})
	for _, conn := range held {
		_ = conn.Close()
	}
	e.serve(l)
}

// ServeHTTP takes one attempt to deliver an event.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came, book := time.Now(), e.storm.book()
	body, err := io.ReadAll(r.Body)
	var n note
	if err == nil {
		n, err = read(body)
	}
	if err != nil {
		book.wrong("%s: %v", e.name, err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.came = came.UnixNano()
	it, refused := book.arrive(e.name, n)
	next := take
	if e.storm.hostile.Load() {
		next = e.mood.react(int(e.seen.Add(1)-1), refused)
	}
	if next == late {
		wait(r.Context(), rand.N(latest))
	}
	if next.seen() {
		if err := e.storm.pass(r.Context(), "/callbacks", it, body); err != nil {
			book.wrong("%s: the app: %v", e.name, err)
		}
	}
	book.settle(it, next.accepts()) // before the next event can come
	e.answer(w, r, next)
}

// answer answers an attempt.
func (e *endpoint) answer(w http.ResponseWriter, r *http.Request, how reaction) {
	switch how {
	case refuse:
		http.Error(w, "not now", http.StatusInternalServerError)
	case redirect:
		status := [...]int{http.StatusTemporaryRedirect, http.StatusFound}[rand.N(2)]
		w.Header().Set("Location", e.storm.forbidden[rand.N(len(e.storm.forbidden))])
		w.WriteHeader(status)
	case cutHead:
		cut(w, "HTTP/1.1 20")
	case cutBody:
		cut(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat("half", 125))
	case endless:
		for more := make([]byte, 4096); r.Context().Err() == nil; {
			_, _ = w.Write(more)
		}
	case drip:
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{'.'})
			_ = http.NewResponseController(w).Flush()
			wait(r.Context(), 100*time.Millisecond)
		}
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// cut says something and hangs up.
func cut(w http.ResponseWriter, text string) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err) // HTTP/1 only
	}
	_, _ = fmt.Fprint(buffered, text)
	_ = buffered.Flush()
	_ = conn.Close()
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
