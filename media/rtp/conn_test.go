package rtp_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media/rtp"
)

// receive polls until a packet has come: loopback is quick, not immediate.
func receive(t *testing.T, c rtp.Conn, b *rtp.Batch) []rtp.Packet {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		packets, err := c.Receive(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(packets) > 0 {
			return packets
		}
	}
	t.Fatal("nothing came in 5 s")
	return nil
}

func TestConn(t *testing.T) {
	pa, pb := rtp.Pipe()
	for _, tt := range []struct {
		name string
		open func(t *testing.T) (a, b rtp.Conn)
	}{
		{"in memory", func(*testing.T) (rtp.Conn, rtp.Conn) { return pa, pb }},
		{"IPv4", func(t *testing.T) (rtp.Conn, rtp.Conn) { return listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0") }},
		{"IPv6", func(t *testing.T) (rtp.Conn, rtp.Conn) { return listen(t, "[::1]:0"), listen(t, "[::1]:0") }},
		{"the portable way", func(t *testing.T) (rtp.Conn, rtp.Conn) {
			return rtp.ListenNet(t, "127.0.0.1:0"), rtp.ListenNet(t, "127.0.0.1:0")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := tt.open(t)
			batch := rtp.NewBatch()
			if packets, err := b.Receive(batch); err != nil || len(packets) != 0 {
				t.Fatalf("before anything was sent: %d packets, %v", len(packets), err)
			}
			start := a.Now()
			if err := a.Send(b.LocalAddr(), []byte("hello")); err != nil {
				t.Fatal(err)
			}
			p := receive(t, b, batch)[0]
			if string(p.Data) != "hello" || p.From != a.LocalAddr() || p.Cut {
				t.Errorf("got %q from %v, cut %v; want hello from %v", p.Data, p.From, p.Cut, a.LocalAddr())
			}
			if d := p.Arrival - start; d < -int64(time.Second) || d > int64(5*time.Second) {
				t.Errorf("it came %v after it was sent", time.Duration(d))
			}
			if err := a.Send(b.LocalAddr(), bytes.Repeat([]byte{1}, rtp.MaxPacket+1)); err != nil {
				t.Fatal(err)
			}
			if p := receive(t, b, batch)[0]; !p.Cut || len(p.Data) != rtp.MaxPacket {
				t.Errorf("a packet too long comes with %d bytes, cut %v", len(p.Data), p.Cut)
			}
			for i := range 12 {
				if err := a.Send(b.LocalAddr(), []byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
			}
			for next := 0; next < 12; {
				packets := receive(t, b, batch)
				if len(packets) > rtp.MaxBatch {
					t.Errorf("%d packets at once", len(packets))
				}
				for _, p := range packets {
					if int(p.Data[0]) != next {
						t.Fatalf("packet %d in place of %d", p.Data[0], next)
					}
					next++
				}
			}
			for _, c := range []rtp.Conn{a, b} {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if err := c.Close(); err != nil {
					t.Errorf("closed again: %v", err)
				}
			}
			if err := a.Send(b.LocalAddr(), []byte("x")); err == nil {
				t.Error("Send after Close: no error")
			}
		})
	}
}

// TestAFloodIsCounted fills a socket's buffer: the kernel drops, and says so
// with the next packet.
func TestAFloodIsCounted(t *testing.T) {
	a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	defer a.Close()
	defer b.Close()
	batch, data := rtp.NewBatch(), make([]byte, 1400)
	for range 2000 {
		a.Send(b.LocalAddr(), data)
	}
	for packets := receive(t, b, batch); len(packets) > 0; {
		var err error
		if packets, err = b.Receive(batch); err != nil {
			t.Fatal(err)
		}
	}
	a.Send(b.LocalAddr(), data)
	receive(t, b, batch)
	if b.Dropped() == 0 {
		t.Error("nothing was counted")
	}
}

func TestPorts(t *testing.T) {
	set := new(metric.Set)
	// A small range, found by asking the system for a port.
	probe := listen(t, "127.0.0.1:0")
	low := probe.LocalAddr().Port() &^ 1
	probe.Close()
	p := &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1"), Min: low, Max: low + 7, Counters: set}
	var open []rtp.Conn
	for {
		media, reports, err := p.Open()
		if err != nil {
			if !errors.Is(err, rtp.ErrNoPorts) {
				t.Fatal(err)
			}
			break
		}
		if port := media.LocalAddr().Port(); port%2 != 0 || reports.LocalAddr().Port() != port+1 || port < low || port > low+6 {
			t.Errorf("RTP at %v, RTCP at %v", media.LocalAddr(), reports.LocalAddr())
		}
		open = append(open, media, reports)
	}
	if len(open) == 0 || len(open) > 8 {
		t.Fatalf("%d sockets in a range of 8 ports", len(open))
	}
	for _, c := range open[:2] {
		c.Close()
	}
	media, reports, err := p.Open()
	if err != nil {
		t.Fatalf("after a pair was given back: %v", err)
	}
	for _, c := range append(open[2:], media, reports) {
		c.Close()
	}
	counted := map[string]float64{}
	for _, r := range set.Read() {
		counted[r.Value] = r.Number
	}
	if counted["opened"] != float64(len(open)/2+1) || counted["none left"] != 1 {
		t.Errorf("counted %v", counted)
	}
}

func TestNoRangeNoPorts(t *testing.T) {
	p := &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1"), Min: 20001, Max: 20002}
	if _, _, err := p.Open(); !errors.Is(err, rtp.ErrNoPorts) {
		t.Errorf("err = %v", err)
	}
	if _, _, err := new(rtp.Ports).Open(); err == nil {
		t.Error("opens ports without an address")
	}
	if _, err := rtp.Listen(netip.MustParseAddrPort("198.51.100.1:0")); err == nil {
		t.Error("listens at an address that is not ours")
	}
}

// TestChurn: sockets opened and closed in turn reuse descriptors and ports; each
// call hears its own watermark and no other.
func TestChurn(t *testing.T) {
	batch := rtp.NewBatch()
	for i := range 500 {
		a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		mark := []byte{byte(i), byte(i >> 8)}
		if err := a.Send(b.LocalAddr(), mark); err != nil {
			t.Fatal(err)
		}
		if p := receive(t, b, batch)[0]; !bytes.Equal(p.Data, mark) {
			t.Fatalf("call %d hears %v", i, p.Data)
		}
		a.Send(b.LocalAddr(), mark) // left unread
		a.Close()
		b.Close()
		if _, err := b.Receive(batch); !errors.Is(err, rtp.ErrClosed) {
			t.Fatalf("a closed socket: %v", err)
		}
	}
}
