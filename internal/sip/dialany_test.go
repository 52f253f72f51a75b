package sip_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

// A ring is several phones that are called as one.
type ring struct {
	*bench
	l       leg.Leg
	phones  []*phone
	invites []*sipgo.Request
}

func ringAll(t *testing.T, n int) *ring {
	t.Helper()
	r := &ring{bench: serve(t, nil)}
	synctest.Wait()
	var calls []sip.DialConfig
	for i := range n {
		addr := fmt.Sprintf("127.0.0.1:%d", 7001+i)
		p := r.phone(addr)
		p.tag = fmt.Sprint("tag", i)
		r.phones = append(r.phones, p)
		calls = append(calls, sip.DialConfig{
			Target: "sip:x" + fmt.Sprint(i) + "@" + addr, Party: leg.Party{ID: "8:acs:bob"},
			From: leg.Party{ID: "4:+15550111"}, CorrelationID: "c",
		})
	}
	l, err := r.server.DialAny(t.Context(), calls)
	if err != nil {
		t.Fatal(err)
	}
	r.l = l
	t.Cleanup(func() { l.Close() })
	for _, p := range r.phones {
		r.invites = append(r.invites, p.expect(sipgo.INVITE))
	}
	return r
}

// hears has a phone respond to its INVITE.
func (r *ring) respond(i, code int) {
	r.t.Helper()
	body := ""
	if code == 200 {
		body = offerPCMU
	}
	r.phones[i].answer(r.invites[i], code, body)
	if code >= 200 {
		r.phones[i].expect(sipgo.ACK)
	}
}

// withdrawn wants a CANCEL at a phone, and takes it.
func (r *ring) withdrawn(i int) {
	r.t.Helper()
	c := r.phones[i].expect(sipgo.CANCEL)
	if h := c.GetHeader("Reason"); h == nil || !strings.Contains(h.Value(), "elsewhere") {
		r.t.Errorf("CANCEL without a reason:\n%s", c)
	}
	r.phones[i].answer(c, 200, "")
	r.respond(i, 487)
}

// dismissed takes what comes after an answer that may have crossed a CANCEL, and
// reports whether the call was ended.
func (p *phone) dismissed() (bye bool) {
	p.t.Helper()
	for {
		req, _ := p.hear(time.Second).(*sipgo.Request)
		if req == nil {
			return bye
		}
		switch req.Method {
		case sipgo.BYE:
			bye = true
			fallthrough
		case sipgo.CANCEL:
			p.answer(req, 200, "")
		case sipgo.ACK:
		default:
			p.t.Fatalf("got a %s", req.Method)
		}
	}
}

func (r *ring) hangup(by int) {
	r.t.Helper()
	p := r.phones[by]
	p.call, p.far = r.invites[by].CallID().Value(), r.invites[by].From().Params[0].V
	p.say(p.request("BYE", ""))
	p.status(200)
	wantEnded(r.t, r.l, leg.Normal, true)
}

func TestTheFirstToAnswerHasTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 3)
		if to := r.invites[1].To().Address; to.User != "bob" || r.invites[1].Recipient.User != "x1" {
			t.Errorf("INVITE\n%s", r.invites[1])
		}
		if r.l.Party().ID != "8:acs:bob" || r.l.Rate() != media.Rate8k {
			t.Errorf("party %v, rate %v", r.l.Party(), r.l.Rate())
		}
		r.l.SendDigits("5")
		if e := want[leg.DigitsSent](t, r.l); e.Err == nil {
			t.Error("sent digits before the answer")
		}
		f := media.Frame{Rate: media.Rate8k}
		if n, err := r.l.Read(&f); n != 0 || err != nil || r.l.Write(&f) != nil {
			t.Error("sound before the answer")
		}
		r.respond(0, 180)
		want[leg.Ringing](t, r.l)
		r.respond(1, 180)
		r.respond(2, 180)
		r.respond(1, 200)
		want[leg.Answered](t, r.l) // and no second Ringing
		r.withdrawn(0)
		r.withdrawn(2)
		for range 20 {
			tick(t, r.l)
		}
		if s := r.l.(interface{ Stats() rtp.Stats }).Stats(); s.PacketsOut == 0 {
			t.Error("no sound")
		}
		r.l.SendDigits("5")
		for range 40 {
			tick(t, r.l)
		}
		if e := want[leg.DigitsSent](t, r.l); e.Err != nil {
			t.Error(e.Err)
		}
		if _, ok := r.l.(room.Keypad).NextDigit(); ok {
			t.Error("a digit")
		}
		r.hangup(1)
	})
}

// TestTwoAnswerAtOnce: 200 and CANCEL cross, or two 200 come together.
func TestTwoAnswerAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		for i := range r.phones {
			r.phones[i].answer(r.invites[i], 200, offerPCMU)
		}
		want[leg.Answered](t, r.l)
		synctest.Wait()
		winner := -1
		for i, p := range r.phones {
			if !p.dismissed() {
				winner = i
			}
		}
		if winner < 0 {
			t.Fatal("both were ended")
		}
		r.hangup(winner)
	})
}

func TestAnswerCrossesTheWithdrawal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.respond(0, 180)
		r.respond(1, 180)
		want[leg.Ringing](t, r.l)
		r.respond(0, 200)
		want[leg.Answered](t, r.l)
		r.phones[1].expect(sipgo.CANCEL)
		r.respond(1, 200)
		r.phones[1].answer(r.phones[1].expect(sipgo.BYE), 200, "")
		r.hangup(0)
	})
}

func TestTheWinnerIsTransferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.resolving()
		if err := r.l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", nil); err == nil {
			t.Error("transferred before the answer")
		}
		r.respond(0, 486)
		r.respond(1, 200)
		want[leg.Answered](t, r.l)
		x := &transfer{t: t, b: r.bench, p: r.phones[1], l: r.l, asked: make(chan error, 1)}
		x.p.call, x.p.far = r.invites[1].CallID().Value(), r.invites[1].From().Params[0].V
		x.ask(nil)
		x.grant()
		x.notify(200, "200 OK", "terminated")
		x.want(true, leg.Normal)
		x.bye()
	})
}

func TestSomeCannotBeCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		synctest.Wait()
		p := b.phone("127.0.0.1:7001")
		good, bad := sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"}, sip.DialConfig{Target: "sips:bob@127.0.0.1"}
		l, err := b.server.DialAny(t.Context(), []sip.DialConfig{bad, good, bad})
		if err != nil {
			t.Fatal(err)
		}
		p.answer(p.expect(sipgo.INVITE), 500, "")
		wantEnded(t, l, leg.Unreachable, true)
		for _, calls := range [][]sip.DialConfig{nil, {bad}, {bad, bad}} {
			if _, err := b.server.DialAny(t.Context(), calls); err == nil {
				t.Errorf("dialled %v", calls)
			}
		}
	})
}

// TestOneOfOne: a single call is a leg like any other.
func TestOneOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 1)
		r.respond(0, 200)
		want[leg.Answered](t, r.l)
		r.hangup(0)
	})
}

func TestTheWinnersTickDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.respond(0, 486)
		r.respond(1, 200)
		want[leg.Answered](t, r.l)
		f := media.Frame{Rate: media.Rate8k}
		pass := func() {
			f.Tick++
			media.Pull(r.l, &f)
			r.l.(room.Keypad).NextDigit()
			r.l.(room.Holder).HeldDigit()
			r.l.Rate()
			r.l.Write(&f)
		}
		for range 20 {
			pass()
		}
		if n := testing.AllocsPerRun(100, pass); n != 0 {
			t.Errorf("%v allocations a tick, want 0", n)
		}
		r.hangup(1)
	})
}

// TestATelephoneBehindANAT: the request goes where the registration came from,
// for the contact that the telephone knows of itself, and so does all that
// follows.
func TestATelephoneBehindANAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("203.0.113.9:40000")
		inside := b.phone("192.168.1.7:5060")
		l := b.dial(sip.DialConfig{
			Target: "sip:bob@192.168.1.7:5060;ob", Source: p.addr.AddrPort(), Transport: "udp", Party: leg.Party{ID: "4:+15550123"},
		})
		inv := p.expect(sipgo.INVITE)
		if inv.Recipient.String() != "sip:bob@192.168.1.7:5060;ob" || inv.To().Address.User != "+15550123" {
			t.Errorf("INVITE\n%s", inv)
		}
		res := sipgo.NewResponseFromRequest(inv, 200, "OK", []byte(offerPCMU))
		res.To().Params.Add("tag", "x")
		res.AppendHeader(sipgo.NewHeader("Contact", "<sip:bob@192.168.1.7:5060>"))
		res.AppendHeader(sipgo.NewHeader("Content-Type", "application/sdp"))
		p.say(res.String())
		p.expect(sipgo.ACK)
		want[leg.Answered](t, l)
		go l.Hangup(t.Context(), leg.Normal)
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
		inside.none(time.Second)
	})
}

// TestPortsComeBackFromRingingSeveral: no call that lost keeps its ports.
func TestPortsComeBackFromRingingSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Ports.Min, s.Ports.Max = 14040, 14043 }) // two pairs
		synctest.Wait()
		for i := range 12 {
			r := &ring{bench: b}
			var calls []sip.DialConfig
			for j := range 2 {
				p := b.phone(fmt.Sprintf("127.0.0.1:%d", 7001+2*i+j))
				r.phones = append(r.phones, p)
				calls = append(calls, sip.DialConfig{Target: "sip:bob@" + p.addr.String()})
			}
			var err error
			if r.l, err = b.server.DialAny(t.Context(), calls); err != nil {
				t.Fatal(i, err)
			}
			for _, p := range r.phones {
				r.invites = append(r.invites, p.expect(sipgo.INVITE))
			}
			r.respond(0, 180)
			r.respond(1, 180)
			want[leg.Ringing](t, r.l)
			switch i % 4 {
			case 0: // one wins
				r.respond(0, 200)
				r.withdrawn(1)
				want[leg.Answered](t, r.l)
				r.hangup(0)
			case 1: // both win
				r.phones[0].answer(r.invites[0], 200, offerPCMU)
				r.phones[1].answer(r.invites[1], 200, offerPCMU)
				synctest.Wait()
				go r.l.Hangup(context.Background(), leg.Normal)
				for _, p := range r.phones {
					if !p.dismissed() {
						t.Error("a call was not ended")
					}
				}
			case 2: // nobody does
				r.respond(0, 486)
				r.respond(1, 603)
				wantEnded(t, r.l, leg.Busy, true)
			case 3: // nobody may
				go r.l.Hangup(context.Background(), leg.Canceled)
				for j, p := range r.phones {
					p.answer(p.expect(sipgo.CANCEL), 200, "")
					r.respond(j, 487)
				}
			}
			synctest.Wait()
			if err := r.l.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
