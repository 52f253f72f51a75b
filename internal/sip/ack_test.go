package sip_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

func TestAnswerIsRepeatedUntilAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l := b.leg()
		go l.Answer(t.Context())
		p.status(200)
		start := time.Now()
		for _, after := range []time.Duration{500, 1500, 3500, 7500, 11500} {
			p.status(200)
			if got := time.Since(start); got != after*time.Millisecond {
				t.Errorf("repeated after %v, want %v ms", got, int(after))
			}
		}
		p.say(p.request("ACK", ""))
		want[leg.Answered](t, l)
		p.none(20 * time.Second)
		p.say(p.request("ACK", "")) // once more does no harm
		p.say(p.request("BYE", ""))
		p.status(200)
	})
}

func TestNoAckMeansBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		l := b.leg()
		start := time.Now()
		if err := l.Answer(t.Context()); err == nil {
			t.Error("Answer succeeded without an ACK")
		}
		if d := time.Since(start); d != 32*time.Second {
			t.Errorf("gave up after %v, want 32 s", d)
		}
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Failed, true)
	})
}

// A phone that hangs up at once says BYE right behind its ACK, and either may
// come first through sipgo: it has been answered all the same.
func TestAByeThatOvertakesTheAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l, answered := b.answering(p)
		ack := p.request("ACK", "")
		p.say(p.request("BYE", ""))
		p.status(200)
		p.say(ack)
		if err := <-answered; err != nil {
			t.Errorf("Answer: %v", err)
		}
		want[leg.Answered](t, l)
		wantEnded(t, l, leg.Normal, true)
		p.none(40 * time.Second) // the 200 is not sent again
	})
}

func TestHangupBeforeTheAckWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l, answered := b.answering(p)
		go l.Hangup(context.Background(), leg.Normal)
		if err := <-answered; err == nil {
			t.Error("Answer succeeded on a call that was hung up")
		}
		synctest.Wait()
		p.none(100 * time.Millisecond)
		p.say(p.request("ACK", ""))
		p.answer(p.expect(sipgo.BYE), 200, "")
		wantEnded(t, l, leg.Normal, false)
	})
}

// answering is a call from p that is being answered: its 200 is out, the ACK is
// awaited.
func (b *bench) answering(p *phone) (l leg.Incoming, answered <-chan error) {
	b.t.Helper()
	p.say(p.request("INVITE", offerPCMU))
	p.status(180)
	l = b.leg()
	said := make(chan error, 1)
	go func() { said <- l.Answer(context.Background()) }()
	p.status(200)
	return l, said
}
