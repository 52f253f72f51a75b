package sip_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// A ledger is a sip.Ledger in memory that survives the servers it is given to.
type ledger struct {
	mu      sync.Mutex
	records map[string]string
	dead    bool                // the server was killed: it can write no more
	before  func(record string) // called before a Keep takes effect
	err     error               // what Keep says; Note and Forget are lost then
	asked   int                 // how often Keep was called
}

func (l *ledger) put(key string, record []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || l.err != nil {
		return
	}
	if l.records == nil {
		l.records = map[string]string{}
	}
	if record == nil {
		delete(l.records, key)
	} else {
		l.records[key] = string(record)
	}
}

func (l *ledger) Keep(key string, record []byte) error {
	if l.before != nil {
		l.before(string(record))
	}
	l.put(key, record)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.err
}

// breaks makes it fail, nil makes it work again.
func (l *ledger) breaks(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// times is how often Keep was called.
func (l *ledger) times() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

func (l *ledger) Note(key string, record []byte) { l.put(key, record) }
func (l *ledger) Forget(key string)              { l.put(key, nil) }

func (l *ledger) all() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]string{}
	for k, v := range l.records {
		out[k] = v
	}
	return out
}

func (l *ledger) stages() (out []string) {
	for _, text := range l.all() {
		var r struct{ Stage string }
		json.Unmarshal([]byte(text), &r)
		out = append(out, r.Stage)
	}
	return out
}

// kept serves with a ledger.
func kept(t testing.TB, change func(*sip.Server)) (*bench, *ledger) {
	l := &ledger{}
	return serve(t, func(s *sip.Server) {
		s.Ledger = l
		if change != nil {
			change(s)
		}
	}), l
}

// nothingKept checks that the ledger is empty once all is quiet.
func (l *ledger) nothingKept(t testing.TB) {
	t.Helper()
	synctest.Wait()
	for key, text := range l.all() {
		t.Errorf("%s is still kept: %s", key, text)
	}
}

// kept1 is the key of the only record.
func kept1(l *ledger) string {
	for key := range l.all() {
		return key
	}
	return ""
}

// TestKeptBeforeItIsSaid: what the far end hears is on disk.
func TestKeptBeforeItIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		var heard []string // when a record was about to be kept: its stage, and what the phone had
		l.before = func(record string) {
			var r struct{ Stage string }
			json.Unmarshal([]byte(record), &r)
			<-time.After(3 * time.Millisecond) // a slow disk
			heard = append(heard, fmt.Sprintf("%s %d", r.Stage, len(p.in)))
		}
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		in := b.leg()
		b.accept(p, in)
		p.say(p.request("BYE", ""))
		p.status(200)
		l.nothingKept(t)
		out := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		inv := p.expect(sipgo.INVITE)
		p.answer(inv, 200, offerPCMU)
		p.expect(sipgo.ACK)
		if got := strings.Join(heard, ", "); got != "ringing 0, answering 0, calling 0, up 0" {
			t.Errorf("kept: %s", got)
		}
		go out.Hangup(context.Background(), leg.Normal)
		bye := p.expect(sipgo.BYE)
		if len(l.all()) != 1 {
			t.Error("forgotten before the far end knew")
		}
		p.answer(bye, 200, "")
		l.nothingKept(t)
		q := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
		p.answer(p.expect(sipgo.INVITE), 486, "")
		p.expect(sipgo.ACK)
		wantEnded(t, q, leg.Busy, true)
		l.nothingKept(t)
	})
}

// TestACallerHearsNothingBeforeItIsKept: who has heard 100 does not repeat its
// INVITE, which the next run would have to hear.
func TestACallerHearsNothingBeforeItIsKept(t *testing.T) {
	for _, stall := range []time.Duration{400 * time.Millisecond, 900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			b, l := kept(t, nil)
			l.before = func(string) { <-time.After(stall) } // the disk
			p := b.phone("127.0.0.1:7001")
			invite := p.request("INVITE", offerPCMU)
			p.say(invite)
			if rest := stall - sipgo.T1; rest > 0 {
				p.none(sipgo.T1)
				p.say(invite)
				p.none(rest - time.Millisecond)
			} else {
				p.none(stall - time.Millisecond)
			}
			if m, ok := p.hear(2 * time.Millisecond).(*sipgo.Response); !ok || m.StatusCode != 100 {
				t.Errorf("got %v, want 100", m)
			}
			p.status(180)
			b.accept(p, b.leg())
			if len(b.legs) > 0 {
				t.Error("the INVITE has made two calls")
			}
		})
	}
}

func TestACallGoesOnThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		l.breaks(errDiskFull)
		p := b.phone("127.0.0.1:7001")
		in := b.established(p)
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, in, leg.Normal, true)
		if b.count("dialog not kept") != 2 {
			t.Errorf("counted %d times", b.count("dialog not kept"))
		}
	})
}

var errDiskFull = errors.New("disk full")

// keptAs waits for as long as a dialog may take to be kept again, and checks how
// the only one is.
func (l *ledger) keptAs(t *testing.T, stage string) {
	t.Helper()
	<-time.After(4100 * time.Millisecond)
	if got := l.stages(); len(got) != 1 || got[0] != stage {
		t.Errorf("kept %v, want %s", got, stage)
	}
}

// TestADialogIsKeptWhenThereIsRoomAgain: without a word of its telephone.
func TestADialogIsKeptWhenThereIsRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l.breaks(errDiskFull)
		b.accept(p, b.leg())
		began := l.times()
		<-time.After(time.Minute)
		if n := l.times() - began; n < 14 || n > 30 {
			t.Errorf("asked %d times in a minute", n)
		}
		if got := l.stages(); len(got) != 1 || got[0] != "ringing" {
			t.Fatalf("kept %v", got)
		}
		l.breaks(nil)
		l.keptAs(t, "up")
		if n := b.count("dialog not kept"); n != 1 {
			t.Errorf("counted %d times", n)
		}
		p.none(0)
		began = l.times()
		<-time.After(time.Minute)
		if n := l.times() - began; n != 0 {
			t.Errorf("kept %d times more", n)
		}
		b.kill(l)
		b.restart(l, nil)
		p.answer(p.expect(sipgo.BYE), 200, "")
		l.nothingKept(t)
	})
}

// TestEachStageIsKeptWhenThereIsRoomAgain: as it is by then.
func TestEachStageIsKeptWhenThereIsRoomAgain(t *testing.T) {
	for _, stage := range []string{"ringing", "answering", "calling", "answered", "leaving", "leaving without ACK"} {
		synctest.Test(t, func(t *testing.T) {
			b, l := kept(t, nil)
			l.breaks(errDiskFull)
			p := b.phone("127.0.0.1:7001")
			want := stage
			switch stage {
			case "ringing", "answering", "leaving without ACK":
				p.say(p.request("INVITE", offerPCMU))
				p.status(180)
				in := b.leg()
				if stage == "ringing" {
					break
				}
				go in.Answer(t.Context())
				p.status(200)
				if stage != "answering" {
					want = "up"
					p.expect(sipgo.BYE)
				}
			default:
				out := b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001"})
				inv := p.expect(sipgo.INVITE)
				if stage == "calling" {
					p.answer(inv, 180, "")
					break
				}
				want = "up"
				p.answer(inv, 200, offerPCMU)
				p.expect(sipgo.ACK)
				if stage == "leaving" {
					go out.Hangup(context.Background(), leg.Normal)
					p.expect(sipgo.BYE)
				}
			}
			synctest.Wait()
			l.breaks(nil)
			l.keptAs(t, want)
		})
	}
}

// TestADialogThatIsOverIsNotKept, however long it was owed.
func TestADialogThatIsOverIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		l.breaks(errDiskFull)
		p := b.phone("127.0.0.1:7001")
		b.established(p)
		p.say(p.request("BYE", ""))
		p.status(200)
		synctest.Wait()
		began := l.times()
		l.breaks(nil)
		<-time.After(time.Minute)
		if n := l.times() - began; n != 0 {
			t.Errorf("asked %d times", n)
		}
		l.nothingKept(t)
	})
}

func TestAStopThatIsNotHeardIsSaidAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		b.established(p)
		b.cut(true)
		b.stop()
		<-b.ran
		if got := l.stages(); len(got) != 1 || got[0] != "up" {
			t.Fatalf("kept %v", got)
		}
		b.restart(l, nil)
		p.answer(p.expect(sipgo.BYE), 200, "")
		l.nothingKept(t)
		b.stop() // and one that ends before it has told anybody forgets nobody
		<-b.ran
	})
}

func TestBadRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := kept(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		b.leg()
		good := l.all()[kept1(l)]
		if len(good) > 1500 {
			t.Errorf("a record has %d bytes: %s", len(good), good)
		}
		s := b.newServer("127.0.0.1:5099")
		s.Ledger = l
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{
			"", "{}", "x", strings.Replace(good, `"v":1`, `"v":2`, 1), strings.Replace(good, "ringing", "dancing", 1),
			strings.Replace(good, "UDP", "SCTP", 1), strings.Replace(good, `"target":"sip`, `"target":"\r\n`, 1),
			strings.Replace(good, "1 INVITE", "1 DANCE", 1), strings.Replace(good, `"to":"`, `"to":"?`, 1), strings.Repeat(" ", 1<<20),
		} {
			l.put("bad", []byte("x"))
			if err := s.Recover("bad", []byte(text)); err == nil {
				t.Errorf("recovered %.200s", text)
			}
			if l.all()["bad"] != "" {
				t.Errorf("still kept: %.200s", text)
			}
		}
		if err := s.Recover("good", []byte(good)); err != nil {
			t.Error(err)
		}
		if err := s.Recover("again", []byte(good)); err == nil {
			t.Error("the same dialog twice")
		}
	})
}
