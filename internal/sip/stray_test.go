package sip_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

func TestAnAnswerThatNobodyKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		res := func(via, tag string) string {
			return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " + via + ";branch=z9hG4bKgone\r\nFrom: <sip:a@127.0.0.1>;tag=" + tag +
				"\r\nTo: <sip:bob@127.0.0.1>;tag=there\r\nCall-ID: gone-" + tag + "\r\nCSeq: 4 INVITE\r\nContact: <sip:bob@127.0.0.1:7001>\r\nContent-Length: 0\r\n\r\n"
		}
		for _, tt := range []string{
			res("127.0.0.1:5061", "0123456789abcdef"), // not our address
			res("127.0.0.1:5060", "short"),            // not a tag of ours
			res("127.0.0.1:5060;branch=z9hG4bKgone\r\nVia: SIP/2.0/UDP 10.0.0.1", "0123456789abcdef"), // on behalf of another
			strings.Replace(res("127.0.0.1:5060", "0123456789abcdef"), "4 INVITE", "4 OPTIONS", 1),
			strings.Replace(res("127.0.0.1:5060", "0123456789abcdef"), "200 OK", "180 Ringing", 1),
		} {
			before := b.count("stray response")
			p.say(tt)
			p.none(time.Second)
			if b.count("stray response") != before+1 {
				t.Errorf("not counted: %s", tt)
			}
		}
		p.say(res("127.0.0.1:5060", "0123456789abcdef"))
		ack := p.expect(sipgo.ACK)
		if ack.CSeq().SeqNo != 4 {
			t.Errorf("ACK\n%s", ack)
		}
		p.say(res("127.0.0.1:5060", "0123456789abcdef")) // the ACK was lost, and is sent again; the BYE is not a second one
		var bye *sipgo.Request
		acks := 0
		for acks+map[bool]int{true: 1}[bye != nil] < 2 {
			if m := p.hear(time.Second).(*sipgo.Request); m.Method == sipgo.BYE {
				bye = m
			} else {
				acks++
			}
		}
		if bye == nil || bye.CSeq().SeqNo != 5 {
			t.Fatalf("BYE\n%v", bye)
		}
		p.answer(bye, 200, "")
		synctest.Wait()
		p.drain()
		p.none(40 * time.Second)
		if b.count("stray answer") != 1 || b.ends("bye") != 1 {
			t.Error("not counted")
		}
		p.say(strings.Replace(res("127.0.0.1:5060", "0123456789abcdee"), "200 OK", "486 Busy", 1))
		p.expect(sipgo.ACK)
	})
}

func TestStrayAnswersOfStrangersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.OpenLoopback = false })
		p := b.phone("127.0.0.1:7001")
		victim := b.phone("127.0.0.1:7002")
		for i := range 60 {
			p.say(fmt.Sprintf("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKgone\r\nFrom: <sip:a@127.0.0.1>;tag=0123456789abcdef"+
				"\r\nTo: <sip:bob@127.0.0.1>;tag=there\r\nCall-ID: gone-%d\r\nCSeq: 4 INVITE\r\nContact: <sip:bob@127.0.0.1:7002>\r\nContent-Length: 0\r\n\r\n", i))
		}
		synctest.Wait()
		if n := len(p.in); n != 120 { // an ACK and a BYE for each …
			t.Errorf("%d messages", n)
		}
		p.drain()
		p.none(time.Minute)      // … once …
		victim.none(time.Second) // … and to nobody else
		b.server.Metrics.Read()
	})
}

func TestStrayAnswersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		for i := range 300 {
			p.say(fmt.Sprintf("SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKgone\r\nFrom: <sip:a@127.0.0.1>;tag=0123456789abcdef"+
				"\r\nTo: <sip:bob@127.0.0.1>;tag=there\r\nCall-ID: gone-%d\r\nCSeq: 4 INVITE\r\nContent-Length: 0\r\n\r\n", i))
		}
		synctest.Wait()
		if n := len(p.in); n != 200 || b.count("stray response") != 300 {
			t.Errorf("%d ACKs, counted %d", n, b.count("stray response"))
		}
	})
}

// A 200 that is repeated for longer than its transaction lasts does not end the
// call.
func TestAVeryLateRepetitionOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, l)
		p.none(40 * time.Second)
		p.answer(inv, 200, offerPCMU)
		p.none(40 * time.Second)
		go l.Hangup(t.Context(), leg.Normal)
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}
