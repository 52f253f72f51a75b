package sip

import (
	"errors"
	"math/rand/v2"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sdp"
)

// receive takes a request of the far end in the dialog.
func (d *dialog) receive(r request) {
	if r.Method == sipgo.ACK {
		d.ack(r)
		return
	}
	seq := r.CSeq().SeqNo
	before := d.farSeq
	late := seq <= before && before != 0
	d.farSeq = max(d.farSeq, seq)
	if d.direct && d.stage != over && d.peer != r.Source() { // a NAT has changed its mind
		d.peer = r.Source()
		if d.stage == up {
			d.note(keptUp)
		}
	}
	switch {
	case r.Method == sipgo.BYE:
		if !d.leaves(r, before) {
			d.farBye(r)
		}
	case r.Method == sipgo.NOTIFY: // its subscription outlives a BYE (RFC 5057 §4)
		d.notify(r)
	case r.Method == sipgo.OPTIONS:
		d.reply(r, 200, nil, allow(), accept(), supported())
	case d.stage == leaving || d.stage == over:
		d.reply(r, 481, nil)
	case r.Method == sipgo.INFO:
		d.info(r)
	case r.Method == sipgo.INVITE || r.Method == sipgo.UPDATE:
		if late { // RFC 3261 §12.2.2; other methods may overtake each other on their way through sipgo
			d.reply(r, 500, nil, sipgo.NewHeader("Retry-After", "1"))
			return
		}
		d.modify(r)
	case r.Method == sipgo.PRACK:
		d.reply(r, 481, nil)
	case r.Method == sipgo.REFER: // whom a call goes to is for its application to say
		d.server.count("transfer asked for")
		d.reply(r, 603, nil)
	default:
		d.reply(r, 405, nil, allow())
	}
}

// reply sends a final response to a request that has no ACK.
func (d *dialog) reply(r request, code int, body []byte, extra ...sipgo.Header) {
	if code >= 400 {
		d.server.count("in dialog " + itoa(code))
	}
	if err := r.tx.Respond(response(r.Request, code, body, extra...)); err != nil {
		d.server.count("response not sent")
	}
	r.tx.TerminateGracefully()
}

// farBye: the far end hangs up.
func (d *dialog) farBye(r request) {
	d.reply(r, 200, nil)
	switch d.stage {
	case ringing:
		d.reject(487)
	case calling: // it may do so in an early dialog; the final response to our INVITE follows
		d.end(leg.Normal, true)
		return
	case answering: // it has had our 2xx: the ACK before this was overtaken on its way through sipgo, or lost
		if !d.asked {
			d.settle(nil)
			d.emit(leg.Answered{})
		}
	case leaving:
		if d.former.awaits() { // its INVITE has no end yet
			return
		}
	}
	d.end(leg.Normal, true)
	d.stage = over
}

// modify takes a re-INVITE or an UPDATE: a new offer, or none, a new address,
// a refresh of the session.
func (d *dialog) modify(r request) {
	offer, ok := sdpOf(r.Request)
	switch {
	case !ok:
		d.reply(r, 415, nil, accept())
		return
	case required(r.Request) != "":
		d.reply(r, 420, nil, sipgo.NewHeader("Unsupported", required(r.Request)))
		return
	case d.await != nil && len(d.deferred) < inboxSize:
		d.deferred = append(d.deferred, r) // the ACK before it is on its way: sipgo may let one overtake the other
		d.wait(r)
		return
	case d.pending.offering(): // both at once: who asked second waits (RFC 3261 §14.2)
		d.reply(r, 491, nil)
		return
	case d.await != nil, d.stage != up && (r.Method == sipgo.INVITE || offer != nil):
		d.reply(r, 500, nil, sipgo.NewHeader("Retry-After", itoa(rand.IntN(10))))
		return
	}
	brief, ok := d.session.asked(r.Request)
	if !ok {
		d.reply(r, 422, nil, brief)
		return
	}
	if r.Method == sipgo.UPDATE && offer == nil {
		d.refreshed(r)
		d.reply(r, 200, nil, d.granted(r)...)
		return
	}
	d.renegotiate(r, offer)
}

// wait tells who has sent a re-INVITE that has to wait not to repeat it.
func (d *dialog) wait(r request) {
	if r.Method != sipgo.INVITE {
		return
	}
	if err := r.tx.Respond(response(r.Request, 100, nil)); err != nil {
		d.server.count("response not sent")
	}
}

// renegotiate answers a new offer, or makes one where none came.
func (d *dialog) renegotiate(r request, offer []byte) {
	var body []byte
	var err error
	if offer != nil {
		body, err = d.sound.reoffered(offer)
	} else {
		body, err = d.sound.offer()
	}
	switch {
	case errors.Is(err, sdp.ErrNoCodec):
		d.reply(r, 488, nil, accept()) // and all stays as it was
		return
	case err != nil:
		d.log.Info("sip: bad offer", "error", err)
		d.reply(r, 400, nil)
		return
	}
	d.refreshed(r)
	if r.Method == sipgo.UPDATE {
		d.reply(r, 200, body, d.granted(r)...)
	} else {
		ok := response(r.Request, 200, body, append(d.granted(r), allow(), supported())...)
		if err := d.confirm(&awaiting{r.tx, ok, r.CSeq().SeqNo, offer == nil}); err != nil {
			d.server.count("response not sent")
		}
	}
	if offer != nil {
		d.holds()
	}
}

// granted is what a 2xx to a re-INVITE or UPDATE holds.
func (d *dialog) granted(r request) []sipgo.Header {
	return append(d.session.granted(r.Request), d.contact())
}

// refreshed takes the far end's new address, and winds the session up again.
func (d *dialog) refreshed(r request) {
	d.retarget(r.Contact())
	d.allows(r.Request)
	d.session.start(&d.deadlines, time.Now())
}

// retarget takes a new address of the far end. It is kept before the far end
// can rely on it.
func (d *dialog) retarget(c *sipgo.ContactHeader) {
	if c == nil || c.Address.Host == "" {
		return
	}
	before := d.target.String()
	d.target = *c.Address.Clone()
	if d.stage == up && d.target.String() != before {
		d.keep(keptUp)
	}
}

// holds tells whether the far end has put us on hold or taken us back.
func (d *dialog) holds() {
	if on := d.sound.heldByFarEnd(); on != d.held {
		d.held = on
		d.emit(leg.Held{On: on})
	}
}
