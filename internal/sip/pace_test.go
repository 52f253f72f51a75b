package sip_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// callsOf are n records of established calls with telephones at addr.
func callsOf(n int, addr string) map[string]string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("key%d", i)] = fmt.Sprintf(`{"v":1,"stage":"up","callId":"call%d","local":{"uri":"sip:+15550100@127.0.0.1","tag":"ours%d"},`+
			`"remote":{"uri":"sip:bob@example.com","tag":"theirs%d"},"target":"sip:bob@%s","transport":"UDP","peer":"%s","direct":true,"seq":0}`, i, i, i, addr, addr)
	}
	return all
}

// TestAThousandCallsAreEndedAtAPace: telephones are not drowned, and new calls
// come through meanwhile.
func TestAThousandCallsAreEndedAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		b.kill(l)
		l.records = callsOf(1000, "127.0.0.1:7001")
		p, q := b.phone("127.0.0.1:7001"), b.phone("127.0.0.1:7002")
		began := time.Now()
		b.restart(l, nil)
		var in leg.Incoming
		burst := map[int64]int{} // BYEs in each tenth of a second
		for n := 0; n < 1000; n++ {
			bye := p.expect(sipgo.BYE)
			burst[int64(time.Since(began)/(100*time.Millisecond))]++
			p.answer(bye, 200, "")
			if n == 300 {
				in = b.established(q)
			}
		}
		if d := time.Since(began); d < 1900*time.Millisecond || d > 2100*time.Millisecond {
			t.Errorf("took %v, want 2 s", d)
		}
		for at, n := range burst {
			if n > 60 {
				t.Errorf("%d in a tenth of a second, at %d", n, at)
			}
		}
		if got := l.stages(); len(got) != 1 { // the new call
			synctest.Wait()
		}
		if got := l.stages(); len(got) != 1 || got[0] != "up" {
			t.Errorf("kept: %d", len(got))
		}
		go in.Hangup(context.Background(), leg.Normal)
		q.answer(q.expect(sipgo.BYE), 200, "")
		l.nothingKept(t)
	})
}

// TestWhatIsNotEndedInTimeIsLeftToTheNextRun: a server that stops while it ends
// the calls of the last run forgets none of the others.
func TestWhatIsNotEndedInTimeIsLeftToTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		b.kill(l)
		l.records = callsOf(1000, "127.0.0.1:7001")
		p := b.phone("127.0.0.1:7001")
		b.restart(l, nil)
		for range 10 {
			p.answer(p.expect(sipgo.BYE), 200, "")
		}
		b.stop()
		<-b.ran
		if n := len(l.all()); n < 980 || n > 990 {
			t.Errorf("%d are left, want 990 at most", n)
		}
	})
}

// BenchmarkRecord is what a dialog pays for a record, the disk apart.
func BenchmarkRecord(b *testing.B) {
	encode, err := serve(b, nil).server.Encoder([]byte(callsOf(1, "127.0.0.1:7001")["key0"]))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		encode()
	}
}
