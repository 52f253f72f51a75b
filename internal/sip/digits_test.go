package sip_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	pionrtp "github.com/pion/rtp"
	pionsdp "github.com/pion/sdp/v3"
	zafg711 "github.com/zaf/g711"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/room"
)

// TestDigitsAreToldOnce: DigitsSent comes once for each SendDigits, also when
// the leg ends first.
func TestDigitsAreToldOnce(t *testing.T) {
	for _, byUs := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil)
			p := b.phone("127.0.0.1:7001")
			l := b.established(p)
			l.SendDigits("1")
			for range 30 {
				tick(t, l)
			}
			l.SendDigits("x")
			l.SendDigits("2,,,,3")
			l.SendDigits("4")
			for range 10 {
				tick(t, l)
			}
			if byUs {
				go l.Hangup(context.Background(), leg.Normal)
				p.answer(p.expect("BYE"), 200, "")
			} else {
				p.say(p.request("BYE", ""))
				p.status(200)
			}
			for _, works := range []bool{true, false, false, false} {
				if e := want[leg.DigitsSent](t, l); (e.Err == nil) != works {
					t.Errorf("told %v, want %v", e.Err, works)
				}
			}
			wantEnded(t, l, leg.Normal, !byUs)
			l.SendDigits("5") // nobody is told any more
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A talker is the media side of a phone: it sends RTP to a leg.
type talker struct {
	t      *testing.T
	conn   *net.UDPConn
	to     net.Addr
	header pionrtp.Header
}

// talk sets a phone up that is called from where a talker sits.
func talk(t *testing.T, b *bench, p *phone) (*talker, leg.Incoming) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	port := conn.LocalAddr().(*net.UDPAddr).Port
	p.say(p.request("INVITE", strings.Replace(offerPCMU, "40000", fmt.Sprint(port), 1)))
	p.status(180)
	l := b.leg()
	b.accept(p, l)
	var answer pionsdp.SessionDescription
	if err := answer.Unmarshal(p.got.Body()); err != nil {
		t.Fatal(err)
	}
	x := &talker{t: t, conn: conn, to: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: answer.MediaDescriptions[0].MediaName.Port.Value}}
	x.header = pionrtp.Header{Version: 2, SSRC: 7, SequenceNumber: 1, Timestamp: 1000}
	return x, l
}

func (x *talker) send(payloadType uint8, stamp uint32, payload []byte) {
	x.t.Helper()
	h := x.header
	h.PayloadType, h.Timestamp = payloadType, stamp
	data, err := (&pionrtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.conn.WriteTo(data, x.to); err != nil {
		x.t.Fatal(err)
	}
	x.header.SequenceNumber++
}

// TestALongKeyWhoseSoundLeaksIsOneDigit: a gateway lets the tone of a key
// through, too, and late: behind the event's beginning by more than a digit
// takes.
func TestALongKeyWhoseSoundLeaksIsOneDigit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		x, l := talk(t, b, b.phone("127.0.0.1:7001"))
		r := room.New()
		r.Plug(&room.Port{Peer: l})
		low, high := mediatest.Tone(770, -8, 0), mediatest.Tone(1336, -8, 0)
		start, heard, held := x.header.Timestamp, "", false
		for i := range 400 {
			stamp := start + uint32(i)*160
			if i >= 20 && i <= 220 { // 4 s
				payload := []byte{5, 10, 0, 0}
				if i == 220 {
					payload[1] |= 0x80
				}
				binary.BigEndian.PutUint16(payload[2:], uint16((i-19)*160))
				x.send(101, start+20*160, payload)
			}
			var a, c media.Frame
			a.Rate, c.Rate = media.Rate8k, media.Rate8k
			media.Pull(low, &a)
			media.Pull(high, &c)
			if i < 100 || i > 180 { // it leaks in the middle of the press, and ends before it
				a.Silence()
				c.Silence()
			}
			sound := make([]byte, 160)
			for j := range sound {
				sound[j] = zafg711.EncodeUlawFrame(a.PCM()[j] + c.PCM()[j])
			}
			x.send(0, stamp, sound)
			r.Tick()
			if symbol, ok := l.(room.Holder).HeldDigit(); ok {
				held = held || symbol == '5'
			}
			for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
				if n.Kind == room.Digit {
					heard += string(n.Digit.Symbol)
				}
			}
		}
		if heard != "5" || !held {
			t.Errorf("heard %q (held %v), want one 5", heard, held)
		}
	})
}

// TestDigitsByInfoAreDatedBack: INFO comes when the key is released and says
// how long it was held.
func TestDigitsByInfoAreDatedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for _, tt := range []struct {
			tick, want uint64
			body       string
		}{
			{100, 50, "Signal=5\r\nDuration=1000\r\n"},
			{200, 200, "Signal=5\r\n"},
			{10, 0, "Signal=5\r\nDuration=1000\r\n"},
		} {
			p.say(p.request("INFO", tt.body, "Content-Type: application/dtmf-relay"))
			p.status(200)
			f := media.Frame{Rate: media.Rate8k, Tick: tt.tick}
			l.Read(&f)
			if k, ok := l.(room.Keypad).NextDigit(); !ok || k.Tick != tt.want {
				t.Errorf("%q at tick %d: %+v, want tick %d", tt.body, tt.tick, k, tt.want)
			}
		}
	})
}
