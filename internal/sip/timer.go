package sip

import (
	"context"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// minSession is the shortest session interval that we take (RFC 4028 §4).
const minSession = 90 * time.Second

// A sessionTimer is what the two sides have agreed on keeping the session
// alive (RFC 4028). We never ask for it, but go along.
type sessionTimer struct {
	interval time.Duration // 0: none
	ours     bool          // it is we who refresh
	supports bool          // the far end knows the extension itself
}

// asked reads Session-Expires of a request that sets up or refreshes the
// session. ok is false if the interval is too short; brief says how short it
// may be.
func (t *sessionTimer) asked(req *sipgo.Request) (brief sipgo.Header, ok bool) {
	next := sessionTimer{supports: lists(req, "timer", "Supported", "k")}
	value := header(req, "Session-Expires", "x")
	if value == "" {
		*t = next
		return nil, true
	}
	n, refresher, valid := sessionExpires(value)
	if !valid {
		*t = next
		return nil, true
	}
	next.interval = n
	if next.interval < minSession {
		return sipgo.NewHeader("Min-SE", itoa(int(minSession/time.Second))), false
	}
	// Who does not know the extension cannot refresh: a proxy asked for it.
	next.ours = refresher == "uas" || !next.supports
	*t = next
	return nil, true
}

// granted is what our 2xx to that request says.
func (t *sessionTimer) granted(*sipgo.Request) []sipgo.Header {
	if t.interval == 0 {
		return nil
	}
	who := "uac"
	if t.ours {
		who = "uas"
	}
	out := []sipgo.Header{sipgo.NewHeader("Session-Expires", itoa(int(t.interval/time.Second))+";refresher="+who)}
	if t.supports {
		out = append(out, sipgo.NewHeader("Require", "timer"))
	}
	return out
}

// agreed takes what a 2xx to a request of ours says.
func (t *sessionTimer) agreed(res *sipgo.Response) {
	*t = sessionTimer{}
	if n, refresher, ok := sessionExpires(header(res, "Session-Expires", "x")); ok {
		t.interval = max(n, minSession)
		t.ours = refresher != "uas"
		t.supports = true
	}
}

// start winds the timer up: from now on the session lasts one interval.
func (t *sessionTimer) start(deadlines *deadlines, now time.Time) {
	deadlines.refresh, deadlines.expire = time.Time{}, time.Time{}
	if t.interval == 0 {
		return
	}
	if t.ours {
		deadlines.refresh = now.Add(t.interval / 2)
	}
	deadlines.expire = now.Add(t.interval - min(32*time.Second, t.interval/3)) // RFC 4028 §10
	if t.ours {
		deadlines.expire = now.Add(t.interval)
	}
}

// sessionExpires reads "1800;refresher=uac".
func sessionExpires(value string) (interval time.Duration, refresher string, ok bool) {
	number, rest, _ := strings.Cut(value, ";")
	n, ok := seconds(number)
	if !ok || n == 0 {
		return 0, "", false
	}
	for part := range strings.SplitSeq(rest, ";") {
		if k, v, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return time.Duration(min(n, 7*24*3600)) * time.Second, refresher, true
}

// refresh keeps the session alive: by UPDATE if the far end takes it, else by a
// re-INVITE that changes nothing.
func (d *dialog) refresh(ctx context.Context) {
	if d.pending != nil || d.await != nil { // something else is under way
		d.deadlines.refresh = time.Now().Add(5 * time.Second)
		return
	}
	method := sipgo.INVITE
	var body []byte
	if d.farAllow["UPDATE"] {
		method = sipgo.UPDATE
	} else {
		var err error
		if body, err = d.sound.offer(); err != nil {
			d.log.Warn("sip: no offer for a refresh", "error", err)
			return
		}
	}
	extra := []sipgo.Header{sipgo.NewHeader("Session-Expires", itoa(int(d.session.interval/time.Second))+";refresher=uac")}
	if err := d.ask(ctx, method, body, d.refreshAnswered, extra...); err != nil {
		d.log.Info("sip: session not refreshed", "error", err)
		d.deadlines.refresh = time.Now().Add(10 * time.Second)
	}
}

// refreshAnswered takes the final response to a refresh of ours; nil if none
// came.
func (d *dialog) refreshAnswered(x *exchange, res *sipgo.Response) {
	switch {
	case res == nil || res.StatusCode == 408 || res.StatusCode == 481:
		d.hangup(leg.MediaTimeout) // RFC 3261 §12.2.1.2
	case res.IsSuccess():
		d.retarget(res.Contact())
		if x.req.Method == sipgo.INVITE {
			d.ackExchange(x, res)
			if body, ok := sdpOf(res); ok && body != nil {
				if err := d.sound.accept(body); err != nil {
					d.hangup(leg.NoCodec)
					return
				}
				d.holds()
			}
		}
		was := d.session
		d.session.agreed(res)
		if d.session.interval == 0 { // it has forgotten; we have not
			d.session = was
		}
		d.session.start(&d.deadlines, time.Now())
	case res.StatusCode == 422:
		if n, ok := seconds(header(res, "Min-SE")); ok {
			d.session.interval = max(d.session.interval, time.Duration(min(n, 7*24*3600))*time.Second)
		}
		d.deadlines.refresh = time.Now()
	default: // 491 and the like: again soon, until the session expires
		d.deadlines.refresh = time.Now().Add(5 * time.Second)
	}
}
