package sip_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media/rtp"
)

// A wire is a network in memory, so that everything above it runs in virtual
// time.
type wire struct {
	mu   sync.Mutex
	ends map[string]*socket
	lose func(from, to, text string) bool
}

type datagram struct {
	data []byte
	from net.Addr
}

// A socket is a net.PacketConn on a wire.
type socket struct {
	wire  *wire
	addr  *net.UDPAddr
	in    chan datagram
	once  sync.Once
	close chan struct{}
}

func (w *wire) listen(addr string) *socket {
	a := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr))
	s := &socket{wire: w, addr: a, in: make(chan datagram, 1024), close: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ends == nil {
		w.ends = map[string]*socket{}
	}
	w.ends[addr] = s
	return s
}

func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	select {
	case d := <-s.in:
		return copy(p, d.data), d.from, nil
	case <-s.close:
		return 0, nil, net.ErrClosed
	}
}

func (s *socket) WriteTo(p []byte, to net.Addr) (int, error) {
	s.wire.mu.Lock()
	end := s.wire.ends[to.String()]
	lost := s.wire.lose != nil && s.wire.lose(s.addr.String(), to.String(), string(p))
	s.wire.mu.Unlock()
	if end == nil || lost {
		return len(p), nil
	}
	select {
	case end.in <- datagram{append([]byte(nil), p...), s.addr}:
	default:
	}
	return len(p), nil
}

func (s *socket) Close() error                     { s.once.Do(func() { close(s.close) }); return nil }
func (s *socket) LocalAddr() net.Addr              { return s.addr }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// A bench is a server on a wire, with phones around it.
type bench struct {
	*wire
	t      testing.TB
	server *sip.Server
	legs   chan leg.Incoming
	stop   context.CancelFunc
	ran    chan struct{}
}

const serverAddr = "127.0.0.1:5060"

// serve starts a server; change may adjust it first.
func serve(t testing.TB, change func(*sip.Server)) *bench {
	t.Helper()
	b := &bench{wire: &wire{}, t: t, legs: make(chan leg.Incoming, 64), ran: make(chan struct{})}
	b.server = b.newServer(serverAddr)
	b.server.OnIncoming = func(_ context.Context, l leg.Incoming) { b.legs <- l }
	if change != nil {
		change(b.server)
	}
	b.stop = b.start(b.server, b.ran)
	return b
}

func (b *bench) newServer(addr string) *sip.Server {
	return &sip.Server{
		PacketConn: b.listen(addr), OpenLoopback: true, Metrics: &metric.Set{},
		MediaIP: netip.MustParseAddr("127.0.0.1"), Ports: &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1")},
	}
}

func (b *bench) start(s *sip.Server, ran chan struct{}) context.CancelFunc {
	b.t.Helper()
	if err := s.Listen(); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ran)
		if err := s.Run(ctx); err != nil {
			b.t.Error(err)
		}
	}()
	b.t.Cleanup(func() { cancel(); <-ran })
	return cancel
}

// count is the value of a reason's counter.
func (b *bench) count(reason string) int {
	for _, r := range b.server.Metrics.Read() {
		if r.Name == "sip_refused_total" && r.Value == reason {
			return int(r.Number)
		}
	}
	return 0
}

// leg is the next leg that came in.
func (b *bench) leg() leg.Incoming {
	b.t.Helper()
	select {
	case l := <-b.legs:
		b.t.Cleanup(func() { l.Close() })
		return l
	case <-time.After(10 * time.Second):
		b.t.Fatal("no call came in")
		return nil
	}
}

// A phone speaks SIP word by word, as a test wants it.
type phone struct {
	*socket
	t    testing.TB
	to   string
	seq  int
	call string
	tag  string // ours
	far  string // the server's, once known
	via  int
	seen map[string]bool // CSeq of the requests that were expected
	got  *sipgo.Response
}

func (b *bench) phone(addr string) *phone {
	p := &phone{socket: b.listen(addr), t: b.t, to: serverAddr, call: "call-" + addr, tag: "tag-" + addr}
	b.t.Cleanup(func() { p.Close() })
	return p
}

const offerPCMU = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

// say sends text as it is.
func (p *phone) say(text string) {
	p.t.Helper()
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(p.to))
	if _, err := p.WriteTo([]byte(text), to); err != nil {
		p.t.Fatal(err)
	}
}

// request writes a request of the phone's dialog. Headers given replace or add.
func (p *phone) request(method, body string, headers ...string) string {
	if method != "ACK" && method != "CANCEL" {
		p.seq++
	}
	if method != "CANCEL" {
		p.via++
	}
	branch := fmt.Sprintf("z9hG4bK-%s-%d", p.tag, p.via)
	far := ""
	if p.far != "" && method != "CANCEL" {
		far = ";tag=" + p.far
	}
	lines := []string{
		"Via: SIP/2.0/UDP " + p.addr.String() + ";branch=" + branch + ";rport",
		`From: "Bob" <sip:bob@example.com>;tag=` + p.tag,
		"To: <sip:+15550100@127.0.0.1>" + far,
		"Call-ID: " + p.call,
		fmt.Sprintf("CSeq: %d %s", p.seq, method),
		"Contact: <sip:bob@" + p.addr.String() + ">",
		"Max-Forwards: 70",
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		replaced := false
		for i := range lines {
			if strings.HasPrefix(lines[i], name+":") && name != "Via" {
				lines[i], replaced = h, true
			}
		}
		if strings.TrimSpace(value) == "" && replaced {
			lines = deletePrefix(lines, name+":")
		} else if !replaced {
			lines = append(lines, h)
		}
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	return method + " sip:+15550100@127.0.0.1 SIP/2.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func deletePrefix(lines []string, prefix string) []string {
	var out []string
	for _, l := range lines {
		if !strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}

// hear is the next message, or nil if none comes in time.
func (p *phone) hear(within time.Duration) sipgo.Message {
	p.t.Helper()
	select {
	case d := <-p.in:
		m, err := sipgo.ParseMessage(d.data)
		if err != nil {
			p.t.Fatalf("the server wrote nonsense: %v\n%s", err, d.data)
		}
		return m
	case <-time.After(within):
		return nil
	}
}

// status waits for a response with this code, over provisional ones.
func (p *phone) status(code int) *sipgo.Response {
	p.t.Helper()
	for {
		switch m := p.hear(40 * time.Second).(type) {
		case *sipgo.Response:
			if m.StatusCode == code {
				if tag, ok := m.To().Params.Get("tag"); ok && m.CSeq().MethodName == sipgo.INVITE && code < 300 && code > 100 {
					p.far = tag
				}
				p.got = m
				return m
			}
			if m.StatusCode < 200 {
				continue
			}
			p.t.Fatalf("got %d %s, want %d", m.StatusCode, m.Reason, code)
		case *sipgo.Request:
			p.t.Fatalf("got a %s, want %d", m.Method, code)
		default:
			p.t.Fatalf("got nothing, want %d", code)
		}
	}
}

// expect waits for a request of this method.
func (p *phone) expect(method sipgo.RequestMethod) *sipgo.Request {
	p.t.Helper()
	for {
		switch m := p.hear(2 * time.Hour).(type) {
		case *sipgo.Request:
			switch {
			case m.Method == method:
				if p.seen == nil {
					p.seen = map[string]bool{}
				}
				p.seen[m.CSeq().Value()] = true
				return m
			case !p.seen[m.CSeq().Value()]: // else it came again, as UDP has it
				p.t.Fatalf("got a %s, want a %s", m.Method, method)
			}
		case *sipgo.Response:
			if m.StatusCode >= 300 {
				p.t.Fatalf("got %d %s, want a %s", m.StatusCode, m.Reason, method)
			}
		default:
			p.t.Fatalf("got nothing, want a %s", method)
		}
	}
}

// answer responds to a request of the server's.
func (p *phone) answer(req *sipgo.Request, code int, body string, headers ...string) {
	p.t.Helper()
	res := sipgo.NewResponseFromRequest(req, code, "Whatever", nil)
	if to := res.To(); code > 100 {
		to.Params.Add("tag", p.tag)
	}
	c := "<sip:bob@" + p.addr.String() + ">"
	res.AppendHeader(sipgo.NewHeader("Contact", c))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		res.AppendHeader(sipgo.NewHeader(name, strings.TrimSpace(value)))
	}
	if body != "" {
		res.AppendHeader(sipgo.NewHeader("Content-Type", "application/sdp"))
		res.SetBody([]byte(body))
	}
	p.say(res.String())
}

// none checks that nothing comes.
func (p *phone) none(within time.Duration) {
	p.t.Helper()
	if m := p.hear(within); m != nil {
		p.t.Fatalf("got %s, want silence", strings.SplitN(m.String(), "\r\n", 2)[0])
	}
}

// drain throws away what has come.
func (p *phone) drain() {
	for {
		select {
		case <-p.in:
		default:
			return
		}
	}
}

// established calls, is answered and acknowledges.
func (b *bench) established(p *phone, headers ...string) leg.Incoming {
	b.t.Helper()
	p.say(p.request("INVITE", offerPCMU, headers...))
	p.status(180)
	l := b.leg()
	b.accept(p, l)
	return l
}

func (b *bench) accept(p *phone, l leg.Incoming) {
	b.t.Helper()
	answered := make(chan error, 1)
	go func() { answered <- l.Answer(context.Background()) }()
	p.status(200)
	p.say(p.request("ACK", ""))
	if err := <-answered; err != nil {
		b.t.Fatal(err)
	}
	want[leg.Answered](b.t, l)
}

// want takes the next event of a leg.
func want[E leg.Event](t testing.TB, l leg.Leg) E {
	t.Helper()
	select {
	case e, ok := <-l.Events():
		if !ok {
			t.Fatal("events are closed")
		}
		got, ok := e.(E)
		if !ok {
			t.Fatalf("event %#v, want %T", e, got)
		}
		return got
	case <-time.After(3 * time.Hour):
		var none E
		t.Fatalf("no event, want %T", none)
		return none
	}
}

func wantEnded(t testing.TB, l leg.Leg, cause leg.Cause, byFarEnd bool) {
	t.Helper()
	if e := want[leg.Ended](t, l); e.Cause != cause || e.ByFarEnd != byFarEnd {
		t.Errorf("ended by %v, far end %v; want %v, %v", e.Cause, e.ByFarEnd, cause, byFarEnd)
	}
	if _, open := <-l.Events(); open {
		t.Error("an event after Ended")
	}
}
