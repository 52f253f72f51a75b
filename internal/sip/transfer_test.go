package sip_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
)

// A transfer is one that is under way, with the phone that was asked.
type transfer struct {
	t     *testing.T
	b     *bench
	p     *phone
	l     leg.Leg
	refer *sipgo.Request
	asked chan error
}

func (b *bench) resolving() *bench {
	b.server.Resolver = func(_ context.Context, id string) (string, error) {
		if id != "8:acs:carol" {
			return "", errors.New("no such party")
		}
		return "sip:carol@192.0.2.5:5070;transport=tcp", nil
	}
	return b
}

// startTransfer has a phone call, and asks it to call carol instead.
func startTransfer(t *testing.T, headers map[string]string) *transfer {
	t.Helper()
	x := &transfer{t: t, b: serve(t, nil).resolving(), asked: make(chan error, 1)}
	x.p = x.b.phone("127.0.0.1:7001")
	x.l = x.b.established(x.p)
	x.ask(headers)
	return x
}

func (x *transfer) ask(headers map[string]string) {
	x.t.Helper()
	go func() {
		x.asked <- x.l.(leg.Transferrer).Transfer(x.t.Context(), "8:acs:carol", headers)
	}()
	x.refer = x.p.expect(sipgo.REFER)
}

// grant answers 202 and wants Transfer to return.
func (x *transfer) grant() {
	x.t.Helper()
	x.p.answer(x.refer, 202, "")
	if err := <-x.asked; err != nil {
		x.t.Fatal(err)
	}
}

// notification is a NOTIFY of the phone's.
func (x *transfer) notification(status, state string, headers ...string) string {
	body := ""
	if status != "" {
		body = "SIP/2.0 " + status + "\r\n"
	}
	headers = append([]string{"Event: refer", "Subscription-State: " + state, "Content-Type: message/sipfrag;version=2.0"}, headers...)
	return x.p.request("NOTIFY", body, headers...)
}

// notify sends it and wants it to be answered with code.
func (x *transfer) notify(code int, status, state string, headers ...string) {
	x.t.Helper()
	x.p.say(x.notification(status, state, headers...))
	x.p.status(code)
}

func (x *transfer) want(ok bool, cause leg.Cause) {
	x.t.Helper()
	if e := want[leg.Transferred](x.t, x.l); e.OK != ok || e.Cause != cause {
		x.t.Errorf("transferred %+v, want %v %v", e, ok, cause)
	}
}

// quiet checks that nothing happened to the leg.
func (x *transfer) quiet() {
	x.t.Helper()
	synctest.Wait()
	select {
	case e := <-x.l.Events():
		x.t.Errorf("event %#v, want none", e)
	default:
	}
}

func (x *transfer) bye() {
	x.t.Helper()
	x.p.say(x.p.request("BYE", ""))
	x.p.status(200)
	wantEnded(x.t, x.l, leg.Normal, true)
}

func TestTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := map[string]string{"User-To-User": "56a3;encoding=hex", "X-MS-Custom-k": "a&b=c?\">ü"}
		x := startTransfer(t, headers)
		to := x.refer.GetHeader("Refer-To").Value()
		uri, list, _ := strings.Cut(strings.Trim(to, "<>"), "?")
		if uri != "sip:carol@192.0.2.5:5070;transport=tcp" {
			t.Errorf("Refer-To %s", to)
		}
		got, err := url.ParseQuery(list)
		if err != nil || len(got) != 2 {
			t.Errorf("headers of %s: %v, %v", to, got, err)
		}
		for name, value := range headers {
			if got.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, got.Get(name), value)
			}
		}
		if by := x.refer.GetHeader("Referred-By"); by == nil || by.Value() != "<sip:+15550100@127.0.0.1>" || x.refer.Contact() == nil {
			t.Errorf("REFER\n%s", x.refer)
		}
		x.grant()
		x.notify(200, "100 Trying", "active;expires=60")
		x.notify(200, "180 Ringing", "active;expires=55", "Event: refer;id="+fmt.Sprint(x.refer.CSeq().SeqNo))
		x.quiet()
		x.notify(200, "200 OK", "terminated;reason=noresource")
		x.want(true, leg.Normal)
		x.notify(481, "200 OK", "terminated;reason=noresource") // once more: the subscription is over
		go x.l.Hangup(t.Context(), leg.Normal)
		x.p.answer(x.p.expect(sipgo.BYE), 200, "")
		wantEnded(t, x.l, leg.Normal, false)
	})
}

// TestHowTransfersEnd: what the far end says of its new call, and what it means.
func TestHowTransfersEnd(t *testing.T) {
	for _, tt := range []struct {
		status, state string
		ok            bool
		cause         leg.Cause
	}{
		{"200 OK", "active;expires=3", true, leg.Normal},
		{"202 Accepted", "terminated", true, leg.Normal},
		{"486 Busy Here", "terminated;reason=noresource", false, leg.Busy},
		{"603 Decline", "terminated;reason=noresource", false, leg.Declined},
		{"404 Not Found", "active", false, leg.Unreachable},
		{"487 Request Terminated", "terminated", false, leg.Canceled},
		{"503 Service Unavailable", "terminated", false, leg.Overload},
		{"302 Moved", "terminated", false, leg.Failed},
		{"100 Trying", "terminated;reason=timeout", false, leg.NoAnswer},
		{"180 Ringing", "terminated;reason=giveup", false, leg.NoAnswer},
		{"", "terminated;reason=rejected", false, leg.Declined},
		{"", "terminated;reason=noresource", false, leg.Failed},
		{"nonsense", "Terminated ; Reason=deactivated", false, leg.Failed},
	} {
		t.Run(tt.status+" "+tt.state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := startTransfer(t, nil)
				x.grant()
				x.notify(200, tt.status, tt.state)
				x.want(tt.ok, tt.cause)
				if !strings.HasPrefix(strings.ToLower(tt.state), "terminated") { // more may come, and changes nothing
					x.notify(200, "500 Server Error", "terminated")
				}
				x.quiet()
				x.bye()
			})
		})
	}
}

func TestTransferRefused(t *testing.T) {
	for code, cause := range map[int]leg.Cause{603: leg.Declined, 405: leg.Failed, 501: leg.Failed, 403: leg.Forbidden, 302: leg.Failed, 401: leg.Forbidden} {
		synctest.Test(t, func(t *testing.T) {
			x := startTransfer(t, nil)
			x.p.answer(x.refer, 100, "")
			x.p.answer(x.refer, code, "")
			var no *sip.Refusal
			if err := <-x.asked; !errors.As(err, &no) || no.Status != code || no.Cause != cause || leg.CauseOf(err) != cause {
				t.Errorf("%d: err = %v", code, err)
			}
			x.notify(481, "200 OK", "terminated")
			x.quiet()
			if x.b.count("transfer refused") != 1 {
				t.Error("not counted")
			}
			x.ask(nil) // and it may be tried again
			x.grant()
			x.notify(481, "200 OK", "terminated", fmt.Sprint("Event: refer;id=", x.refer.CSeq().SeqNo-1))
			x.notify(200, "200 OK", "terminated", fmt.Sprint("Event: refer;id=", x.refer.CSeq().SeqNo))
			x.want(true, leg.Normal)
			x.bye()
		})
	}
}

func TestOnlyNotifiesOfOurSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.grant()
		other := fmt.Sprint(x.refer.CSeq().SeqNo + 7)
		x.notify(481, "200 OK", "terminated", "Event: refer;id="+other)
		x.notify(481, "200 OK", "terminated", "Event: message-summary")
		x.notify(481, "200 OK", "terminated", "Event:")
		x.notify(400, "0 K", "active")
		x.quiet()
		x.notify(200, "", "active") // nothing is known yet
		x.quiet()
		x.notify(200, "200 OK", "terminated", "Event:", "o: refer")
		x.want(true, leg.Normal)
		far := x.p.far
		x.p.far = "unknown"
		x.notify(481, "200 OK", "terminated")
		x.p.far = far
		x.bye()
	})
}

func TestNotifyBeforeTheYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.notify(200, "100 Trying", "active")
		if err := <-x.asked; err != nil { // that it tries says yes
			t.Fatal(err)
		}
		x.notify(200, "200 OK", "terminated")
		x.p.answer(x.refer, 202, "")
		x.want(true, leg.Normal)
		x.quiet()
		x.bye()
	})
}

func TestNotifyBeforeANo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.notify(200, "100 Trying", "active")
		x.p.answer(x.refer, 603, "")
		if err := <-x.asked; err != nil {
			t.Fatal(err)
		}
		x.want(false, leg.Declined)
		x.bye()
	})
}

func TestTransferWithoutSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		x.p.answer(x.refer, 200, "", "Refer-Sub: false")
		if err := <-x.asked; err != nil {
			t.Fatal(err)
		}
		x.want(true, leg.Normal)
		x.notify(481, "200 OK", "terminated")
		x.bye()
	})
}

func TestOneTransferAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := startTransfer(t, nil)
		other := x.l.(leg.Transferrer)
		for range 2 { // while it is asked, and while it tries
			if err := other.Transfer(t.Context(), "8:acs:carol", nil); err == nil {
				t.Error("two at once")
			}
			if x.asked != nil {
				x.grant()
				x.asked = nil
			}
		}
		if err := other.Transfer(t.Context(), "8:acs:nobody", nil); err == nil || !strings.Contains(err.Error(), "no such party") {
			t.Errorf("err = %v", err)
		}
		x.notify(200, "200 OK", "terminated")
		x.want(true, leg.Normal)
		x.bye()
		if err := other.Transfer(t.Context(), "8:acs:carol", nil); err == nil {
			t.Error("transferred a leg that is over")
		}
	})
}

func TestTransferBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil).resolving()
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		l := b.leg()
		if err := l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", nil); err == nil {
			t.Error("transferred a leg that rings")
		}
		l.Hangup(t.Context(), leg.Declined)
		b.server.Resolver = nil
	})
}

// TestTransferOfACallOfOurs: the far end's numbers are not known before its
// first request, and it asks for a password.
func TestTransferOfACallOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil).resolving()
		x := &transfer{t: t, b: b, p: b.phone("127.0.0.1:7001"), asked: make(chan error, 1)}
		x.l = b.dial(sip.DialConfig{Target: "sip:bob@127.0.0.1:7001", User: "u", Password: "secret"})
		inv := x.p.expect(sipgo.INVITE)
		x.p.answer(inv, 200, offerPCMU)
		x.p.expect(sipgo.ACK)
		want[leg.Answered](t, x.l)
		x.p.call, x.p.far = inv.CallID().Value(), inv.From().Params[0].V
		x.ask(nil)
		first := x.refer.CSeq().SeqNo
		x.p.answer(x.refer, 401, "", `WWW-Authenticate: Digest realm="c", nonce="n1", qop="auth"`)
		x.refer = x.p.expect(sipgo.REFER)
		if x.refer.GetHeader("Authorization") == nil || x.refer.GetHeader("Refer-To") == nil {
			t.Errorf("REFER\n%s", x.refer)
		}
		x.grant()
		x.p.seq = 40
		x.notify(200, "100 Trying", "active", fmt.Sprint("Event: refer;id=", first)) // some name the one, some the other
		late := x.notification("200 OK", "terminated", fmt.Sprint("Event: refer;id=", x.refer.CSeq().SeqNo))
		x.p.say(x.p.request("BYE", ""))
		x.p.status(200)
		x.p.say(late)
		x.p.status(200)
		x.want(true, leg.Normal)
		wantEnded(t, x.l, leg.Normal, true)
	})
}

// TestACallerMayNotTransferUs: whom a call goes to is for its application.
func TestACallerMayNotTransferUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		p.say(p.request("REFER", "", "Refer-To: <sip:carol@127.0.0.1>"))
		p.status(603)
		p.say(p.request("SUBSCRIBE", "", "Event: dialog"))
		p.status(405)
		if allow := p.got.GetHeader("Allow").Value(); strings.Contains(allow, "REFER") || !strings.Contains(allow, "NOTIFY") {
			t.Errorf("Allow: %s", allow)
		}
		p.far, p.call = "", "another"
		p.say(p.request("REFER", "", "Refer-To: <sip:carol@127.0.0.1>"))
		p.status(403)
		if n := b.count("transfer asked for"); n != 2 {
			t.Errorf("counted %d times, want 2", n)
		}
		select {
		case e := <-l.Events():
			t.Errorf("event %#v", e)
		default:
		}
	})
}

func TestBadTargetsOfATransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		l := b.established(p)
		for _, uri := range []string{"", "tel:+15550100", "sip:", "sip:a@b>\r\nX: y", "carol"} {
			b.server.Resolver = func(context.Context, string) (string, error) { return uri, nil }
			if err := l.(leg.Transferrer).Transfer(t.Context(), "8:acs:carol", nil); err == nil {
				t.Errorf("transferred to %q", uri)
			}
		}
		synctest.Wait()
		p.none(time.Second)
	})
}
