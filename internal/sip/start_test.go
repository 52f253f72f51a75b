package sip_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

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
