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

// kill drops the server: nothing that it says or keeps from now on leaves it.
func (b *bench) kill(l *ledger) {
	b.t.Helper()
	l.mu.Lock()
	l.dead = true
	l.mu.Unlock()
	b.cut(true)
	b.stop()
	<-b.ran
}

// cut takes the server off the wire, and puts it back.
func (b *bench) cut(off bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose = nil
	if off {
		b.lose = func(from, to, _ string) bool { return from == serverAddr || to == serverAddr }
	}
}

// restart serves again at the same address, with what the ledger has.
func (b *bench) restart(l *ledger, change func(*sip.Server)) {
	b.t.Helper()
	l.mu.Lock()
	l.dead = false
	l.mu.Unlock()
	onIncoming := b.server.OnIncoming
	b.server = b.newServer(serverAddr)
	b.server.OnIncoming, b.server.Ledger = onIncoming, l
	if change != nil {
		change(b.server)
	}
	if err := b.server.Listen(); err != nil {
		b.t.Fatal(err)
	}
	for key, text := range l.all() {
		if err := b.server.Recover(key, []byte(text)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.cut(false)
	b.ran = make(chan struct{})
	b.stop = b.start(b.server, b.ran)
}

// ends is how often a former dialog ended so.
func (b *bench) ends(how string) int {
	for _, r := range b.server.Metrics.Read() {
		if r.Name == "sip_former_dialogs_total" && r.Value == how {
			return int(r.Number)
		}
	}
	return 0
}

func TestAfterAKillTheCallerGetsBye(t *testing.T) {
	for code, how := range map[int]string{200: "bye", 481: "was over", 0: "no answer"} {
		synctest.Test(t, func(t *testing.T) {
			b, l := kept(t, nil)
			p, proxy := b.phone("127.0.0.1:7001"), b.phone("127.0.0.1:7777")
			b.established(p, "Record-Route: <sip:127.0.0.1:7777;lr>, <sip:127.0.0.9:7778;lr>")
			call, tag := p.call, p.far
			b.kill(l)
			b.restart(l, nil)
			bye := proxy.expect(sipgo.BYE)
			from, _ := bye.From().Params.Get("tag")
			to, _ := bye.To().Params.Get("tag")
			if bye.Recipient.String() != "sip:bob@127.0.0.1:7001" || bye.CallID().Value() != call || from != tag || to != p.tag || bye.CSeq().SeqNo < 1000 {
				t.Errorf("BYE\n%s", bye)
			}
			if r := bye.GetHeaders("Route"); len(r) != 2 || r[1].Value() != "<sip:127.0.0.9:7778;lr>" {
				t.Errorf("Route %v", r)
			}
			began := time.Now()
			if code != 0 {
				proxy.answer(bye, code, "")
			} else {
				proxy.none(400 * time.Millisecond)
				proxy.expect(sipgo.BYE) // again after T1
				<-time.After(33*time.Second - time.Since(began))
			}
			l.nothingKept(t)
			if b.ends(how) != 1 {
				t.Errorf("not counted as %q: %+v", how, b.server.Metrics.Read())
			}
			p.far = tag
			p.say(p.request("INFO", "5", "Content-Type: application/dtmf"))
			p.status(481)
			p.drain()
		})
	}
}

func TestAfterAKillTheCalledGetsBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		out := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, out)
		p.call, p.far = inv.CallID().Value(), inv.From().Params[0].V
		p.say(p.request("INVITE", offerPCMU, "Contact: <sip:bob@127.0.0.1:7002>")) // it moves
		p.status(200)
		p.say(p.request("ACK", ""))
		synctest.Wait()
		b.kill(l)
		moved := b.phone("127.0.0.1:7002")
		b.restart(l, nil)
		bye := moved.expect(sipgo.BYE)
		if bye.Recipient.String() != "sip:bob@127.0.0.1:7002" {
			t.Errorf("BYE to %s", bye.Recipient.String())
		}
		moved.answer(bye, 200, "")
		l.nothingKept(t)
	})
}

func TestAfterAKillTheTrunkIsToldWithItsPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trunk := func(s *sip.Server) {
			s.Trunks = []sip.Trunk{{Host: "127.0.0.1", Port: 7001, User: "u", Password: "secret"}}
		}
		b, l := kept(t, trunk)
		p := b.phone("127.0.0.1:7001")
		out := b.dial(sip.DialConfig{Target: "sip:+15550100@127.0.0.1:7001", User: "u", Password: "secret"})
		p.answer(p.expect(sipgo.INVITE), 200, offerPCMU)
		p.expect(sipgo.ACK)
		want[leg.Answered](t, out)
		for _, text := range l.all() {
			if strings.Contains(text, "secret") {
				t.Errorf("the password is kept: %s", text)
			}
		}
		b.kill(l)
		b.restart(l, trunk)
		bye := p.expect(sipgo.BYE)
		p.answer(bye, 407, "", `Proxy-Authenticate: Digest realm="c", nonce="n2", qop="auth"`)
		again := p.expect(sipgo.BYE)
		if a := again.GetHeader("Proxy-Authorization"); a == nil || !strings.Contains(a.Value(), `username="u"`) || again.CSeq().SeqNo != bye.CSeq().SeqNo+1 {
			t.Errorf("BYE\n%s", again)
		}
		p.answer(again, 200, "")
		l.nothingKept(t)
	})
}

func TestAfterAKillARingingCallIsRefused(t *testing.T) {
	for _, acked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b, l := kept(t, nil)
			p := b.phone("127.0.0.1:7001")
			invite := p.request("INVITE", offerPCMU, "v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKbehind")
			p.say(invite)
			p.status(180)
			b.leg()
			tag := p.far
			b.kill(l)
			p.say(invite) // while nobody is there
			b.restart(l, nil)
			p.say(invite) // and again
			first := p.status(480)
			if to, _ := first.To().Params.Get("tag"); to != tag || len(first.GetHeaders("Via")) != 2 {
				t.Errorf("480 with tag %s, 180 had %s:\n%s", to, tag, first)
			}
			p.status(480) // to its repetition
			began := time.Now()
			p.status(480) // after T1, as UDP has it
			if d := time.Since(began); d != 500*time.Millisecond {
				t.Errorf("again after %v", d)
			}
			if len(b.legs) != 0 {
				t.Error("a new call")
			}
			if acked {
				p.via--
				p.say(p.request("ACK", ""))
				l.nothingKept(t)
				p.none(40 * time.Second)
				if b.ends("refused") != 1 {
					t.Error("not counted")
				}
				p.seq, p.far, p.via = 0, "", 7
				p.say(p.request("INVITE", offerPCMU, "Call-ID: another")) // a new call is one
				p.status(180)
				b.leg()
				return
			}
			<-time.After(time.Minute)
			n := len(p.in)
			l.nothingKept(t)
			p.drain()
			p.none(time.Minute)
			if n != 9 { // at 1.5, 3.5, 7.5 … s
				t.Errorf("sent %d times more", n)
			}
		})
	}
}

// TestAfterAKillWithTheAnswerOnItsWay: the 200 may have been lost, or its ACK.
// Whoever has not seen the 200 gets it now, and who has sees the same again.
func TestAfterAKillWithTheAnswerOnItsWay(t *testing.T) {
	for _, acks := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b, l := kept(t, nil)
			p := b.phone("127.0.0.1:7001")
			p.say(p.request("INVITE", offerPCMU))
			p.status(180)
			in := b.leg()
			go in.Answer(context.Background())
			first := p.status(200)
			b.kill(l)
			ack := p.request("ACK", "")
			p.say(ack) // nobody hears it
			p.drain()
			b.restart(l, nil)
			if again := p.status(200); again.String() != first.String() {
				t.Errorf("first\n%s\nthen\n%s", first, again)
			}
			if acks {
				p.say(ack)
			} else {
				began := time.Now()
				<-time.After(31 * time.Second)
				p.drain()
				defer func() {
					if d := time.Since(began); d != 32*time.Second {
						t.Errorf("BYE after %v", d)
					}
				}()
			}
			p.answer(p.expect(sipgo.BYE), 200, "")
			l.nothingKept(t)
			p.none(0)
		})
	}
}

func TestAfterAKillOurCallIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		out := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 180, "")
		want[leg.Ringing](t, out)
		b.kill(l)
		b.restart(l, nil)
		c := p.expect(sipgo.CANCEL)
		if c.Via().Value() != inv.Via().Value() || c.CSeq().SeqNo != inv.CSeq().SeqNo || c.Recipient.String() != inv.Recipient.String() ||
			c.CallID().Value() != inv.CallID().Value() || c.From().Value() != inv.From().Value() || c.To().Value() != inv.To().Value() {
			t.Errorf("CANCEL\n%s\nof\n%s", c, inv)
		}
		p.answer(c, 200, "")
		p.answer(inv, 487, "")
		ack := p.expect(sipgo.ACK)
		branch, _ := ack.Via().Params.Get("branch")
		invited, _ := inv.Via().Params.Get("branch")
		if tag, _ := ack.To().Params.Get("tag"); branch != invited || tag != p.tag || ack.Recipient.String() != inv.Recipient.String() {
			t.Errorf("ACK\n%s", ack)
		}
		l.nothingKept(t)
		if b.ends("canceled") != 1 {
			t.Error("not counted")
		}
		p.answer(inv, 487, "") // the ACK was lost
		p.expect(sipgo.ACK)
	})
}

func TestAfterAKillAChallengedCallIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001", User: "u", Password: "secret"})
		p.answer(p.expect(sipgo.INVITE), 407, "", `Proxy-Authenticate: Digest realm="c", nonce="n1", qop="auth"`)
		p.expect(sipgo.ACK)
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 180, "")
		b.kill(l)
		b.restart(l, nil)
		if c := p.expect(sipgo.CANCEL); c.Via().Value() != inv.Via().Value() || c.CSeq().SeqNo != inv.CSeq().SeqNo {
			t.Errorf("CANCEL\n%s\nof\n%s", c, inv)
		}
		p.Close()
	})
}

func TestAfterAKillACallThatIsLongOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		p.expect(sipgo.INVITE)
		b.kill(l)
		b.restart(l, nil)
		p.answer(p.expect(sipgo.CANCEL), 481, "")
		l.nothingKept(t)
	})
}

// TestAfterAKillTheAnswerComes: the telephone was picked up while nobody was
// there, or just before, and sends its 200 until it is acknowledged.
func TestAfterAKillTheAnswerComes(t *testing.T) {
	for _, when := range []string{"while down", "before the ACK", "after the CANCEL"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, l := kept(t, nil)
				p := b.phone("127.0.0.1:7001")
				b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
				inv := p.expect(sipgo.INVITE)
				p.answer(inv, 180, "")
				synctest.Wait()
				if when == "before the ACK" {
					l.before = func(record string) { // the disk has it, the far end has not
						l.before = nil
						l.put(kept1(l), []byte(record))
						l.mu.Lock()
						l.dead = true
						l.mu.Unlock()
						b.cut(true)
					}
					p.answer(inv, 200, offerPCMU)
					synctest.Wait()
				}
				b.kill(l)
				p.drain()
				b.restart(l, nil)
				if when == "after the CANCEL" {
					p.answer(p.expect(sipgo.CANCEL), 200, "")
				}
				p.answer(inv, 200, offerPCMU)
				seen := map[sipgo.RequestMethod]bool{}
				for repeated := 0; ; {
					m, ok := p.hear(4 * time.Second).(*sipgo.Request)
					if !ok && !seen[sipgo.ACK] && repeated < 8 { // as a telephone does
						p.answer(inv, 200, offerPCMU)
						repeated++
						continue
					}
					if !ok {
						break
					}
					if tag, _ := m.To().Params.Get("tag"); tag != p.tag && m.Method != sipgo.CANCEL {
						t.Errorf("%s to %q", m.Method, tag)
					}
					seen[m.Method] = true
					if m.Method != sipgo.ACK { // a BYE may come twice, when it is faster than the 200
						p.answer(m, 200, "")
					}
				}
				if !seen[sipgo.ACK] || !seen[sipgo.BYE] {
					t.Errorf("got %v only", seen)
				}
				l.nothingKept(t)
			})
		})
	}
}
