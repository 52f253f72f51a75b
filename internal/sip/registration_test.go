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
)

const challenge = `WWW-Authenticate: Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5`

// trunkBench is a server that registers at a phone that plays the trunk.
func trunkBench(t *testing.T) (*bench, *phone) {
	t.Helper()
	w := &wire{}
	trunk := w.listen("127.0.0.1:7001")
	b := &bench{wire: w, t: t, legs: make(chan leg.Incoming, 4), ran: make(chan struct{})}
	b.server = b.newServer(serverAddr)
	b.server.OpenLoopback = false
	b.server.OnIncoming = func(_ context.Context, l leg.Incoming) { b.legs <- l }
	b.server.Trunks = []sip.Trunk{{Host: "127.0.0.1", Port: 7001, User: "acme", Password: "se cret", Register: true}}
	b.stop = b.start(b.server, b.ran)
	p := &phone{socket: trunk, t: t, to: serverAddr, call: "c", tag: "trunk"}
	t.Cleanup(func() { p.Close() })
	return b, p
}

func (b *bench) registered() float64 {
	for _, r := range b.server.Metrics.Read() {
		if r.Name == "sip_trunk_registered" {
			return r.Number
		}
	}
	return -1
}

// expires wants a REGISTER with this Expires.
func (p *phone) expectRegister(expires string) *sipgo.Request {
	p.t.Helper()
	r := p.expect(sipgo.REGISTER)
	if h := r.GetHeader("Expires"); h == nil || h.Value() != expires {
		p.t.Fatalf("want Expires %s:\n%s", expires, r)
	}
	return r
}

func TestRegisterAtTheTrunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := trunkBench(t)
		first := p.expectRegister("3600")
		if first.Recipient.String() != "sip:127.0.0.1:7001" || first.To().Address.String() != "sip:acme@127.0.0.1:7001" ||
			first.Contact().Address.String() != "sip:acme@127.0.0.1:5060" {
			t.Errorf("REGISTER\n%s", first)
		}
		p.answer(first, 401, "", challenge)
		r := p.expectRegister("3600")
		if r.GetHeader("Authorization") == nil || r.CSeq().SeqNo != first.CSeq().SeqNo+1 || r.CallID().Value() != first.CallID().Value() {
			t.Errorf("REGISTER\n%s", r)
		}
		p.answer(r, 423, "", "Min-Expires: 7200")
		r = p.expectRegister("7200")
		p.answer(r, 200, "", "Contact: <sip:other@127.0.0.1:5060>;expires=60, <sip:acme@127.0.0.1:5060>;expires=600", "Expires: 30")
		start := time.Now()
		r = p.expectRegister("7200")
		if d := time.Since(start); d != 9*time.Minute {
			t.Errorf("registered anew after %v, want 9 min of 10", d)
		}
		if b.registered() != 1 {
			t.Error("not shown as registered")
		}
		p.answer(r, 200, "", "Expires: 60")
		start = time.Now()
		r = p.expectRegister("7200")
		if d := time.Since(start); d != 54*time.Second {
			t.Errorf("registered anew after %v, want 54 s of 60", d)
		}
		p.answer(r, 200, "")
		b.stop()
		r = p.expectRegister("0")
		p.answer(r, 401, "", challenge)
		p.answer(p.expectRegister("0"), 200, "")
		<-b.ran
	})
}

func TestTheTrunkDoesNotRegisterUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := trunkBench(t)
		p.answer(p.expectRegister("3600"), 503, "", "Retry-After: 20")
		start := time.Now()
		r := p.expectRegister("3600")
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("tried again after %v, want 20 s", d)
		}
		p.answer(r, 401, "", challenge)
		p.answer(p.expectRegister("3600"), 401, "", challenge)
		p.answer(p.expectRegister("3600"), 401, "", challenge) // the password is wrong
		last := time.Duration(0)
		for range 8 { // 10 s, twice as long each time, up to five minutes, less up to half
			start = time.Now()
			r = p.expectRegister("3600")
			last = time.Since(start)
			p.answer(r, 403, "")
		}
		if last < 150*time.Second || last > 300*time.Second {
			t.Errorf("the last pause was %v, want 150 to 300 s", last)
		}
		if b.registered() != 0 || b.count("not registered at the trunk") < 9 {
			t.Errorf("registered %v, counted %d", b.registered(), b.count("not registered at the trunk"))
		}
		synctest.Wait()
		b.stop()
		<-b.ran
		p.none(time.Second) // what is not registered need not be taken back
	})
}

func TestTheTrunkIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := trunkBench(t)
		p.Close()
		start := time.Now()
		b.phone("127.0.0.1:7009").none(40 * time.Second)
		if b.count("not registered at the trunk") != 1 {
			t.Error("not counted")
		}
		b.stop()
		<-b.ran
		if d := time.Since(start); d > 45*time.Second {
			t.Errorf("stopped after %v", d)
		}
	})
}

// TestTheTrunkCallsTheRegistration: To says who is wanted, when the Request-URI
// names the registration.
func TestTheTrunkCallsTheRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, p := trunkBench(t)
		p.answer(p.expectRegister("3600"), 200, "")
		synctest.Wait()
		for uri, want := range map[string]string{"sip:acme@127.0.0.1": "4:+15550100", "sip:+15550177@127.0.0.1": "4:+15550177"} {
			p.call, p.tag, p.far = uri, uri[4:8], ""
			p.say(strings.Replace(p.request("INVITE", offerPCMU), "sip:+15550100@127.0.0.1", uri, 1))
			p.status(180)
			l := b.leg()
			if got := l.Call().To.ID; got != want {
				t.Errorf("a call to %s is for %s, want %s", uri, got, want)
			}
			l.Hangup(t.Context(), leg.Declined)
			synctest.Wait()
			p.drain()
		}
		p.Close() // nobody answers when the server takes its registration back
	})
}
