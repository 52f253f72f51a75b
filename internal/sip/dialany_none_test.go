package sip_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// TestNobodyAnswers: the cause that says most.
func TestNobodyAnswers(t *testing.T) {
	for _, tt := range []struct {
		codes []int
		cause leg.Cause
	}{
		{[]int{603, 486}, leg.Busy},
		{[]int{404, 480, 603}, leg.Declined},
		{[]int{404, 480, 500}, leg.NoAnswer},
		{[]int{404, 403}, leg.Forbidden},
		{[]int{404, 503, 488}, leg.NoCodec},
		{[]int{500, 404}, leg.Unreachable},
		{[]int{500, 302}, leg.Failed},
	} {
		t.Run(fmt.Sprint(tt.codes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := ringAll(t, len(tt.codes))
				for i, code := range tt.codes {
					synctest.Wait()
					if len(r.l.Events()) > 0 {
						t.Error("over before the last has said no")
					}
					r.respond(i, code)
				}
				wantEnded(t, r.l, tt.cause, true)
			})
		})
	}
}

func TestHangupWithdrawsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.respond(0, 180)
		r.respond(1, 180)
		want[leg.Ringing](t, r.l)
		gone := make(chan error, 2)
		for range 2 {
			go func() { gone <- r.l.Hangup(context.Background(), leg.Canceled) }()
		}
		wantEnded(t, r.l, leg.Canceled, false)
		for i, p := range r.phones {
			c := p.expect(sipgo.CANCEL)
			if c.GetHeader("Reason") != nil {
				t.Errorf("nobody has answered elsewhere:\n%s", c)
			}
			p.answer(c, 200, "")
			if i == 0 {
				r.respond(0, 487)
			} else { // the answer crosses
				r.respond(1, 200)
				p.answer(p.expect(sipgo.BYE), 200, "")
			}
		}
		for range 2 {
			if err := <-gone; err != nil {
				t.Error(err)
			}
		}
		r.l.SendDigits("5")
		if err := r.l.Hangup(t.Context(), leg.Normal); err != nil {
			t.Error(err)
		}
	})
}

func TestHangupAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.respond(0, 200)
		want[leg.Answered](t, r.l)
		gone := make(chan error)
		go func() { gone <- r.l.Hangup(context.Background(), leg.Normal) }()
		r.phones[0].answer(r.phones[0].expect(sipgo.BYE), 200, "")
		wantEnded(t, r.l, leg.Normal, false)
		r.respond(1, 100) // only now it is heard of, and may be withdrawn
		r.withdrawn(1)
		if err := <-gone; err != nil {
			t.Error(err)
		}
	})
}

func TestClosedBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.l.Close()
		r.respond(0, 200)
		r.phones[0].answer(r.phones[0].expect(sipgo.BYE), 200, "")
		r.respond(1, 486)
		wantEnded(t, r.l, leg.Busy, true)
	})
}

func TestTheServerStopsWhileAllRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ringAll(t, 2)
		r.stop()
		wantEnded(t, r.l, leg.Shutdown, false)
		<-r.ran
		if _, err := r.server.DialAny(t.Context(), make([]sip.DialConfig, 2)); !errors.Is(err, sip.ErrNotRunning) {
			t.Errorf("err = %v", err)
		}
	})
}
