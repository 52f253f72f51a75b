package sip_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// Who dials in the very moment in which the server begins to run calls from its
// own port.
func TestDialAtTheFirstMoment(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for range 50 {
		s := tcpServer(t)
		running.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		l, err := s.Dial(ctx, sip.DialConfig{Target: "sip:nobody@127.0.0.1:9", From: leg.Party{ID: "8:acs:bob"}})
		for errors.Is(err, sip.ErrNotRunning) {
			runtime.Gosched()
			l, err = s.Dial(ctx, sip.DialConfig{Target: "sip:nobody@127.0.0.1:9", From: leg.Party{ID: "8:acs:bob"}})
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}

// TestAnEndedDialogIsLetGo: sipgo keeps the transaction of an INVITE for 32 s;
// the dialog, with all its sound, does not wait for that.
func TestAnEndedDialogIsLetGo(t *testing.T) {
	b := serve(t, nil)
	p := b.phone("127.0.0.1:7001")
	p.say(p.request("INVITE", offerPCMU))
	p.status(180)
	l := <-b.legs
	gone := sip.Gone(l)
	b.accept(p, l)
	p.say(p.request("BYE", ""))
	p.status(200)
	wantEnded(t, l, leg.Normal, true)
	l.Close()
	l = nil
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for late := time.After(10 * time.Second); !gone(); {
		runtime.GC()
		select {
		case <-look.C:
		case <-late:
			t.Fatal("it is still held")
		}
	}
}
