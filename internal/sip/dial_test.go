package sip_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
)

func (b *bench) dial(c sip.DialConfig) leg.Leg {
	b.t.Helper()
	synctest.Wait() // the server runs
	if c.From.ID == "" {
		c.From = leg.Party{ID: "4:+15550111", Display: `Al "the" Ice`}
	}
	l, err := b.server.Dial(context.Background(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	return l
}

func TestDialAndAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001", Codecs: []string{"PCMA"}, Headers: map[string]string{
			"X-Tenant": "seven", "X-Empty": "", "User-To-User": "4d6f;encoding=hex",
		}})
		inv := p.expect(sipgo.INVITE)
		if inv.From().Address.User != "+15550111" || inv.From().DisplayName != `Al \"the\" Ice` {
			t.Errorf("From %s", inv.From().Value())
		}
		if h := inv.GetHeader("X-Tenant"); h == nil || h.Value() != "seven" {
			t.Error("no X-Tenant")
		}
		if h := inv.GetHeader("User-To-User"); h == nil || h.Value() != "4d6f;encoding=hex" || inv.GetHeader("X-Empty") == nil {
			t.Errorf("headers are missing:\n%s", inv)
		}
		if body := string(inv.Body()); !strings.Contains(body, "RTP/AVP 8 101") {
			t.Errorf("offer:\n%s", body)
		}
		p.answer(inv, 100, "")
		p.answer(inv, 180, "")
		want[leg.Ringing](t, l)
		p.answer(inv, 180, "") // once is enough
		ok := strings.Replace(offerPCMU, "AVP 0 101", "AVP 8 101", 1)
		p.answer(inv, 200, ok, "Record-Route: <sip:127.0.0.1:7001;lr>")
		ack := p.expect(sipgo.ACK)
		if r := ack.GetHeaders("Route"); len(r) != 1 || ack.Recipient.User != "bob" {
			t.Errorf("ACK\n%s", ack)
		}
		want[leg.Answered](t, l)
		if l.Rate() != media.Rate8k || l.Party().ID != "8:acs:bob" {
			t.Error("rate or party")
		}
		p.answer(inv, 200, ok) // the ACK was lost
		p.expect(sipgo.ACK)

		go l.Hangup(context.Background(), leg.Normal)
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestTheCalledHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, l)
		p.call, p.far = inv.CallID().Value(), inv.From().Params[0].V
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
	})
}

func TestDialRefused(t *testing.T) {
	for code, cause := range map[int]leg.Cause{
		486: leg.Busy, 603: leg.Declined, 404: leg.Unreachable, 480: leg.NoAnswer, 488: leg.NoCodec,
		403: leg.Forbidden, 503: leg.Overload, 302: leg.Failed, 401: leg.Forbidden,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil)
			p := b.phone("127.0.0.1:7001")
			l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
			p.answer(p.expect(sipgo.INVITE), code, "")
			p.expect(sipgo.ACK)
			wantEnded(t, l, cause, true)
		})
	}
}

func TestNobodyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7999"})
		start := time.Now()
		wantEnded(t, l, leg.Unreachable, true)
		if d := time.Since(start); d != 32*time.Second {
			t.Errorf("gave up after %v", d)
		}
	})
}

func TestHangupBeforeTheAnswerCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		gone := make(chan error)
		go func() { gone <- l.Hangup(context.Background(), leg.Normal) }()
		synctest.Wait()
		p.none(100 * time.Millisecond) // CANCEL waits until we have been heard of
		p.answer(inv, 180, "")
		c := p.expect(sipgo.CANCEL)
		if c.Via().Value() != inv.Via().Value() || c.CSeq().SeqNo != inv.CSeq().SeqNo {
			t.Errorf("CANCEL\n%s\nof\n%s", c, inv)
		}
		p.answer(c, 200, "")
		p.answer(inv, 487, "")
		p.expect(sipgo.ACK)
		if err := <-gone; err != nil {
			t.Error(err)
		}
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestCancelAndAnswerCross(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 180, "")
		want[leg.Ringing](t, l)
		go l.Hangup(context.Background(), leg.Normal)
		p.expect(sipgo.CANCEL)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestAForkedAnswerIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, l)
		p.tag = "another"
		p.answer(inv, 200, offerPCMU)
		seen := map[sipgo.RequestMethod]bool{}
		for range 2 { // in either order: sipgo sends each by itself
			m := p.hear(time.Second).(*sipgo.Request)
			if tag, _ := m.To().Params.Get("tag"); tag != "another" {
				t.Errorf("%s to %q", m.Method, tag)
			}
			seen[m.Method] = true
		}
		if !seen[sipgo.ACK] || !seen[sipgo.BYE] {
			t.Errorf("got %v, want ACK and BYE", seen)
		}
	})
}

func TestABadAnswerEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		p.answer(p.expect(sipgo.INVITE), 200, "")
		p.expect(sipgo.ACK)
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.NoCodec, true)
	})
}

func TestDialThroughAProxyThatAsksForAPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.dial(sip.DialConfig{Target: "sip:+15550100@carrier.example", Route: "127.0.0.1:7001", User: "u", Password: "secret"})
		inv := p.expect(sipgo.INVITE)
		if inv.Recipient.Host != "carrier.example" || len(inv.GetHeaders("Route")) != 1 {
			t.Errorf("INVITE\n%s", inv)
		}
		p.answer(inv, 407, "", `Proxy-Authenticate: Digest realm="c", nonce="n1", qop="auth, auth-int", algorithm=MD5`)
		p.expect(sipgo.ACK)
		inv = p.expect(sipgo.INVITE)
		if a := inv.GetHeader("Proxy-Authorization"); a == nil || !strings.Contains(a.Value(), `username="u"`) || inv.CSeq().SeqNo != 2 {
			t.Errorf("INVITE\n%s", inv)
		}
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, l)
		go l.Hangup(context.Background(), leg.Normal)
		bye := p.expect(sipgo.BYE)
		p.answer(bye, 407, "", `Proxy-Authenticate: Digest realm="c", nonce="n2", qop="auth"`)
		bye = p.expect(sipgo.BYE)
		if bye.GetHeader("Proxy-Authorization") == nil {
			t.Error("BYE without credentials")
		}
		p.answer(bye, 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

func TestDialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.MaxCalls = 1 })
		synctest.Wait()
		for _, target := range []string{"", "bob", "http://x", "sip:", "tel:+15550100"} {
			if _, err := b.server.Dial(t.Context(), sip.DialConfig{Target: target}); err == nil {
				t.Errorf("dialled %q", target)
			}
		}
		b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7999"})
		if _, err := b.server.Dial(t.Context(), sip.DialConfig{Target: "sip:bob@127.0.0.1:7999"}); err == nil {
			t.Error("one call too many")
		}
		other := b.newServer("127.0.0.1:5099")
		if _, err := other.Dial(t.Context(), sip.DialConfig{Target: "sip:bob@127.0.0.1:7999"}); !errors.Is(err, sip.ErrNotRunning) {
			t.Errorf("err = %v, want ErrNotRunning", err)
		}
	})
}

// TestTwoServersTalk lets both halves meet each other, with loss on the wire.
func TestTwoServersTalk(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil)
			if lossy {
				seen := map[string]bool{}
				b.lose = func(from, _, text string) bool { // every message is lost the first time
					line, _, _ := strings.Cut(text, "\r\n")
					_, rest, _ := strings.Cut(text, "CSeq: ")
					key := from + line + rest[:min(12, len(rest))]
					first := !seen[key]
					seen[key] = true
					return first && !strings.Contains(line, " 100 ") && !strings.Contains(line, " 180 ")
				}
			}
			caller := b.newServer("127.0.0.1:6060")
			ran := make(chan struct{})
			b.start(caller, ran)
			synctest.Wait()
			out, err := caller.Dial(t.Context(), sip.DialConfig{Target: "sip:+15550100@" + serverAddr, From: leg.Party{ID: "8:acs:al ice"}})
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			in := b.leg()
			if in.Party().ID != "8:acs:al ice" {
				t.Errorf("party %+v", in.Party())
			}
			want[leg.Ringing](t, out)
			if err := in.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			want[leg.Answered](t, out)
			want[leg.Answered](t, in)
			exchangeSound(t, out, in)
			in.SendDigits("5")
			for range 40 {
				tick(t, in, out)
			}
			want[leg.DigitsSent](t, in)
			out.Hangup(t.Context(), leg.Normal)
			wantEnded(t, out, leg.Normal, false)
			wantEnded(t, in, leg.Normal, true)
		})
	}
}

// tick moves both legs on by a tick; what they heard is given back.
func tick(t *testing.T, legs ...leg.Leg) (heard []int16) {
	t.Helper()
	tickCount++
	for _, l := range legs {
		f := media.Frame{Rate: media.Rate8k, Tick: tickCount}
		media.Pull(l, &f)
		heard = append(heard, f.PCM()[80])
		for i := range f.PCM() {
			f.PCM()[i] = 8000
		}
		if err := l.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	return heard
}

var tickCount uint64

// exchangeSound checks that each side hears the other.
func exchangeSound(t *testing.T, legs ...leg.Leg) {
	t.Helper()
	for range 200 {
		if heard := tick(t, legs...); heard[0] > 7000 && heard[1] > 7000 {
			return
		}
	}
	t.Error("no sound in both directions")
}
