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
// ID, so that a request that is sent again acts once and gets the same answer,
// also when the server was killed in between.
type repeats struct {
	now  func() time.Time
	keep shelf

	mu    sync.Mutex
	byKey map[string]*list.Element
	order list.List // of *repeat, oldest first
}

type repeat struct {
	key   string   // of the journal
	body  [32]byte // hash
	since time.Time
	done  chan struct{} // closed when answer is there, or never will be
	final bool          // answer holds; else the next one tries for itself
	torn  bool          // the server died before there was an answer
	reply reply
}

func newRepeats(now func() time.Time, keep shelf) *repeats {
	s := &repeats{now: now, keep: keep, byKey: map[string]*list.Element{}}
	for _, r := range keep.restore(now()) {
		s.byKey[r.key] = s.order.PushBack(r)
	}
	return s
}

// once runs f, unless a request with this key has run it, or runs it now: then
// that one's reply is given. A reply that a retry could change (5xx, 429) is
// not remembered. What must not run twice is announced in the journal before it
// runs (begun).
func (s *repeats) once(ctx context.Context, key string, body [32]byte, begun bool, f func() reply) (reply, error) {
	key = journalKey(key)
	for {
		r, first := s.claim(key, body)
		if first {
			return s.first(ctx, r, begun, f), nil
		}
		if r.body != body {
			return reply{}, &call.Error{Code: call.Invalid, Field: "Repeatability-Request-ID", Message: "it belongs to another request"}
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
		if r.torn {
			return reply{}, &call.Error{Code: call.Conflict, Field: "Repeatability-Request-ID",
				Message: "the server was stopped while it carried this request out. It is not carried out again: what had come of it was ended with the server. Send it with another id to try once more"}
		}
		if r.final {
			return r.reply, nil
		}
	}
}

func (s *repeats) first(ctx context.Context, r *repeat, begun bool, f func() reply) reply {
	defer func() {
		if !r.final {
			s.forget(r)
		}
		close(r.done)
	}()
	if begun {
		s.keep.begun(ctx, r)
	}
	r.reply = f()
	r.final = r.reply.status < http.StatusInternalServerError && r.reply.status != http.StatusTooManyRequests
	if r.final {
		s.keep.answered(ctx, r)
	}
	return r.reply
}

// claim finds the request of this key, or makes this one the first.
func (s *repeats) claim(key string, body [32]byte) (r *repeat, first bool) {
	var old []string
	defer func() { s.keep.forget(old...) }() // when the mutex is free again
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for el := s.order.Front(); el != nil; el = s.order.Front() {
		r := el.Value.(*repeat)
		if s.order.Len() < rememberMost && now.Sub(r.since) < rememberFor {
			break
		}
		s.drop(el)
		old = append(old, r.key)
	}
	if el := s.byKey[key]; el != nil {
		return el.Value.(*repeat), false
	}
	r = &repeat{key: key, body: body, since: now, done: make(chan struct{})}
	s.byKey[key] = s.order.PushBack(r)
	return r, true
}

// forget lets the next request of this key be the first, once the journal has
// let go of this one: else that would remove what the next one has begun.
func (s *repeats) forget(r *repeat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if el := s.byKey[r.key]; el != nil && el.Value.(*repeat) == r {
		s.keep.forget(r.key)
		s.drop(el)
	}
}

func (s *repeats) drop(el *list.Element) {
	delete(s.byKey, el.Value.(*repeat).key)
	s.order.Remove(el)
}
