package sip_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
)

func TestACallIsAnsweredAndHungUpByThePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU, "X-Tenant: seven", "User-To-User: 00AA;encoding=hex"))
		if m := p.hear(time.Millisecond).(*sipgo.Response); m.StatusCode != 100 {
			t.Errorf("first came %d, want 100", m.StatusCode)
		}
		if m := p.hear(time.Millisecond).(*sipgo.Response); m.StatusCode != 180 || m.Contact() == nil {
			t.Errorf("then %d, want 180 at once, with a Contact", m.StatusCode)
		}
		l := b.leg()
		c := l.Call()
		if c.From.ID != "8:acs:bob" || c.From.Display != "Bob" || c.To.ID != "4:+15550100" || l.Party() != c.From {
			t.Errorf("call %+v", c)
		}
		if c.Headers["X-Tenant"] != "seven" || c.Headers["User-To-User"] != "00AA;encoding=hex" || c.CorrelationID == "" {
			t.Errorf("headers %v, id %q", c.Headers, c.CorrelationID)
		}
		var f media.Frame
		f.Rate = media.Rate8k
		if n, err := l.Read(&f); n != 0 || err != nil || l.Write(&f) != nil || l.Rate() != media.Rate8k {
			t.Error("a ringing leg has sound")
		}
		b.accept(p, l)
		if body := string(p.got.Body()); !strings.Contains(body, " RTP/AVP 0 101\r\n") || !strings.Contains(body, "c=IN IP4 127.0.0.1") {
			t.Errorf("answer:\n%s", body)
		}
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}

func TestACallIsHungUpByUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		gone := make(chan error)
		go func() { gone <- l.Hangup(t.Context(), leg.Normal) }()
		bye := p.expect(sipgo.BYE)
		if bye.Recipient.String() != "sip:bob@127.0.0.1:7001" {
			t.Errorf("BYE to %s", bye.Recipient.String())
		}
		select {
		case <-gone:
			t.Error("Hangup returned before the far end knew")
		default:
		}
		p.answer(bye, 200, "")
		if err := <-gone; err != nil {
			t.Error(err)
		}
		wantEnded(t, l, leg.Normal, false)
		if err := l.Hangup(t.Context(), leg.Normal); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	for cause, code := range map[leg.Cause]int{
		leg.Declined: 603, leg.Busy: 486, leg.Forbidden: 403, leg.NoAnswer: 480, leg.Unreachable: 404,
		leg.NoCodec: 488, leg.Overload: 503, leg.Shutdown: 503, leg.Failed: 500,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil)
			p := b.phone("127.0.0.1:7001")
			p.say(p.request("INVITE", offerPCMU))
			l := b.leg()
			if err := l.Hangup(t.Context(), cause); err != nil {
				t.Fatal(err)
			}
			p.status(code)
			p.via--
			p.say(p.request("ACK", ""))
			wantEnded(t, l, cause, false)
			p.drain()
			p.none(10 * time.Second) // no retransmission after the ACK
		})
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l := b.leg()
		p.say(p.request("CANCEL", ""))
		p.status(200)
		res := p.status(487)
		if tag, _ := res.To().Params.Get("tag"); tag != p.far {
			t.Errorf("487 has tag %q, 180 had %q", tag, p.far)
		}
		wantEnded(t, l, leg.Canceled, true)
		if err := l.Answer(t.Context()); err == nil {
			t.Error("answered a call that was canceled")
		}
	})
}

func TestARepeatedInviteIsNotASecondCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		text := p.request("INVITE", offerPCMU)
		p.say(text)
		p.say(text)
		p.say(text)
		l := b.leg()
		synctest.Wait()
		if len(b.legs) != 0 {
			t.Error("a repeated INVITE became another call")
		}
		p.drain()
		// The same INVITE by another path (RFC 3261 §8.2.2.2).
		p.say(strings.Replace(text, "branch=z9hG4bK", "branch=z9hG4bKother", 1))
		p.status(482)
		l.Hangup(t.Context(), leg.Busy)
		wantEnded(t, l, leg.Busy, false)
	})
}

func TestNoOfferInTheInvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", ""))
		p.status(180)
		l := b.leg()
		answered := make(chan error)
		go func() { answered <- l.Answer(t.Context()) }()
		if body := string(p.status(200).Body()); !strings.Contains(body, "RTP/AVP 0 8 101") {
			t.Errorf("offer:\n%s", body)
		}
		p.say(p.request("ACK", strings.Replace(offerPCMU, "AVP 0 101", "AVP 8 101", 1)))
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		want[leg.Answered](t, l)

		q := b.phone("127.0.0.1:7002") // an ACK without the answer
		q.say(q.request("INVITE", ""))
		q.status(180)
		m := b.leg()
		go m.Answer(t.Context())
		q.status(200)
		q.say(q.request("ACK", ""))
		q.answer(q.expect(sipgo.BYE), 200, "")
		wantEnded(t, m, leg.NoCodec, true)
	})
}

func TestWhatAnInviteMustBe(t *testing.T) {
	g729 := strings.Replace(offerPCMU, "AVP 0 101", "AVP 18", 1)
	for name, tt := range map[string]struct {
		body    string
		headers []string
		code    int
		shows   string
	}{
		"no codec in common":  {g729, nil, 488, "Accept: application/sdp"},
		"nonsense for SDP":    {"hello", nil, 400, ""},
		"another body":        {"x", []string{"Content-Type: text/plain"}, 415, "Accept: application/sdp"},
		"no hops left":        {offerPCMU, []string{"Max-Forwards: 0"}, 483, ""},
		"unknown extension":   {offerPCMU, []string{"Require: 100rel, timer"}, 420, "Unsupported: 100rel"},
		"no Contact":          {offerPCMU, []string{"Contact:"}, 400, ""},
		"too brief a session": {offerPCMU, []string{"Supported: timer", "Session-Expires: 30"}, 422, "Min-SE: 90"},
		"no tag":              {offerPCMU, []string{"From: <sip:bob@example.com>"}, 400, ""},
		"CSeq of another":     {offerPCMU, []string{"CSeq: 1 BYE"}, 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serve(t, nil)
				p := b.phone("127.0.0.1:7001")
				p.say(p.request("INVITE", tt.body, tt.headers...))
				if res := p.status(tt.code); !strings.Contains(res.String(), tt.shows) {
					t.Errorf("no %q in\n%s", tt.shows, res)
				}
			})
		})
	}
}

func TestAnOfferWithAHostName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", strings.Replace(offerPCMU, "c=IN IP4 127.0.0.1", "c=IN IP4 phone.example.com", 1)))
		p.status(180)
		l := b.leg()
		b.accept(p, l)
		f := media.Frame{Rate: media.Rate8k}
		if l.Write(&f) != nil { // where to, is not known before something comes
			t.Error("Write failed")
		}
		if _, err := l.Read(&f); err != nil {
			t.Error(err)
		}
	})
}

func TestMultipartBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		body := "--x\r\nContent-Type: application/isup\r\n\r\nabc\r\n--x\r\nContent-Type: application/sdp\r\n\r\n" + offerPCMU + "\r\n--x--\r\n"
		b.established2(p, p.request("INVITE", body, "Content-Type: multipart/mixed;boundary=x"))
	})
}

func (b *bench) established2(p *phone, invite string) leg.Incoming {
	b.t.Helper()
	p.say(invite)
	p.status(180)
	l := b.leg()
	b.accept(p, l)
	return l
}

func TestRecordRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p, proxy := b.phone("127.0.0.1:7001"), b.phone("127.0.0.1:7777")
		l := b.established(p, "Record-Route: <sip:127.0.0.1:7777;lr>, <sip:127.0.0.9:7778;lr>")
		if rr := p.got.GetHeaders("Record-Route"); len(rr) != 2 || rr[0].Value() != "<sip:127.0.0.1:7777;lr>" {
			t.Errorf("the 200 has Record-Route %v", rr)
		}
		go l.Hangup(context.Background(), leg.Normal)
		bye := proxy.expect(sipgo.BYE)
		if bye.Recipient.String() != "sip:bob@127.0.0.1:7001" {
			t.Errorf("Request-URI %s", bye.Recipient.String())
		}
		if r := bye.GetHeaders("Route"); len(r) != 2 || r[0].Value() != "<sip:127.0.0.1:7777;lr>" || r[1].Value() != "<sip:127.0.0.9:7778;lr>" {
			t.Errorf("Route %v", r)
		}
		proxy.answer(bye, 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestAPhoneBehindANATIsAnsweredWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p, "Contact: <sip:bob@10.0.0.7:5060>")
		go l.Hangup(context.Background(), leg.Normal)
		bye := p.expect(sipgo.BYE)
		if bye.Recipient.String() != "sip:bob@10.0.0.7:5060" {
			t.Errorf("Request-URI %s", bye.Recipient.String())
		}
		p.answer(bye, 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestNoPortsMeans503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Ports.Min, s.Ports.Max = 40010, 40010 })
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(503)
		if b.count("no ports") != 1 {
			t.Error("not counted")
		}
	})
}

func TestTooManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.MaxCalls = 1 })
		b.established(b.phone("127.0.0.1:7001"))
		p := b.phone("127.0.0.1:7002")
		p.say(p.request("INVITE", offerPCMU))
		if res := p.status(503); len(res.GetHeaders("Retry-After")) == 0 {
			t.Error("no Retry-After")
		}
	})
}

func TestDrainingRefusesNewCallsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		b.server.Drain()
		q := b.phone("127.0.0.1:7002")
		q.say(q.request("INVITE", offerPCMU))
		if res := q.status(503); len(res.GetHeaders("Retry-After")) == 0 {
			t.Error("no Retry-After")
		}
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}

func TestStoppingSaysBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p, q := b.phone("127.0.0.1:7001"), b.phone("127.0.0.1:7002")
		l := b.established(p)
		q.say(q.request("INVITE", offerPCMU))
		m := b.leg()
		r := b.phone("127.0.0.1:7003") // has not acknowledged its answer
		r.say(r.request("INVITE", offerPCMU))
		go b.leg().Answer(context.Background())
		r.status(200)
		start := time.Now()
		b.stop()
		bye := p.expect(sipgo.BYE)
		if r := bye.GetHeader("Reason"); r == nil || !strings.Contains(r.Value(), "shutdown") {
			t.Errorf("Reason %v", r)
		}
		q.status(503)
		<-b.ran // without the response to BYE
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("took %v", d)
		}
		wantEnded(t, l, leg.Shutdown, false)
		wantEnded(t, m, leg.Shutdown, false)
	})
}
