package sip_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

func TestReferIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		start := time.Now()
		if err := <-x.asked; err == nil || time.Since(start) != 32*time.Second {
			t.Errorf("err = %v after %v", err, time.Since(start))
		}
		x.quiet()
		x.p.drain()
		x.bye()
	})
}

// TestTransferGivenUp: who asked does not wait, so nobody is told.
func TestTransferGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.p.answer(x.refer, 603, "")
		<-x.asked
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := x.l.(leg.Transferrer).Transfer(ctx, "8:acs:carol", nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		x.refer = x.p.expect(sipgo.REFER)
		x.p.drain()
		x.p.answer(x.refer, 202, "")
		x.notify(200, "200 OK", "terminated")
		x.quiet()
		x.bye()
	})
}

func TestTransferTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.grant()
		x.notify(200, "180 Ringing", "active")
		start := time.Now()
		x.want(false, leg.NoAnswer)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("gave up after %v", d)
		}
		x.notify(481, "200 OK", "terminated") // which ends the subscription
		x.quiet()
		x.bye()
	})
}

// TestTheFarEndLeavesInATransfer: a BYE in place of the last NOTIFY, at once
// behind it, and before it, since sipgo may let one overtake the other.
func TestTheFarEndLeavesInATransfer(t *testing.T) {
	t.Run("instead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.grant()
			x.notify(200, "180 Ringing", "active")
			start := time.Now()
			x.p.say(x.p.request("BYE", ""))
			x.p.status(200)
			x.want(false, leg.Failed)
			wantEnded(t, x.l, leg.Normal, true)
			if d := time.Since(start); d > 100*time.Millisecond {
				t.Errorf("Ended after %v", d)
			}
		})
	})
	t.Run("before the yes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.p.say(x.p.request("BYE", ""))
			x.p.status(200)
			if err := <-x.asked; err == nil {
				t.Error("no error")
			}
			wantEnded(t, x.l, leg.Normal, true)
		})
	})
	t.Run("behind", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.grant()
			x.p.say(x.notification("200 OK", "terminated"))
			x.p.say(x.p.request("BYE", ""))
			x.want(true, leg.Normal)
			wantEnded(t, x.l, leg.Normal, true)
		})
	})
	t.Run("overtaking", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.grant()
			x.notify(200, "100 Trying", "active")
			late := x.notification("200 OK", "terminated")
			x.p.say(x.p.request("BYE", ""))
			x.p.status(200)
			x.quiet()
			x.p.say(late)
			x.p.status(200)
			x.want(true, leg.Normal)
			wantEnded(t, x.l, leg.Normal, true)
		})
	})
	t.Run("lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.grant()
			x.notification("200 OK", "terminated")
			x.p.say(x.p.request("BYE", ""))
			x.p.status(200)
			start := time.Now()
			x.want(false, leg.Failed)
			wantEnded(t, x.l, leg.Normal, true)
			if d := time.Since(start); d != time.Second {
				t.Errorf("Ended after %v", d)
			}
			x.l.Hangup(t.Context(), leg.Normal)
		})
	})
}

func TestWeLeaveInATransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.grant()
		left := make(chan error)
		go func() { left <- x.l.Hangup(t.Context(), leg.Normal) }()
		bye := x.p.expect(sipgo.BYE)
		x.want(false, leg.Canceled)
		wantEnded(t, x.l, leg.Normal, false)
		x.notify(200, "180 Ringing", "active") // the subscription outlives the call for a moment
		x.p.answer(bye, 200, "")
		if err := <-left; err != nil {
			t.Error(err)
		}
	})
}

func TestTransferWhileTheServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.grant()
		x.b.stop()
		x.p.answer(x.p.expect(sipgo.BYE), 200, "")
		x.want(false, leg.Canceled)
		wantEnded(t, x.l, leg.Shutdown, false)
		<-x.b.ran
		if err := x.l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", nil); err == nil {
			t.Error("transferred")
		}
	})
}
