package sip_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media/rtp"
)

func TestGarbageIsDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		invite := func(headers ...string) string { return p.request("INVITE", offerPCMU, headers...) }
		for _, tt := range []struct{ text, reason string }{
			{"\r\n\r\n", ""},
			{"\x00\x00\x00\x00", ""},
			{"hello", "not SIP"},
			{"GET / HTTP/1.1\r\n\r\n", "not SIP"},
			{"INVITE sip:x SIP/2.0\r\n\r\n", "malformed"},
			{strings.Replace(invite(), "CSeq: ", "CSeq: x", 1), "malformed"},
			{strings.Replace(invite(), "Via: SIP/2.0/UDP", "Via: nonsense", 1), "malformed"},
			{invite("X-Long: " + strings.Repeat("x", 9000)), "oversized packet"},
		} {
			before := b.count(tt.reason)
			p.say(tt.text)
			p.none(time.Second)
			if after := b.count(tt.reason); tt.reason != "" && after != before+1 {
				t.Errorf("%.30q counted %d times as %q", tt.text, after-before, tt.reason)
			}
		}
		for _, tt := range []struct {
			header, reason string
			code           int
		}{
			{"X-Long: " + strings.Repeat("x", 5000), "oversized header", 400},
			{"Call-ID: " + strings.Repeat("x", 300), "oversized header", 400},
			{strings.TrimSuffix(strings.Repeat("X: y\r\n", 200), "\r\n"), "too many headers", 400},
		} {
			p.say(invite(tt.header))
			p.status(tt.code)
			if b.count(tt.reason) == 0 {
				t.Errorf("%q not counted", tt.reason)
			}
		}
		b.established(b.phone("127.0.0.1:7002")) // and the server lives
	})
}

func TestALargeAnswerGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		rr := "Record-Route: <sip:127.0.0.1:7001;lr;x=" + strings.Repeat("y", 1400) + ">"
		l := b.established(p, rr)
		go l.Hangup(t.Context(), leg.Normal) // a BYE with that route is beyond 1,300 bytes, too
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestADialogThatIsFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for range 200 {
			p.say(p.request("INFO", "5", "Content-Type: application/dtmf"))
		}
		synctest.Wait()
		p.drain()
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}

// tcpServer is a server on real sockets, for what only TCP has.
func tcpServer(t *testing.T) *sip.Server {
	t.Helper()
	s := &sip.Server{
		Addr: "127.0.0.1:0", OpenLoopback: true, Metrics: &metric.Set{}, Directory: new(directory.Directory),
		Ports: &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1")},
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, s *sip.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

func TestTCPAndUDPOnOnePort(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		s := tcpServer(t)
		legs := make(chan leg.Incoming, 2)
		s.OnIncoming = func(_ context.Context, l leg.Incoming) { legs <- l }
		run(t, s)
		big := map[string]string{"X-Big": strings.Repeat("x", 1000), "X-Too": strings.Repeat("y", 1000)}
		for _, transport := range []string{"tcp", "udp"} { // over UDP the INVITE is too large, and goes over TCP
			caller := tcpServer(t)
			run(t, caller)
			var out leg.Leg
			for {
				var err error
				out, err = caller.Dial(t.Context(), sip.DialConfig{
					Target: "sip:alice@" + s.LocalAddr().String() + ";transport=" + transport, From: leg.Party{ID: "8:acs:bob"}, Headers: big,
				})
				if err == nil {
					break
				}
				if !errors.Is(err, sip.ErrNotRunning) { // Run is only starting
					t.Fatal(err)
				}
			}
			in := <-legs
			if h := in.Call().Headers; len(h["X-Big"]) != 1000 || len(h["X-Too"]) != 1000 {
				t.Errorf("headers %v", h)
			}
			want[leg.Ringing](t, out)
			if err := in.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			want[leg.Answered](t, out)
			want[leg.Answered](t, in)
			exchangeSound(t, out, in)
			if err := in.Hangup(t.Context(), leg.Normal); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, out, leg.Normal, true)
			wantEnded(t, in, leg.Normal, false)
			out.Close()
			in.Close()
		}
	})
}

func TestTCPStreamThatIsNotSIP(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		s := tcpServer(t)
		run(t, s)
		c, err := net.Dial("tcp", s.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		if _, err := bufio.NewReader(c).ReadByte(); err == nil {
			t.Error("the server said something")
		} // and has closed the connection
	})
}

func TestASlowTCPConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn, 4)}
		s := &sip.Server{Listener: l, OpenLoopback: true, Metrics: &metric.Set{}}
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		run(t, s)
		theirs, ours := net.Pipe()
		l.conns <- pipeConn{ours}
		start := time.Now()
		for { // a byte a second
			if _, err := theirs.Write([]byte("I")); err != nil {
				break
			}
			<-time.After(time.Second) // virtual
		}
		if d := time.Since(start); d < 9*time.Second || d > 12*time.Second {
			t.Errorf("closed after %v, want 10 s", d)
		}
		theirs.Close()
		// One that has said something of sense stays.
		theirs, ours = net.Pipe()
		l.conns <- pipeConn{ours}
		theirs.Write([]byte("OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		if line, _ := bufio.NewReader(theirs).ReadString('\n'); !strings.HasPrefix(line, "SIP/2.0 200") {
			t.Errorf("got %q", line)
		}
		<-time.After(time.Minute) // virtual
		theirs.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := theirs.Read(make([]byte, 1)); err != nil && !strings.Contains(err.Error(), "timeout") {
			t.Errorf("closed: %v", err)
		}
		theirs.Close()
	})
}

// A pipeListener accepts connections in memory.
type pipeListener struct{ conns chan net.Conn }

func (l *pipeListener) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *pipeListener) Close() error   { close(l.conns); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060} }

type pipeConn struct{ net.Conn }

func (pipeConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060} }
func (pipeConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9999}
}

// A server that has no descriptors left tries to accept again, less and less
// often, and stops at once all the same.
func TestStoppingDoesNotWaitForAListenerInNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sip.Server{Listener: &needyListener{}, Metrics: &metric.Set{}}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(ctx) }()
		<-time.After(10500 * time.Millisecond) // virtual; it waits a second each time by now
		if n := (&bench{server: s}).count("accept error"); n < 10 || n > 30 {
			t.Errorf("tried %d times in 10 s, want about 20", n)
		}
		start := time.Now()
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d > 50*time.Millisecond {
			t.Errorf("stopped after %v", d)
		}
	})
}

// A needyListener accepts nothing.
type needyListener struct{ closed atomic.Bool }

func (l *needyListener) Accept() (net.Conn, error) {
	if l.closed.Load() {
		return nil, net.ErrClosed
	}
	return nil, errors.New("too many open files")
}
func (l *needyListener) Close() error { l.closed.Store(true); return nil }
func (l *needyListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060}
}
