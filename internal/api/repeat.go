package api

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/call"
)

// How long, and for how many requests, results are remembered.
const (
	rememberFor  = 10 * time.Minute
	rememberMost = 10_000
)

// repeats remembers the results of requests that carry a Repeatability-Request-
// ID, so that a request that is sent again acts once and gets the same answer.
type repeats struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // of *repeat, oldest first
}

type repeat struct {
	key   string
	body  [32]byte // hash
	since time.Time
	done  chan struct{} // closed when answer is there, or never will be
	final bool          // answer holds; else the next one tries for itself
	reply reply
}

func newRepeats(now func() time.Time) *repeats {
	return &repeats{now: now, byKey: map[string]*list.Element{}}
}

// once runs f, unless a request with this key has run it, or runs it now: then
// that one's reply is given. A reply that a retry could change (5xx, 429) is
// not remembered.
func (s *repeats) once(ctx context.Context, key string, body [32]byte, f func() reply) (reply, error) {
	for {
		r, first := s.claim(key, body)
		if first {
			return s.first(r, f), nil
		}
		if r.body != body {
			return reply{}, &call.Error{Code: call.Invalid, Field: "Repeatability-Request-ID", Message: "it belongs to another request"}
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
		if r.final {
			return r.reply, nil
		}
	}
}

func (s *repeats) first(r *repeat, f func() reply) reply {
	defer func() {
		if !r.final {
			s.forget(r)
		}
		close(r.done)
	}()
	r.reply = f()
	r.final = r.reply.status < http.StatusInternalServerError && r.reply.status != http.StatusTooManyRequests
	return r.reply
}

// claim finds the request of this key, or makes this one the first.
func (s *repeats) claim(key string, body [32]byte) (r *repeat, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for el := s.order.Front(); el != nil; el = s.order.Front() {
		if r := el.Value.(*repeat); s.order.Len() < rememberMost && now.Sub(r.since) < rememberFor {
			break
		}
		s.drop(el)
	}
	if el := s.byKey[key]; el != nil {
		return el.Value.(*repeat), false
	}
	r = &repeat{key: key, body: body, since: now, done: make(chan struct{})}
	s.byKey[key] = s.order.PushBack(r)
	return r, true
}

func (s *repeats) forget(r *repeat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if el := s.byKey[r.key]; el != nil && el.Value.(*repeat) == r {
		s.drop(el)
	}
}

func (s *repeats) drop(el *list.Element) {
	delete(s.byKey, el.Value.(*repeat).key)
	s.order.Remove(el)
}
