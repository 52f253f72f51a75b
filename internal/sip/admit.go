package sip

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// The rules for strangers: addresses that are neither this machine, nor a
// trunk, nor have passed digest lately.
const (
	memory         = 10 * time.Minute // how long a stranger is remembered
	knownFor       = time.Hour        // how long who passed digest is no stranger
	repeats        = 4                // responses to one and the same request
	strikes        = 6                // requests without right credentials until the door stays shut
	maxPackets     = 64               // packets read from a stranger, of whatever kind
	maxStrangers   = 8192
	challengeEvery = 20 * time.Millisecond // in the long run, all strangers together
	challengeBurst = 100
)

// source is where a request came from.
func source(req *sipgo.Request) netip.Addr {
	p, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

// trusted reports whether this address may call without being asked who it is.
func (s *Server) trusted(from netip.Addr, port uint16) bool {
	return s.OpenLoopback && from.IsLoopback() || s.trunks.has(netip.AddrPortFrom(from, port))
}

// known reports whether a request is from somebody who is worth an answer.
func (s *Server) known(req *sipgo.Request) bool {
	p, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		return false
	}
	from := p.Addr().Unmap()
	return s.trusted(from, p.Port()) || s.strangers.passed(from)
}

// admit decides whether a request may come in. If not, it has been answered,
// or is met with silence.
func (s *Server) admit(req *sipgo.Request, tx *sipgo.ServerTx) bool {
	p, err := netip.ParseAddrPort(req.Source())
	if err != nil {
		s.count("no source")
		tx.Terminate()
		return false
	}
	if s.trusted(p.Addr().Unmap(), p.Port()) {
		s.tcp.welcome(req.Source())
		return true
	}
	_, ok := s.identify(req, tx)
	return ok
}

// identify asks for digest credentials and gives the user who passed.
func (s *Server) identify(req *sipgo.Request, tx *sipgo.ServerTx) (user string, ok bool) {
	from := source(req)
	user, verdict := s.verify(req)
	if verdict == right {
		s.strangers.pass(from)
		s.tcp.welcome(req.Source())
		return user, true
	}
	if verdict == wrong {
		s.count("bad digest")
		s.Log.Info("sip: bad digest credentials", "from", req.Source(), "user", user)
	}
	if req.Method == sipgo.ACK || req.Method == sipgo.CANCEL || !s.strangers.challenge(from, requestKey(req), verdict) {
		s.count("stranger")
		tx.Terminate()
		return "", false
	}
	s.count("challenged")
	s.finalOnce(req, tx, 401, s.nonces.challenge(verdict == stale))
	return "", false
}

// requestKey is the same for a request, its retransmissions and its responses.
func requestKey(m sipgo.Message) string {
	return m.CallID().Value() + "\x00" + fromTag(m) + "\x00" + itoa(int(m.CSeq().SeqNo))
}

// strangers remembers who was challenged. Its zero value is ready.
type strangers struct {
	mu    sync.Mutex
	seen  map[netip.Addr]*stranger
	spent allowance
	swept time.Time
}

type stranger struct {
	until    time.Time // forgotten then
	passed   bool
	request  string // the one that was challenged
	repeated int
	strikes  int
	packets  int
}

// of finds or makes the entry of an address; nil if there is no room.
func (t *strangers) of(from netip.Addr, now time.Time) *stranger {
	if e := t.seen[from]; e != nil && now.Before(e.until) {
		return e
	}
	if len(t.seen) >= maxStrangers {
		if now.Before(t.swept.Add(time.Second)) {
			return nil
		}
		t.swept = now
		for a, e := range t.seen {
			if !now.Before(e.until) {
				delete(t.seen, a)
			}
		}
		if len(t.seen) >= maxStrangers {
			return nil
		}
	}
	if t.seen == nil {
		t.seen = map[netip.Addr]*stranger{}
	}
	e := &stranger{until: now.Add(memory)}
	t.seen[from] = e
	return e
}

// challenge reports whether this request may be answered with a challenge.
func (t *strangers) challenge(from netip.Addr, request string, v verdict) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	e := t.of(from, now)
	if e == nil {
		return false
	}
	switch {
	case e.passed, v == stale: // somebody who knows a password
	case e.request == request:
		if e.repeated++; e.repeated >= repeats {
			return false
		}
	case e.request == "" || v == wrong && e.strikes < strikes/2: // a mistyped password may be tried again
		e.request = request
		e.strikes++
	default:
		e.strikes++
		return false
	}
	return t.spent.afford(now, challengeEvery, challengeBurst)
}

// pass makes an address known.
func (t *strangers) pass(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if e := t.of(from, now); e != nil {
		e.passed, e.strikes, e.until = true, 0, now.Add(knownFor)
	}
}

// passed reports whether an address has passed digest lately.
func (t *strangers) passed(from netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.seen[from]
	return e != nil && e.passed && time.Now().Before(e.until)
}

// deaf reports whether a packet from this address is not even read. sipgo
// remembers every address that it has read from, so there are limits to how
// many that may be.
func (t *strangers) deaf(from netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.of(from, time.Now())
	if e == nil {
		return true
	}
	e.packets++
	return !e.passed && (e.strikes >= strikes || e.packets > maxPackets)
}

// trunks are the addresses of the peers that may send calls in.
type trunks struct {
	mu    sync.Mutex
	addrs map[netip.Addr][]uint16 // ports; 0 for any
}

func (t *trunks) has(p netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, port := range t.addrs[p.Addr()] {
		if port == 0 || port == p.Port() {
			return true
		}
	}
	return false
}

// keep looks the trunks up, now and every few minutes.
func (t *trunks) keep(list []Trunk, log *slog.Logger) func(context.Context) {
	return func(ctx context.Context) {
		if len(list) == 0 {
			return
		}
		again := time.NewTicker(5 * time.Minute)
		defer again.Stop()
		for {
			t.lookUp(ctx, list, log)
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
		}
	}
}

func (t *trunks) lookUp(ctx context.Context, list []Trunk, log *slog.Logger) {
	addrs := map[netip.Addr][]uint16{}
	for _, trunk := range list {
		ips := []netip.Addr{}
		if ip, err := netip.ParseAddr(trunk.Host); err == nil {
			ips = append(ips, ip)
		} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", trunk.Host); err != nil {
			log.Warn("sip: trunk has no address", "trunk", trunk.Host, "error", err)
		}
		for _, ip := range ips {
			addrs[ip.Unmap()] = append(addrs[ip.Unmap()], uint16(trunk.Port))
		}
	}
	t.mu.Lock()
	t.addrs = addrs
	t.mu.Unlock()
}
