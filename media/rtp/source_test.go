package rtp_test

import (
	"net/netip"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"github.com/tipring/tipring/media/rtp"
)

var elsewhere = netip.MustParseAddrPort("203.0.113.9:9999")

// flood is a stranger who sends loud noise in every tick.
func (k *talk) flood(h *pionrtp.Header, from netip.AddrPort) {
	payload := make([]byte, 160) // zeros are the loudest in µ-law
	k.plug.Inject(from, k.phone.raw(*h, payload))
	h.SequenceNumber++
	h.Timestamp += 160
}

func (k *talk) wantWholeTone(what string) {
	k.t.Helper()
	sound := k.heard.Sound()
	near(k.t.(*testing.T), sound, 440, -10)
	if jumps := sound.PhaseJumps(440); len(jumps) > 0 {
		k.t.Errorf("%s: the tone has %d jumps: %v", what, len(jumps), jumps)
	}
}

func TestAStrangerIsNotHeard(t *testing.T) {
	for name, change := range map[string]func(h *pionrtp.Header, from *netip.AddrPort){
		"another place":                func(*pionrtp.Header, *netip.AddrPort) {},
		"another place, our SSRC":      func(h *pionrtp.Header, _ *netip.AddrPort) { h.SSRC = 0xcafe },
		"our host, another port":       func(_ *pionrtp.Header, f *netip.AddrPort) { *f = netip.MustParseAddrPort("192.0.2.2:5002") },
		"our host, a digit of its own": func(h *pionrtp.Header, _ *netip.AddrPort) { h.PayloadType = 101 },
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, rtp.Config{})
			k.run(50)
			k.heard.Reset()
			h, from := pionrtp.Header{Version: 2, SSRC: 0xbad, SequenceNumber: 65530}, elsewhere
			change(&h, &from)
			for range 200 {
				k.flood(&h, from)
				k.run(1)
			}
			k.wantWholeTone("with a stranger on the line")
			if n := k.drops("stranger"); n != 200 {
				t.Errorf("%d strangers' packets counted, want 200: %v", n, k.e.Stats().Drops)
			}
			if k.keys != "" {
				t.Errorf("digits %q of a stranger", k.keys)
			}
			if far := k.e.Stats().Far; far != "192.0.2.2:5000" {
				t.Errorf("the far end is taken to be at %s", far)
			}
		})
	}
}

func TestAStrangerIsNotLearntWhenThePhonePauses(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(50)
	k.phone.ptime = 0 // silent for 5 s
	h := pionrtp.Header{Version: 2, SSRC: 0xbad}
	for range 250 {
		k.flood(&h, elsewhere)
		k.run(1)
	}
	k.phone.take()
	k.run(1)
	if len(k.phone.take()) != 1 {
		t.Error("the endpoint does not send to the phone any more")
	}
	k.phone.ptime, k.ms = 20, 0
	k.phone.header.Timestamp += 250 * 160
	k.heard.Reset()
	k.run(100)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
}

func TestAPhoneBehindNATIsLearnt(t *testing.T) {
	// The SDP names an address that cannot be reached; the packets come from another.
	k := newTalk(t, rtp.Config{Remote: netip.MustParseAddrPort("10.0.0.7:4000")})
	h := pionrtp.Header{Version: 2, SSRC: 0xbad}
	k.flood(&h, elsewhere) // one of a stranger is not enough
	k.run(3)
	k.phone.take()
	k.run(100)
	if n := len(k.phone.take()); n < 95 {
		t.Errorf("%d packets sent to where the phone is, of 100", n)
	}
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	if n := k.drops("source not yet known"); n != 3 {
		t.Errorf("%d packets dropped while learning, want 3: %v", n, k.e.Stats().Drops)
	}
}

// TestANewPortIsFollowed: a NAT gives the phone another port in mid-call. For a
// second its packets are a stranger's; then they are believed, for they go on
// where the old ones ended.
func TestANewPortIsFollowed(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(100)
	k.phone.plug.Move(netip.MustParseAddrPort("192.0.2.2:6000"))
	k.run(48)
	if n := k.drops("stranger"); n != 48 {
		t.Errorf("%d packets dropped in the first second, want 48", n)
	}
	k.run(5)
	k.phone.take()
	k.heard.Reset()
	k.run(100)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	if n := len(k.phone.take()); n < 99 {
		t.Errorf("%d packets sent to the new port, of 100", n)
	}
}

func TestAnotherStreamFromTheSamePlace(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(50)
	k.phone.header.SSRC, k.phone.header.SequenceNumber, k.phone.header.Timestamp = 0xbeef, 7, 7
	k.run(10)
	k.heard.Reset()
	k.run(100)
	k.wantWholeTone("after the change of SSRC")
	if n := k.drops("source not yet known"); n != 1 {
		t.Errorf("%d packets dropped while learning, want 1", n)
	}
}

func TestAReInviteMovesThePhone(t *testing.T) {
	for name, behindNAT := range map[string]bool{"to the address in the SDP": false, "behind a NAT": true} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, rtp.Config{})
			k.run(50)
			moved := netip.MustParseAddrPort("192.0.2.3:7000")
			k.update(func(c *rtp.Config) {
				c.Remote = moved
				if behindNAT {
					c.Remote = netip.MustParseAddrPort("10.0.0.8:7000")
				}
			})
			k.run(5) // the old stream goes on for a moment
			k.phone.plug.Move(moved)
			k.phone.header.SSRC, k.phone.header.SequenceNumber = 0xbeef, 5
			k.run(10)
			k.phone.take()
			k.heard.Reset()
			k.run(100)
			k.wantWholeTone("after the move")
			if n := len(k.phone.take()); n < 99 {
				t.Errorf("%d packets sent to the new place, of 100", n)
			}
		})
	}
}

func TestAReInviteOpensNoDoor(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(50)
	k.update(func(*rtp.Config) {}) // a refresh: nothing changes
	k.heard.Reset()
	h := pionrtp.Header{Version: 2, SSRC: 0xbad}
	for range 300 {
		k.flood(&h, elsewhere)
		k.run(1)
	}
	k.wantWholeTone("after a refresh, with a stranger on the line")
}

func TestHoldByAddressZero(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(10)
	k.phone.take()
	k.update(func(c *rtp.Config) { c.Remote = netip.MustParseAddrPort("0.0.0.0:5000") })
	k.phone.ptime = 0
	k.run(10)
	if n := len(k.phone.take()); n != 0 {
		t.Errorf("%d packets sent to a phone that holds by 0.0.0.0", n)
	}
	if n := k.drops("socket error on sending"); n != 0 {
		t.Errorf("%d errors", n)
	}
}

func TestFloodOfStreamsEndsNothing(t *testing.T) {
	k := newTalk(t, rtp.Config{Remote: netip.MustParseAddrPort("10.0.0.7:4000")})
	for i := range 300 {
		h := pionrtp.Header{Version: 2, SSRC: uint32(i * 7919), SequenceNumber: uint16(i * 31)}
		k.flood(&h, netip.AddrPortFrom(elsewhere.Addr(), uint16(1000+i)))
		k.run(1)
	}
	near(t, from(k.heard.Sound(), 500*time.Millisecond), 440, -10)
}
