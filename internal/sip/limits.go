package sip

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// The limits of what comes in. Real telephones stay far below.
const (
	maxDatagram = 8 << 10  // bytes in a UDP message
	maxMessage  = 32 << 10 // bytes in a message over TCP
	maxHeaders  = 128      // header fields in a message
	maxHeader   = 4 << 10  // bytes in a header field
	maxID       = 256      // bytes in Call-ID, tags and branches
	maxConns    = 2048     // TCP connections that were accepted
	maxConnsOf  = 64       // of them from one address that is not this machine
	firstWord   = 10 * time.Second
)

// compactAbove is the size of a message over UDP from which on header names are
// shortened: above it, it may be cut in pieces on its way (RFC 3261 §18.1.1).
const compactAbove = 1300

// tuneSipgo sets what sipgo has for the whole process.
//
// It may send a UDP message of more than 1,300 bytes: a response has no other
// way than the request's, so refusing it, as sipgo does, would lose the call; a
// request of ours goes over TCP first (see transmit). It is not to send 100 by
// itself, after 200 ms: who has heard that does not repeat its INVITE, and would
// wait in vain if we died before the call is kept (see alert). And it is not to
// write to the standard logger.
var tuneSipgo = sync.OnceFunc(func() {
	sipgo.UDPMTUSize = math.MaxUint16
	sipgo.Timer_1xx = timeout // by then no caller waits any more
	sipgo.SetDefaultLogger(slog.New(slog.DiscardHandler))
})

// A door is the UDP socket as sipgo sees it: what makes no sense stays outside,
// and an error on one packet does not end the reading.
type door struct {
	net.PacketConn
	server *Server

	first, last sync.Once
	known       chan struct{} // closed when sipgo reads: from then on it sends from here
	open        chan struct{} // closed when packets may come in
}

func newDoor(pc net.PacketConn, s *Server) *door {
	return &door{PacketConn: pc, server: s, known: make(chan struct{}), open: make(chan struct{})}
}

// unlock lets packets in.
func (d *door) unlock() { d.last.Do(func() { close(d.open) }) }

// ReadFrom gives the next packet that is worth parsing.
func (d *door) ReadFrom(p []byte) (int, net.Addr, error) {
	d.first.Do(func() { close(d.known) })
	<-d.open
	for failures := 0; ; {
		n, from, err := d.PacketConn.ReadFrom(p)
		if err != nil {
			failures++
			if errors.Is(err, net.ErrClosed) || failures > 1000 {
				return n, from, err
			}
			d.server.count("read error")
			continue
		}
		failures = 0
		if d.server.shut.Load() {
			continue
		}
		switch reason := d.server.senseless(p[:n], from); reason {
		case "":
			return n, from, nil
		case "keep-alive":
		default:
			d.server.count(reason)
		}
	}
}

// senseless says why a packet is not worth parsing.
func (s *Server) senseless(p []byte, from net.Addr) string {
	switch {
	case len(bytes.Trim(p, "\r\n\x00 ")) == 0:
		return "keep-alive" // RFC 5626 §3.5.1 and its likes
	case len(p) > maxDatagram:
		return "oversized packet"
	}
	line, _, _ := bytes.Cut(p[:min(len(p), maxHeader)], []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("SIP/2.0 ")) && !bytes.HasSuffix(line, []byte(" SIP/2.0")) {
		return "not SIP"
	}
	if p := addrPort(from); !s.trusted(p.Addr(), p.Port()) && s.strangers.deaf(p.Addr()) {
		return "silenced stranger"
	}
	for _, names := range mandatory {
		if !names.in(p) {
			return "malformed" // sipgo would answer it, whoever sent it
		}
	}
	return ""
}

// fields are the names of a header field, long and short.
type fields []string

// mandatory is what every message has (RFC 3261 §8.1.1).
var mandatory = []fields{{"cseq"}, {"via", "v"}, {"from", "f"}, {"to", "t"}, {"call-id", "i"}}

// in reports whether a message has a line that begins with one of the names.
func (f fields) in(p []byte) bool {
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			return false
		}
		p = p[i+1:]
		for _, name := range f {
			if len(p) > len(name) && (p[len(name)] == ':' || p[len(name)] == ' ' || p[len(name)] == '\t') &&
				bytes.EqualFold(p[:len(name)], []byte(name)) {
				return true
			}
		}
	}
}

// check says what is wrong with a request: a status code, and a word for the
// counters.
func check(req *sipgo.Request) (code int, reason string) {
	call, cseq, via := req.CallID(), req.CSeq(), req.Via()
	if call == nil || cseq == nil || via == nil || req.From() == nil || req.To() == nil {
		return 400, "missing header"
	}
	branch, _ := via.Params.Get("branch")
	switch {
	case req.SipVersion != "SIP/2.0":
		return 505, "version"
	case cseq.MethodName != req.Method:
		return 400, "method of CSeq"
	case fromTag(req) == "":
		return 400, "missing tag"
	case len(call.Value()) > maxID || len(fromTag(req)) > maxID || len(toTag(req)) > maxID || len(branch) > maxID:
		return 400, "oversized header"
	case len(req.Headers()) > maxHeaders:
		return 400, "too many headers"
	}
	for _, h := range req.Headers() {
		if len(h.Value()) > maxHeader {
			return 400, "oversized header"
		}
	}
	switch strings.ToLower(req.Recipient.Scheme) {
	case "sip", "sips", "tel", "":
	default:
		return 416, "scheme"
	}
	if m := req.MaxForwards(); m != nil && m.Val() == 0 && toTag(req) == "" && req.Method != sipgo.ACK && req.Method != sipgo.CANCEL {
		return 483, "too many hops"
	}
	return 0, ""
}

// A gate is the TCP listener as sipgo sees it: a limited number of connections,
// each of which must have said something of sense in time.
type gate struct {
	net.Listener
	server *Server
	closed chan struct{}
	once   sync.Once // closes closed

	mu    sync.Mutex
	conns map[string]*visitor // by remote address
	of    map[netip.Addr]int
}

func newGate(l net.Listener, s *Server) *gate {
	return &gate{Listener: l, server: s, closed: make(chan struct{}), conns: map[string]*visitor{}, of: map[netip.Addr]int{}}
}

// Accept gives the next connection that there is room for.
func (g *gate) Accept() (net.Conn, error) {
	for wait := time.Millisecond; ; {
		c, err := g.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			g.server.count("accept error") // out of descriptors: it passes
			select {
			case <-time.After(wait):
			case <-g.closed:
			}
			wait = min(2*wait, time.Second)
			continue
		}
		wait = time.Millisecond
		if v := g.enter(c); v != nil {
			return v, nil
		}
		g.server.count("too many connections")
		c.Close()
	}
}

// Close lets nobody in any more, and ends an Accept that waits.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

func (g *gate) enter(c net.Conn) *visitor {
	from := addrPort(c.RemoteAddr())
	ip := from.Addr()
	deaf := !g.server.trusted(ip, from.Port()) && g.server.strangers.deaf(ip)
	g.mu.Lock()
	defer g.mu.Unlock()
	if deaf || len(g.conns) >= maxConns || !ip.IsLoopback() && g.of[ip] >= maxConnsOf {
		return nil
	}
	v := &visitor{Conn: c, gate: g, from: c.RemoteAddr().String()}
	g.conns[v.from] = v
	g.of[ip]++
	// Who dribbles bytes to hold a connection has until then to be let in.
	v.late = time.AfterFunc(firstWord, func() {
		g.server.count("slow connection")
		v.Close()
	})
	return v
}

func (g *gate) leave(v *visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v.late.Stop()
	if g.conns[v.from] != v {
		return
	}
	delete(g.conns, v.from)
	ip := addrPort(v.RemoteAddr()).Addr()
	if g.of[ip]--; g.of[ip] == 0 {
		delete(g.of, ip)
	}
}

// welcome lets the connection from this address stay.
func (g *gate) welcome(from string) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.conns[from]; v != nil {
		v.late.Stop()
	}
}

func (g *gate) closeAll() {
	g.mu.Lock()
	all := slices.Collect(maps.Values(g.conns))
	g.mu.Unlock()
	for _, v := range all {
		v.Close()
	}
}

// A visitor is an accepted TCP connection.
type visitor struct {
	net.Conn
	gate *gate
	from string
	late *time.Timer
}

// Read gives what has come, until the server shuts.
func (v *visitor) Read(p []byte) (int, error) {
	for {
		n, err := v.Conn.Read(p)
		if err != nil || !v.gate.server.shut.Load() {
			return n, err
		}
	}
}

// Close frees the connection's place.
func (v *visitor) Close() error {
	v.gate.leave(v)
	return v.Conn.Close()
}

// complaints is what sipgo logs: its only way to tell of a message that it
// could not parse. They are counted, and kept for debugging.
type complaints struct{ server *Server }

func (c *complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (c *complaints) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case strings.HasPrefix(r.Message, "failed to parse"):
		c.server.count("malformed")
	case r.Level >= slog.LevelError:
		c.server.count("transport")
		c.server.Log.DebugContext(ctx, "sip: "+r.Message)
	}
	return nil
}

func (c *complaints) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *complaints) WithGroup(string) slog.Handler      { return c }
