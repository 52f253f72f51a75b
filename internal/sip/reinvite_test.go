package sip_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/media/room"
)

func TestHoldAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for _, step := range []struct {
			method, offer, answer string
			on                    bool
		}{
			{"INVITE", offerPCMU + "a=sendonly\r\n", "a=recvonly\r\n", true},
			{"INVITE", offerPCMU, "a=sendrecv\r\n", false},
			{"UPDATE", strings.Replace(offerPCMU, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1), "a=recvonly\r\n", true},
			{"UPDATE", offerPCMU, "a=sendrecv\r\n", false},
			{"INVITE", offerPCMU + "a=inactive\r\n", "a=inactive\r\n", true},
		} {
			p.say(p.request(step.method, step.offer))
			if res := p.status(200); !strings.Contains(string(res.Body()), step.answer) || res.Contact() == nil {
				t.Errorf("%s answered with\n%s", step.method, res)
			}
			if step.method == "INVITE" {
				p.say(p.request("ACK", ""))
			}
			if e := want[leg.Held](t, l); e.On != step.on {
				t.Errorf("held %v, want %v", e.On, step.on)
			}
		}
		p.say(p.request("BYE", ""))
		p.status(200)
	})
}

func TestReinviteWithoutOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		p.say(p.request("INVITE", ""))
		body := string(p.status(200).Body())
		if !strings.Contains(body, "RTP/AVP 0 101") {
			t.Errorf("offer:\n%s", body)
		}
		p.say(p.request("ACK", offerPCMU+"a=sendonly\r\n"))
		if e := want[leg.Held](t, l); !e.On {
			t.Error("not held")
		}
		p.none(20 * time.Second) // the 200 is not repeated
	})
}

func TestAnImpossibleReinviteChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		p.say(p.request("INVITE", strings.Replace(offerPCMU, "AVP 0 101", "AVP 18", 1)))
		p.status(488)
		p.via--
		p.say(p.request("ACK", ""))
		p.say(p.request("UPDATE", "hello"))
		p.status(400)
		p.say(p.request("UPDATE", offerPCMU, "Content-Type: text/plain"))
		p.status(415)
		p.say(p.request("UPDATE", offerPCMU, "Require: frobnicate"))
		p.status(420)
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}

func TestAReinviteBeforeTheAckWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l := b.leg()
		go l.Answer(t.Context())
		p.status(200)
		ack := p.request("ACK", "")
		re := p.request("INVITE", offerPCMU+"a=sendonly\r\n")
		p.say(re)
		synctest.Wait()
		p.say(ack)
		if res := p.status(200); res.CSeq().SeqNo != 2 {
			t.Errorf("200 to CSeq %d", res.CSeq().SeqNo)
		}
		want[leg.Answered](t, l)
		want[leg.Held](t, l)
		ack = p.request("ACK", "")
		p.say(p.request("INVITE", offerPCMU)) // overtakes the ACK of that one
		p.status(100)
		p.say(ack)
		if res := p.status(200); res.CSeq().SeqNo != 3 {
			t.Errorf("200 to CSeq %d", res.CSeq().SeqNo)
		}
	})
}

func TestAnOldReinviteIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		b.established(p)
		p.say(p.request("INVITE", offerPCMU, "CSeq: 1 INVITE"))
		p.status(500)
	})
}

func TestTheNewContactIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		p.say(p.request("UPDATE", "", "Contact: <sip:bob2@127.0.0.1:7001>"))
		p.status(200)
		go l.Hangup(t.Context(), leg.Normal)
		bye := p.expect(sipgo.BYE)
		if bye.Recipient.User != "bob2" {
			t.Errorf("BYE to %s", bye.Recipient.String())
		}
		p.answer(bye, 200, "")
	})
}

func TestOtherRequestsInADialog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		b.established(p)
		p.say(p.request("OPTIONS", ""))
		if res := p.status(200); len(res.GetHeaders("Allow")) == 0 {
			t.Error("no Allow")
		}
		p.say(p.request("MESSAGE", ""))
		if res := p.status(405); len(res.GetHeaders("Allow")) == 0 {
			t.Error("no Allow")
		}
		p.say(p.request("PRACK", ""))
		p.status(481)
		p.say(p.request("BYE", ""))
		p.status(200)
		synctest.Wait()
		p.say(p.request("BYE", "")) // the dialog is gone
		p.status(481)
		p.say(p.request("ACK", ""))
		p.none(time.Second)
	})
}

func TestDigitsByInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for _, tt := range []struct{ kind, body string }{
			{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"},
			{"application/dtmf", "#"},
		} {
			p.say(p.request("INFO", tt.body, "Content-Type: "+tt.kind))
			p.status(200)
		}
		keys := l.(room.Keypad)
		for _, want := range "5#" {
			if k, ok := keys.NextDigit(); !ok || k.Symbol != byte(want) || k.Way != dtmf.Info {
				t.Errorf("got %+v, %v; want %c", k, ok, want)
			}
		}
		if k, ok := keys.NextDigit(); ok {
			t.Errorf("one too many: %+v", k)
		}
		p.say(p.request("INFO", "")) // are you there?
		p.status(200)
		p.say(p.request("INFO", "<x/>", "Content-Type: application/media_control+xml"))
		p.status(415)
	})
}

func TestSessionIsRefreshedByThePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p, "Supported: timer", "Session-Expires: 120")
		if se := p.got.GetHeader("Session-Expires"); se == nil || se.Value() != "120;refresher=uac" {
			t.Fatalf("Session-Expires %v", se)
		}
		if p.got.GetHeader("Require") == nil {
			t.Error("no Require: timer")
		}
		for range 3 {
			p.none(time.Minute)
			p.say(p.request("UPDATE", "", "Supported: timer", "Session-Expires: 120;refresher=uac"))
			p.status(200)
		}
		start := time.Now()
		bye := p.expect(sipgo.BYE) // no more of them
		if d := time.Since(start); d < 87*time.Second || d > 90*time.Second {
			t.Errorf("BYE after %v, want 88 s", d)
		}
		p.answer(bye, 200, "")
		wantEnded(t, l, leg.MediaTimeout, false)
	})
}

func TestSessionIsRefreshedByUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p, "Supported: timer", "Session-Expires: 200;refresher=uas", "Allow: INVITE, UPDATE, BYE")
		if se := p.got.GetHeader("Session-Expires"); se == nil || se.Value() != "200;refresher=uas" {
			t.Fatalf("Session-Expires %v", se)
		}
		start := time.Now()
		for i := range 3 {
			up := p.expect(sipgo.UPDATE)
			if d := time.Since(start); d != time.Duration(i+1)*100*time.Second {
				t.Errorf("refresh %d after %v", i, d)
			}
			p.answer(up, 200, "", "Session-Expires: 200;refresher=uac")
		}
		up := p.expect(sipgo.UPDATE)
		p.answer(up, 481, "") // the phone has forgotten the call
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.MediaTimeout, false)
	})
}

func TestSessionIsRefreshedByReinviteWhereThereIsNoUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		// A proxy asked for it; the phone knows nothing of timers.
		l := b.established(p, "Session-Expires: 200")
		if p.got.GetHeader("Require") != nil {
			t.Error("Require: timer for a phone that has none")
		}
		re := p.expect(sipgo.INVITE)
		if body := string(re.Body()); !strings.Contains(body, "RTP/AVP 0 101") {
			t.Errorf("offer:\n%s", body)
		}
		// The phone asks at the same time: who asks second waits.
		p.say(p.request("INVITE", offerPCMU))
		p.status(491)
		p.via--
		p.say(p.request("ACK", ""))
		p.answer(re, 200, offerPCMU)
		ack := p.expect(sipgo.ACK)
		if ack.CSeq().SeqNo != re.CSeq().SeqNo {
			t.Errorf("ACK of %d, want %d", ack.CSeq().SeqNo, re.CSeq().SeqNo)
		}
		p.answer(re, 200, offerPCMU) // its ACK was lost
		p.expect(sipgo.ACK)
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}
