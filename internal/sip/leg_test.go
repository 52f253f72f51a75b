package sip_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

func TestWhoCalls(t *testing.T) {
	for from, want := range map[string]leg.Party{
		`"Al \"X\" Ice" <sip:alice@example.com>`:      {ID: "8:acs:alice", Display: `Al "X" Ice`},
		`<sip:+15550101@example.com;user=phone>`:      {ID: "4:+15550101"},
		`<sip:%2B1-555-0101@example.com>`:             {ID: "4:+15550101"}, // escaped
		`<sip:+1-555-010-1234;ext=5@example.com>`:     {ID: "4:+15550101234"},
		`<tel:+15550101>`:                             {ID: "4:+15550101"},
		`Bob <sip:15550101@example.com>`:              {ID: "8:acs:15550101", Display: "Bob"},
		`"Anonymous" <sip:anonymous@example.invalid>`: {ID: "8:acs:anonymous", Display: "Anonymous"},
		`<sip:+12-34@example.com>`:                    {ID: "8:acs:+12-34"}, // too short for E.164
		`<sip:al%20ice@example.com>`:                  {ID: "8:acs:al ice"},
		`<sip:example.com>`:                           {ID: "8:acs:"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil)
			p := b.phone("127.0.0.1:7001")
			p.say(p.request("INVITE", offerPCMU, "From: "+from+";tag="+p.tag))
			l := b.leg()
			if got := l.Party(); got != want {
				t.Errorf("%s is %+v, want %+v", from, got, want)
			}
			l.Hangup(t.Context(), leg.Declined)
		})
	}
}

func TestTheTickDoesNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		l := b.established(b.phone("127.0.0.1:7001"))
		f := media.Frame{Rate: media.Rate8k}
		pass := func() {
			f.Tick++
			media.Pull(l, &f)
			for _, ok := l.(room.Keypad).NextDigit(); ok; _, ok = l.(room.Keypad).NextDigit() {
			}
			l.(room.Holder).HeldDigit()
			l.Rate()
			l.Write(&f)
		}
		for range 20 {
			pass()
		}
		if n := testing.AllocsPerRun(100, pass); n != 0 {
			t.Errorf("%v allocations a tick, want 0", n)
		}
	})
}

func TestSilenceForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.MediaTimeout = time.Second })
		l := b.established(b.phone("127.0.0.1:7001"))
		f := media.Frame{Rate: media.Rate8k}
		for range 60 {
			f.Tick++
			if _, err := l.Read(&f); errors.Is(err, rtp.ErrTimeout) {
				return
			}
		}
		t.Error("Read did not fail")
	})
}

func TestSoundEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		p.say(p.request("BYE", ""))
		p.status(200)
		wantEnded(t, l, leg.Normal, true)
		f := media.Frame{Rate: media.Rate8k}
		before := l.(interface{ Stats() rtp.Stats }).Stats().PacketsOut
		for range 5 {
			if _, err := l.Read(&f); err != nil {
				t.Error(err)
			}
			if err := l.Write(&f); err != nil {
				t.Error(err)
			}
			f.Tick++
		}
		if after := l.(interface{ Stats() rtp.Stats }).Stats().PacketsOut; after != before {
			t.Errorf("%d packets after BYE", after-before)
		}
		l.SendDigits("5") // nobody is told, and nothing breaks
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestPortsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Ports.Min, s.Ports.Max = 40020, 40021 }) // one pair
		for i := range 6 {
			p := b.phone(fmt.Sprintf("127.0.0.1:%d", 7001+i))
			p.say(p.request("INVITE", offerPCMU))
			p.status(180)
			l := b.leg()
			switch i % 3 {
			case 0:
				l.Hangup(t.Context(), leg.Busy)
			case 1:
				p.say(p.request("CANCEL", ""))
				p.status(200)
			case 2:
				b.accept(p, l)
				p.say(p.request("BYE", ""))
				p.status(200)
				l.Close() // an answered leg's owner frees it, between two ticks
			}
			synctest.Wait()
		}
	})
}

// BenchmarkCall is a call from INVITE to the response to BYE, without sound.
func BenchmarkCall(bench *testing.B) {
	b := serve(bench, nil)
	bench.ReportAllocs()
	n := 0
	for bench.Loop() {
		n++
		p := b.phone(fmt.Sprintf("127.0.0.1:%d", 7000+n%20000))
		p.call = fmt.Sprint("call-", n)
		p.tag = fmt.Sprint("tag-", n)
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l := <-b.legs
		go l.Answer(context.Background())
		p.status(200)
		p.say(p.request("ACK", ""))
		want[leg.Answered](bench, l)
		p.say(p.request("BYE", ""))
		p.status(200)
		want[leg.Ended](bench, l)
		l.Close()
	}
}

func TestALongNameIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU, `From: "`+strings.Repeat("ä", 900)+`" <sip:bob@x>;tag=`+p.tag, "X-Big: "+strings.Repeat("x", 2000)))
		l := b.leg()
		if c := l.Call(); len(c.From.Display) != 256 || len(c.Headers) != 0 {
			t.Errorf("display of %d bytes, headers %v", len(c.From.Display), c.Headers)
		}
		l.Hangup(t.Context(), leg.Declined)
	})
}
