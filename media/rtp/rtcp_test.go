package rtp_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/rtp"
)

// reports is what came to a plug.
type reports struct {
	senders, byes int
	name          string
}

// watch looks at the reports on their way to a plug.
func watch(t *testing.T, plug *rtp.Plug) *reports {
	seen, lose := new(reports), plug.Lose
	plug.Lose = func(data []byte) bool {
		if data[1] < 200 || data[1] > 207 {
			return lose != nil && lose(data)
		}
		packets, err := pionrtcp.Unmarshal(data)
		if err != nil {
			t.Errorf("a report that pion/rtcp cannot read: %v", err)
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *pionrtcp.SenderReport:
				seen.senders++
			case *pionrtcp.SourceDescription:
				seen.name = p.Chunks[0].Items[0].Text
			case *pionrtcp.Goodbye:
				seen.byes++
			}
		}
		return false
	}
	return seen
}

func TestReports(t *testing.T) {
	for name, muxed := range map[string]bool{"on a socket of their own": false, "beside the sound": true} {
		t.Run(name, func(t *testing.T) {
			pa, pb := rtp.Pipe()
			ra, rb := rtp.Pipe()
			ca := rtp.Config{Conn: pa, Remote: pb.LocalAddr(), SSRC: 1, CNAME: "alice"}
			cb := rtp.Config{Conn: pb, Remote: pa.LocalAddr(), SSRC: 2}
			reports := rb
			if muxed {
				reports = pb
			} else {
				ca.RTCP, ca.RemoteRTCP = ra, rb.LocalAddr()
				cb.RTCP, cb.RemoteRTCP = rb, ra.LocalAddr()
			}
			n := 0
			pb.Lose = func(data []byte) bool { n++; return data[1] < 200 && n%10 == 0 }
			seen := watch(t, reports)
			a := newCall(t, endpoint(t, ca), media.Rate8k)
			b := newCall(t, endpoint(t, cb), media.Rate8k)
			for range 50 * 60 {
				a.tick()
				pa.Advance(period / 4) // b's ticks are 5 ms after a's
				ra.Advance(period / 4)
				b.tick()
				pa.Advance(period * 3 / 4)
				ra.Advance(period * 3 / 4)
			}
			if got := seen.senders; got < 60/6 || got > 60/2 {
				t.Errorf("%d sender reports in a minute, want one every 5 s or so", got)
			}
			if seen.name != "alice" {
				t.Errorf("CNAME %q", seen.name)
			}
			s := a.e.Stats()
			if math.Abs(s.FarLost-0.1) > 0.03 {
				t.Errorf("the far end says it lost %.3f, want 0.1", s.FarLost)
			}
			if s.ReportsIn < 10 {
				t.Errorf("%d reports came", s.ReportsIn)
			}
			// A packet waits for the far end's tick: 5 ms one way, 15 the other;
			// but both stamps are of its arrival, so the round trip is nothing.
			if s.RoundTrip > time.Millisecond {
				t.Errorf("round trip %v, want none", s.RoundTrip)
			}
			if len(s.Drops) > 0 {
				t.Errorf("drops %v", s.Drops)
			}
			a.e.Close()
			if seen.byes != 1 {
				t.Errorf("%d BYEs at the end, want 1", seen.byes)
			}
		})
	}
}

// TestRoundTrip: what RFC 3550 §6.4.1 says of LSR and DLSR.
func TestRoundTrip(t *testing.T) {
	k := newTalk(t, rtp.Config{SSRC: 77})
	for range 50 * 20 {
		k.run(1)
		sender := k.lastSenderReport()
		if sender == nil {
			continue
		}
		k.plug.Advance(int64(20 * time.Millisecond)) // there: one tick more has passed
		answer := &pionrtcp.ReceiverReport{SSRC: 0xcafe, Reports: []pionrtcp.ReceptionReport{{
			SSRC: 77, LastSenderReport: uint32(sender.NTPTime >> 16), Delay: 65536 / 4, FractionLost: 64, Jitter: 80,
		}}}
		data, err := answer.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		k.plug.Advance(int64(250 * time.Millisecond)) // thinking, and back
		k.plug.Advance(int64(20 * time.Millisecond))
		k.plug.Inject(k.phone.plug.LocalAddr(), data)
		k.plug.Advance(int64(13 * time.Millisecond)) // it waits for our tick
		k.run(1)
		break
	}
	s := k.e.Stats()
	if d := s.RoundTrip - 60*time.Millisecond; d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("round trip %v, want 60 ms", s.RoundTrip)
	}
	if s.FarLost != 0.25 || s.FarJitter != 10*time.Millisecond {
		t.Errorf("the far end lost %v with a jitter of %v", s.FarLost, s.FarJitter)
	}
}

func (k *talk) lastSenderReport() (last *pionrtcp.SenderReport) {
	packets, err := k.phone.plug.Receive(k.phone.batch)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, p := range packets {
		if p.Data[1] != 200 {
			continue
		}
		all, err := pionrtcp.Unmarshal(p.Data)
		if err != nil {
			k.t.Fatal(err)
		}
		last, _ = all[0].(*pionrtcp.SenderReport)
	}
	return last
}

// TestReceiverReport: loss, jitter and the last sender report, as the phone is
// told of them.
func TestReceiverReport(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	n := 0
	k.plug.Lose = func(data []byte) bool { n++; return data[1] < 200 && n%4 == 0 }
	ntp := uint64(0x1122334455667788)
	report, err := (&pionrtcp.SenderReport{SSRC: 0xcafe, NTPTime: ntp}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var blocks []pionrtcp.ReceptionReport
	for i := range 50 * 20 {
		if i == 100 {
			k.plug.Inject(k.phone.plug.LocalAddr(), report)
		}
		k.run(1)
		if s := k.lastSenderReport(); s != nil {
			blocks = append(blocks, s.Reports...)
		}
		if i%2 == 0 { // every other packet comes 4 ms late
			k.plug.Advance(int64(4 * time.Millisecond))
		} else {
			k.plug.Advance(-int64(4 * time.Millisecond))
		}
	}
	if len(blocks) < 3 {
		t.Fatalf("%d reports", len(blocks))
	}
	last := blocks[len(blocks)-1]
	if last.SSRC != 0xcafe || last.FractionLost < 56 || last.FractionLost > 72 {
		t.Errorf("SSRC %x, fraction lost %d: want 64", last.SSRC, last.FractionLost)
	}
	if last.TotalLost < 150 || last.TotalLost > 250 {
		t.Errorf("%d lost in all, want a quarter of up to 1000", last.TotalLost)
	}
	if last.LastSequenceNumber < 65536 {
		t.Errorf("extended sequence number %d, want it beyond its wrap", last.LastSequenceNumber)
	}
	if ms := last.Jitter / 8; ms < 1 || ms > 5 {
		t.Errorf("jitter of %d ms, want about 3", ms)
	}
	if last.LastSenderReport != uint32(ntp>>16) || last.Delay < 65536 {
		t.Errorf("LSR %x, DLSR %d", last.LastSenderReport, last.Delay)
	}
}

func TestReportsOfAStranger(t *testing.T) {
	k := newTalk(t, rtp.Config{Timeout: time.Second})
	k.phone.ptime = 0
	for range 60 {
		k.plug.Inject(elsewhere, []byte{0x80, 201, 0, 1, 0, 0, 0xca, 0xfe})
		k.run(1)
	}
	if k.err == nil {
		t.Error("a stranger's reports keep the leg alive")
	}
	if n := k.drops("RTCP from a stranger"); n < 40 {
		t.Errorf("%d counted", n)
	}
}

func TestReportsGoWhereTheyComeFrom(t *testing.T) {
	pa, pb := rtp.Pipe()
	ra, rb := rtp.Pipe()
	named := netip.MustParseAddrPort("192.0.2.2:5001") // says the SDP, but the NAT has another
	a := newCall(t, endpoint(t, rtp.Config{Conn: pa, RTCP: ra, Remote: pb.LocalAddr(), RemoteRTCP: named}), media.Rate8k)
	rb.Move(netip.MustParseAddrPort("192.0.2.2:6001"))
	ra.Inject(rb.LocalAddr(), []byte{0x80, 201, 0, 1, 0, 0, 0xca, 0xfe})
	for range 50 * 10 {
		a.tick()
		pa.Advance(period)
	}
	if packets, err := rb.Receive(rtp.NewBatch()); err != nil || len(packets) == 0 {
		t.Errorf("no report came to where the phone's come from: %v", err)
	}
}
