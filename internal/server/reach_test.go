package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// A phone is a telephone on a socket, word by word.
type phone struct {
	t *testing.T
	*net.UDPConn
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &phone{t, c}
}

func (p *phone) addr() netip.AddrPort { return p.LocalAddr().(*net.UDPAddr).AddrPort() }

// expect waits for a request of this method, over repeated ones of others.
func (p *phone) expect(method sipgo.RequestMethod) *sipgo.Request {
	p.t.Helper()
	buf := make([]byte, 64<<10)
	for {
		if err := p.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			p.t.Fatal(err)
		}
		n, from, err := p.ReadFrom(buf)
		if err != nil {
			p.t.Fatalf("no %s: %v", method, err)
		}
		m, err := sipgo.ParseMessage(buf[:n])
		if err != nil {
			p.t.Fatal(err)
		}
		if req, ok := m.(*sipgo.Request); ok && req.Method == method {
			req.SetSource(from.String())
			return req
		}
	}
}

func (p *phone) respond(req *sipgo.Request, code int, headers ...string) {
	p.t.Helper()
	res := sipgo.NewResponseFromRequest(req, code, "Whatever", nil)
	if code > 100 {
		res.To().Params.Add("tag", "phone")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		res.AppendHeader(sipgo.NewHeader(name, value))
	}
	if code == 200 && req.Method == sipgo.INVITE {
		res.AppendHeader(sipgo.NewHeader("Contact", "<sip:phone@"+p.addr().String()+">"))
		res.AppendHeader(sipgo.NewHeader("Content-Type", "application/sdp"))
		res.SetBody([]byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"))
	}
	to, err := net.ResolveUDPAddr("udp4", req.Source())
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.WriteTo([]byte(res.String()), to); err != nil {
		p.t.Fatal(err)
	}
}

// running starts a server with a trunk; empty for none.
func running(t *testing.T, trunk string) *Server {
	t.Helper()
	cfg := config.Default()
	cfg.HTTP, cfg.HTTPS, cfg.SIP, cfg.Data, cfg.Trunk, cfg.Drain = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", t.TempDir(), trunk, 0
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// dialled reaches somebody, as soon as the server runs.
func dialled(t *testing.T, s *Server, target string, from leg.Party, headers map[string]string) (leg.Leg, error) {
	t.Helper()
	for {
		l, err := s.reach(t.Context(), target, from, headers, "c-1")
		if !errors.Is(err, sip.ErrNotRunning) {
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return l, err
		}
	}
}

func mustCall(t *testing.T, s *Server, target string, from leg.Party, headers map[string]string) leg.Leg {
	t.Helper()
	l, err := dialled(t, s, target, from, headers)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func bind(t *testing.T, s *Server, id, uri string, source netip.AddrPort) {
	t.Helper()
	now := time.Now()
	err := s.phones.Directory.Bind(now, id, directory.Contact{URI: uri, Source: source, Transport: "udp", Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
}

// happened is what a leg tells until it ends.
func happened(t *testing.T, l leg.Leg) (all []leg.Event) {
	t.Helper()
	for {
		select {
		case e, ok := <-l.Events():
			if !ok {
				return all
			}
			all = append(all, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("not over: %v", all)
		}
	}
}

var from = leg.Party{ID: "4:+15550111", Display: "Al"}

func TestAllTelephonesOfAPartyRing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("", func(t *testing.T) {
		s := running(t, "")
		a, b := newPhone(t), newPhone(t)
		bind(t, s, "8:acs:bob", "sip:x1@"+a.addr().String(), a.addr())
		bind(t, s, "8:acs:bob", "sip:bob@192.168.77.7:5060;ob", b.addr()) // as if behind a NAT
		l := mustCall(t, s, "8:acs:bob", from, sipHeaders(map[string]string{"X-MS-Custom-a": "1"}, map[string]string{"k": "v", "a b": "w"}))
		if l.Party().ID != "8:acs:bob" {
			t.Errorf("party %v", l.Party())
		}
		ia, ib := a.expect(sipgo.INVITE), b.expect(sipgo.INVITE)
		if ia.Recipient.User != "x1" || ib.Recipient.Host != "192.168.77.7" || ia.To().Address.User != "bob" || ia.From().Address.User != "+15550111" {
			t.Errorf("INVITEs\n%s\n%s", ia, ib)
		}
		for name, want := range map[string]string{"X-MS-Custom-a": "1", "X-MS-VoIP-k": "v", "X-MS-VoIP-a%20b": "w"} {
			if h := ib.GetHeader(name); h == nil || h.Value() != want {
				t.Errorf("%s: %v, want %s", name, h, want)
			}
		}
		a.respond(ia, 180)
		b.respond(ib, 200)
		b.expect(sipgo.ACK)
		a.respond(a.expect(sipgo.CANCEL), 200)
		a.respond(ia, 487)
		go l.Hangup(context.Background(), leg.Normal)
		b.respond(b.expect(sipgo.BYE), 200)
		events := happened(t, l)
		if e, ok := events[len(events)-1].(leg.Ended); !ok || e.Cause != leg.Normal {
			t.Errorf("events %v", events)
		}
	})
	goleak.VerifyNone(t, before)
}

func TestANumberGoesToTheTrunk(t *testing.T) {
	trunk, own := newPhone(t), newPhone(t)
	s := running(t, "sip:acme:p@ss%3A1@"+trunk.addr().String())
	bind(t, s, "4:+15550123", "sip:desk@"+own.addr().String(), own.addr())
	headers := map[string]string{"User-To-User": "4d", "X-MS-VoIP-k": "v"}

	l := mustCall(t, s, "4:+15550199", from, headers)
	inv := trunk.expect(sipgo.INVITE)
	if inv.Recipient.String() != "sip:+15550199@"+trunk.addr().String() || inv.From().Address.User != "+15550111" || inv.From().Address.Host != "127.0.0.1" {
		t.Errorf("INVITE\n%s", inv)
	}
	if inv.GetHeader("User-To-User") == nil || inv.GetHeader("X-MS-VoIP-k") != nil {
		t.Errorf("headers of\n%s", inv)
	}
	trunk.respond(inv, 407, `Proxy-Authenticate: Digest realm="c", nonce="n", qop="auth"`)
	trunk.expect(sipgo.ACK)
	inv = trunk.expect(sipgo.INVITE)
	if a := inv.GetHeader("Proxy-Authorization"); a == nil || !strings.Contains(a.Value(), `username="acme"`) {
		t.Errorf("INVITE\n%s", inv)
	}
	trunk.respond(inv, 486)
	trunk.expect(sipgo.ACK)
	if e := happened(t, l); len(e) != 1 || e[0] != (leg.Ended{Cause: leg.Busy, ByFarEnd: true}) {
		t.Errorf("events %v, want busy", e)
	}

	l = mustCall(t, s, "4:+15550123", from, headers) // that number is one of ours
	inv = own.expect(sipgo.INVITE)
	if inv.To().Address.User != "+15550123" || inv.GetHeader("X-MS-VoIP-k") == nil {
		t.Errorf("INVITE\n%s", inv)
	}
	own.respond(inv, 603)
	if e := happened(t, l); len(e) != 1 || e[0] != (leg.Ended{Cause: leg.Declined, ByFarEnd: true}) {
		t.Errorf("events %v, want declined", e)
	}
}

func TestWhoCannotBeReached(t *testing.T) {
	trunk := newPhone(t)
	s := running(t, "sip:"+trunk.addr().String())
	for _, target := range []string{"8:acs:nobody", "", "4:", "28:orgid:bot", "+15550199"} {
		if _, err := dialled(t, s, target, from, nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: err = %v, want ErrUnreachable", target, err)
		}
	}
	if _, err := dialled(t, s, "4:+15550199", from, map[string]string{"X-a": "b\r\nVia: c"}); !errors.Is(err, sip.ErrHeader) {
		t.Errorf("err = %v, want ErrHeader", err)
	}
	if _, err := dialled(t, running(t, ""), "4:+15550199", from, nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("without a trunk: err = %v, want ErrUnreachable", err)
	}
}

func TestResolve(t *testing.T) {
	s := running(t, "sip:trunk.example.com:5070;transport=tcp")
	public := netip.MustParseAddrPort("203.0.113.9:40000")
	bind(t, s, "8:acs:old", "sip:a@203.0.113.1", public)
	bind(t, s, "8:acs:old", "sip:b@203.0.113.2:5080", public)
	bind(t, s, "8:acs:nat", "sip:c@10.0.0.3:5060;ob", public)
	bind(t, s, "8:acs:home", "sip:d@10.0.0.3:5060", netip.MustParseAddrPort("10.0.0.3:5060"))
	for id, want := range map[string]string{
		"8:acs:old": "sip:b@203.0.113.2:5080", "8:acs:nat": "sip:c@203.0.113.9:40000;ob", "8:acs:home": "sip:d@10.0.0.3:5060",
		"4:+15550199": "sip:+15550199@trunk.example.com:5070;transport=tcp",
	} {
		if got, err := s.resolve(t.Context(), id); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", id, got, err, want)
		}
	}
	if _, err := s.resolve(t.Context(), "8:acs:nobody"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("err = %v", err)
	}
}

func TestTrunks(t *testing.T) {
	for text, want := range map[string]sip.Trunk{
		"sip:trunk.example.com":              {Host: "trunk.example.com"},
		"sip:u:p@ss%3B1@t.example:5070":      {Host: "t.example", Port: 5070, User: "u", Password: "p@ss;1"},
		"sip:u:p@t;transport=TCP;register":   {Host: "t", User: "u", Password: "p", Transport: "tcp", Register: true},
		"sip:u@192.0.2.1;Register;other=yes": {Host: "192.0.2.1", User: "u", Register: true},
	} {
		if got, err := trunks(text); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"trunk", "sip:", "sip:u:secret@", "sip:t;transport=sctp", "sip:t;register"} {
		if got, err := trunks(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %+v, %v; want an error", text, got, err)
		}
	}
}

func TestSIPHeaders(t *testing.T) {
	one := map[string]string{"X-a": "1"}
	if got := sipHeaders(nil, nil); got != nil {
		t.Errorf("got %v", got)
	}
	if got := sipHeaders(one, nil); !maps.Equal(got, one) {
		t.Errorf("got %v", got)
	}
	if got := sipHeaders(nil, map[string]string{"k": "v"}); got["X-MS-VoIP-k"] != "v" || len(one) != 1 {
		t.Errorf("got %v", got)
	}
}
