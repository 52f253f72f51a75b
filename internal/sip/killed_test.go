package sip_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media/rtp"
)

// A house is a server on real sockets that can be killed: from one moment to the
// next nothing of it is heard, its connections break, and its ledger is closed.
type house struct {
	*sip.Server
	t      *testing.T
	legs   chan leg.Incoming
	ledger *ledger
	pc     *mortal
	conns  *mortals
	kill   func()
}

// build starts a server at addr with what the ledger has.
func build(t *testing.T, addr string, l *ledger) *house {
	t.Helper()
	var tl net.Listener
	var pc net.PacketConn
	for { // the port of a server that was killed is free when its sockets are
		var err error
		if tl, err = net.Listen("tcp4", addr); err != nil {
			t.Fatal(err)
		}
		if pc, err = net.ListenPacket("udp4", tl.Addr().String()); err == nil {
			break
		}
		tl.Close()
	}
	h := &house{t: t, legs: make(chan leg.Incoming, 8), ledger: l,
		pc: &mortal{PacketConn: pc, gone: make(chan struct{})}, conns: &mortals{Listener: tl, gone: make(chan struct{})}}
	h.Server = &sip.Server{
		PacketConn: h.pc, Listener: h.conns, OpenLoopback: true, Metrics: &metric.Set{}, Directory: new(directory.Directory),
		Ports: &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1")}, Ledger: l,
		OnIncoming: func(_ context.Context, in leg.Incoming) { h.legs <- in },
	}
	if err := h.Listen(); err != nil {
		t.Fatal(err)
	}
	for key, text := range l.all() {
		if err := h.Recover(key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- h.Run(ctx) }()
	h.kill = func() {
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
		h.pc.die()
		h.conns.die() // and it is not told to stop: it would say goodbye over new connections
	}
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return h
}

// rebuild starts a server where a killed one was.
func (h *house) rebuild() *house {
	h.t.Helper()
	addr := h.LocalAddr().String()
	h.ledger.mu.Lock()
	l := &ledger{records: h.ledger.records}
	h.ledger.mu.Unlock()
	return build(h.t, addr, l)
}

// mortal is a packet socket that can die.
type mortal struct {
	net.PacketConn
	dead atomic.Bool
	gone chan struct{} // closed by its server
	once sync.Once

	mu   sync.Mutex
	word string
	told chan struct{}
}

// said has a channel closed when a message with this word in its first line has
// left.
func (m *mortal) said(word string, told chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.word, m.told = word, told
}

// die closes the socket. Its server does not notice: it would open another.
func (m *mortal) die() {
	m.dead.Store(true)
	m.PacketConn.Close()
}

func (m *mortal) Close() error {
	m.once.Do(func() { close(m.gone) })
	return m.PacketConn.Close()
}

func (m *mortal) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := m.PacketConn.ReadFrom(p)
	if m.dead.Load() {
		<-m.gone
		return 0, nil, net.ErrClosed
	}
	return n, from, err
}

func (m *mortal) WriteTo(p []byte, to net.Addr) (int, error) {
	if m.dead.Load() {
		return len(p), nil
	}
	n, err := m.PacketConn.WriteTo(p, to)
	line, _, _ := strings.Cut(string(p), "\r\n")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told != nil && strings.Contains(line, m.word) {
		close(m.told)
		m.told = nil
	}
	return n, err
}

// mortals is a listener that can die, with all its connections.
type mortals struct {
	net.Listener
	mu   sync.Mutex
	all  []net.Conn
	dead bool
	gone chan struct{}
	once sync.Once
}

func (m *mortals) Close() error {
	m.once.Do(func() { close(m.gone) })
	return m.Listener.Close()
}

func (m *mortals) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	m.mu.Lock()
	dead := m.dead
	if err == nil {
		m.all = append(m.all, c)
	}
	m.mu.Unlock()
	if dead {
		<-m.gone
		return nil, net.ErrClosed
	}
	return c, err
}

func (m *mortals) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	m.Listener.Close()
	for _, c := range m.all {
		c.Close()
	}
}

// next is the next call that comes in.
func (h *house) next() leg.Incoming {
	h.t.Helper()
	select {
	case l := <-h.legs:
		h.t.Cleanup(func() { l.Close() })
		return l
	case <-time.After(20 * time.Second):
		h.t.Fatal("no call")
		return nil
	}
}

// call places one, once the server runs.
func (h *house) call(target string) leg.Leg {
	h.t.Helper()
	for {
		l, err := h.Dial(h.t.Context(), sip.DialConfig{Target: target, From: leg.Party{ID: "8:acs:bob"}})
		if err == nil {
			h.t.Cleanup(func() { l.Close() })
			return l
		}
		if !errors.Is(err, sip.ErrNotRunning) {
			h.t.Fatal(err)
		}
	}
}

// quiet waits until nothing is kept any more.
func (h *house) quiet() {
	h.t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(10 * time.Second)
	for len(h.ledger.all()) > 0 {
		select {
		case <-look.C:
		case <-late:
			h.t.Fatalf("still kept: %v, %+v", h.ledger.all(), h.Metrics.Read())
		}
	}
}

// sipp runs a scenario of testdata/sipp; the function waits for its good end.
func sipp(t *testing.T, scenario string, args ...string) (wait func()) {
	t.Helper()
	complaints := filepath.Join(t.TempDir(), "errors")
	cmd := exec.CommandContext(t.Context(), "sipp", append([]string{
		"-i", "127.0.0.1", "-mp", freePort(t), "-m", "1", "-nostdin", "-sf", filepath.Join("testdata", "sipp", scenario),
		"-timeout", "20s", "-timeout_error", "-trace_err", "-error_file", complaints,
	}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		t.Helper()
		if err := cmd.Wait(); err != nil {
			t.Errorf("sipp: %v\n%.3000s", err, out.String())
		}
	})
}

// freePort is one that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	_, port, _ := net.SplitHostPort(pc.LocalAddr().String())
	return port
}

// TestSippAfterAKill: user agents that are not ours, and that fail at the first
// message that they do not expect.
func TestSippAfterAKill(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("a caller in a call", func(t *testing.T) {
		h := build(t, "127.0.0.1:0", new(ledger))
		wait := sipp(t, "hungup.xml", h.LocalAddr().String(), "-s", "bob", "-p", freePort(t))
		in := h.next()
		if err := in.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.kill()
		h = h.rebuild()
		wait()
		h.quiet()
	})
	t.Run("a caller who hears ringing", func(t *testing.T) {
		h := build(t, "127.0.0.1:0", new(ledger))
		rang := make(chan struct{})
		h.pc.said(" 180 ", rang)
		wait := sipp(t, "refused.xml", h.LocalAddr().String(), "-s", "bob", "-p", freePort(t))
		h.next()
		<-rang
		h.kill()
		h = h.rebuild()
		wait()
		h.quiet()
	})
	t.Run("a telephone that rings", func(t *testing.T) {
		h := build(t, "127.0.0.1:0", new(ledger))
		port := freePort(t)
		wait := sipp(t, "withdrawn.xml", "-p", port)
		want[leg.Ringing](t, h.call("sip:sipp@127.0.0.1:"+port))
		h.kill()
		h = h.rebuild()
		wait()
		h.quiet()
	})
	t.Run("a telephone that is picked up meanwhile", func(t *testing.T) {
		h := build(t, "127.0.0.1:0", new(ledger))
		port := freePort(t)
		wait := sipp(t, "late.xml", "-p", port)
		want[leg.Ringing](t, h.call("sip:sipp@127.0.0.1:"+port))
		h.kill()
		gap, err := net.ListenPacket("udp4", h.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		for {
			n, _, err := gap.ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(b[:n], []byte("SIP/2.0 200")) {
				break
			}
		}
		gap.Close()
		h = h.rebuild()
		wait()
		h.quiet()
	})
}

// TestTCPAfterAKill: the connections are gone, so a telephone is told where it
// says that it listens.
func TestTCPAfterAKill(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		for _, what := range []string{"up", "behind a NAT, says its TCP connection", "ringing"} {
			ringing := what == "ringing"
			h := build(t, "127.0.0.1:0", new(ledger))
			phone := tcpServer(t)
			run(t, phone)
			out := (&house{Server: phone, t: t}).call("sip:alice@" + h.LocalAddr().String() + ";transport=tcp")
			in := h.next()
			want[leg.Ringing](t, out)
			if !ringing {
				if err := in.Answer(t.Context()); err != nil {
					t.Fatal(err)
				}
				want[leg.Answered](t, out)
			}
			h.kill()
			for key, text := range h.ledger.all() {
				if what != "up" && !ringing { // where it came from is no way back
					h.ledger.records[key] = strings.Replace(text, `"peer":"127.0.0.1`, `"peer":"127.0.0.9`, 1)
				}
			}
			h = h.rebuild()
			if ringing {
				wantEnded(t, out, leg.NoAnswer, true)
			} else {
				wantEnded(t, out, leg.Normal, true)
			}
			h.quiet()
		}
	})
}
