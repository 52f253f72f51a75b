package webhook

import (
	"context"
	"net/url"
	"sync"
)

// slots bound how many attempts run at one time, in all and to one host. The
// host's slot is taken first, so that a host that hangs holds no more of all
// than its own.
type slots struct {
	all     chan struct{}
	perHost int

	mu    sync.Mutex
	hosts map[string]*hostSlots
}

type hostSlots struct {
	taken chan struct{}
	users int // who hold or wait for one; the last one out forgets the host
}

// take waits for a slot and gives the function that frees it.
func (s *slots) take(ctx context.Context, host string) (free func(), err error) {
	s.mu.Lock()
	h := s.hosts[host]
	if h == nil {
		h = &hostSlots{taken: make(chan struct{}, s.perHost)}
		s.hosts[host] = h
	}
	h.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(s.hosts, host)
		}
	}
	select {
	case h.taken <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	select {
	case s.all <- struct{}{}:
	case <-ctx.Done():
		<-h.taken
		leave()
		return nil, ctx.Err()
	}
	return func() {
		<-s.all
		<-h.taken
		leave()
	}, nil
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host
}

// place is a URL for the log: its query may hold a secret.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "an unreadable URL"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
