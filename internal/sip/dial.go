package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	sipgo "github.com/emiago/sipgo/sip"
	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/leg"
)

// A DialConfig is a call to be placed.
type DialConfig struct {
	// Target is whom to call: "sip:alice@192.0.2.7:5060;transport=tcp".
	Target string
	// Route is the SIP URI or host:port of the proxy to go through; empty for
	// the target itself.
	Route string
	// Source is where a telephone that registered was heard from, and Transport
	// how ("udp", "tcp"): if that is another host than Target names, a NAT lies
	// between, and Source is where the call is sent. The zero values are for a
	// Target that can be reached as it is written.
	Source    netip.AddrPort
	Transport string
	// Party is who is called, if Target does not say so: a telephone's own
	// address may hold any name.
	Party leg.Party
	// From is who calls: ID as everywhere ("4:+15550100", "8:acs:alice").
	From leg.Party
	// Domain is the host in From; empty for our own address.
	Domain string
	// User and Password answer challenges (401, 407).
	User, Password string
	// Codecs are offered in this order; none means the Server's.
	Codecs []string
	// Headers are custom headers to send along: User-To-User and X-…. ErrHeader
	// says that one of them cannot be sent.
	Headers map[string]string
	// CorrelationID names the call in logs and events; empty for a new one.
	CorrelationID string
}

// An outgoing is our INVITE on its way.
type outgoing struct {
	tx      *sipgo.ClientTx // nil: of a former dialog
	req     *sipgo.Request
	heard   bool // a provisional response has come, so CANCEL may go
	rang    bool // Ringing is out
	settled bool // a final response has come
	try     int
	early   []byte                         // the answer that a provisional response brought
	ack     *atomic.Pointer[sipgo.Request] // of the 2xx; repeated when the 2xx is
}

func (o *outgoing) responses() <-chan *sipgo.Response {
	if o == nil || o.settled || o.tx == nil {
		return nil
	}
	return o.tx.Responses()
}

func (o *outgoing) done() <-chan struct{} {
	if o == nil || o.settled || o.tx == nil {
		return nil
	}
	return o.tx.Done()
}

func (o *outgoing) drop() {
	if o != nil && !o.settled && o.tx != nil {
		o.tx.Terminate()
	}
}

// Dial places a call and returns its leg at once: Ringing, Answered and Ended
// are its events. An error says that not even an INVITE could be sent:
// rtp.ErrNoPorts, ErrNotRunning, a target that is no SIP URI, or that has no
// address. ctx bounds the sending only; Hangup ends the call. Early media is not
// heard: the sound begins with Answered. An answer on the heels of the ringing
// may overtake it on its way through sipgo; then there is no Ringing.
func (s *Server) Dial(ctx context.Context, c DialConfig) (leg.Leg, error) {
	d, err := s.dial(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", clean(c.Target, maxUser), err)
	}
	return d, nil
}

func (s *Server) dial(ctx context.Context, c DialConfig) (*dialog, error) {
	d, err := s.newUAC(c)
	if err != nil {
		return nil, err
	}
	if err = d.place(ctx, c); err != nil {
		d.forget()
	} else if !s.start(d.run) { // the next run withdraws it
		err = ErrNotRunning
	}
	if err != nil {
		d.out.drop()
		d.sound.abandon()
		s.dialogs.remove(d)
		return nil, err
	}
	return d, nil
}

var errTarget = errors.New("not a SIP URI")

// newUAC is the dialog of a call of ours.
func (s *Server) newUAC(c DialConfig) (*dialog, error) {
	if !s.running() {
		return nil, ErrNotRunning
	}
	if err := checkHeaders(c.Headers); err != nil {
		return nil, err
	}
	d := s.newDialog()
	d.stage = calling
	if err := d.aimAt(c); err != nil {
		return nil, err
	}
	d.callID = uuid.NewString()
	d.local = end{
		display: c.From.Display,
		uri:     sipgo.Uri{Scheme: "sip", User: EscapeUser(userFor(c.From.ID)), Host: cmp.Or(c.Domain, d.us.Addr().String())},
		tag:     sipgo.GenerateTagN(tagSize),
	}
	d.key = d.local.tag
	d.user, d.password = c.User, c.Password
	d.call = leg.Call{From: c.From, To: d.party, CorrelationID: c.CorrelationID, Headers: c.Headers}
	if d.call.CorrelationID == "" {
		d.call.CorrelationID = uuid.NewString()
	}
	d.log = s.Log.With("call", d.call.CorrelationID)
	if _, full := s.dialogs.add(d, "", s.maxCalls()); full {
		return nil, errors.New("too many calls")
	}
	return d, nil
}

// aimAt says whom a call of ours is for, and which way it goes.
func (d *dialog) aimAt(c DialConfig) error {
	if err := sipgo.ParseUri(c.Target, &d.target); err != nil || d.target.Host == "" || d.target.Scheme != "sip" ||
		strings.ContainsFunc(c.Target, unicode.IsControl) {
		return errTarget
	}
	next := &d.target
	if c.Route != "" {
		route, err := routeURI(c.Route)
		if err != nil {
			return err
		}
		d.routes = []sipgo.Uri{route}
		next = &d.routes[0]
	}
	d.transport = transportOf(next, strings.ToUpper(cmp.Or(c.Transport, "udp")))
	far, _ := netip.ParseAddr(strings.Trim(next.Host, "[]"))
	if c.Source.IsValid() && c.Route == "" && strings.EqualFold(cmp.Or(c.Transport, "udp"), d.transport) {
		d.peer, d.direct = c.Source.String(), true // see route
		far = c.Source.Addr()
	}
	d.us = d.server.facing(far.Unmap())
	d.remote = end{uri: sipgo.Uri{Scheme: "sip", User: d.target.User, Host: d.target.Host, Port: d.target.Port}}
	d.party = leg.Party{ID: partyID(userOf(&d.target))}
	if c.Party.ID == "" {
		return nil
	}
	d.party = c.Party
	if user := userFor(c.Party.ID); user != userOf(&d.target) {
		d.remote.uri = sipgo.Uri{Scheme: "sip", User: EscapeUser(user), Host: d.us.Addr().String()}
	}
	return nil
}

// routeURI reads a proxy as "host:port" or as a SIP URI.
func routeURI(text string) (sipgo.Uri, error) {
	if !strings.HasPrefix(text, "sip:") {
		text = "sip:" + text
	}
	var u sipgo.Uri
	if err := sipgo.ParseUri(text, &u); err != nil || u.Host == "" {
		return u, fmt.Errorf("route %q: %w", clean(text, maxUser), errTarget)
	}
	u.User = ""
	u.UriParams.Add("lr", "")
	return u, nil
}

// place sends the INVITE.
func (d *dialog) place(ctx context.Context, c DialConfig) error {
	body, err := d.sound.firstOffer(c.Codecs)
	if err != nil {
		return err
	}
	d.seq = 1
	req, err := d.newRequest(sipgo.INVITE, d.seq)
	if err != nil {
		return err
	}
	addHeaders(req, c.Headers)
	req.AppendHeader(accept())
	ct := sipgo.ContentTypeHeader("application/sdp")
	req.AppendHeader(&ct)
	req.SetBody(body)
	d.server.expect(ctx, req)
	d.invite = req
	d.keep(keptCalling) // so that CANCEL can be said
	tx, err := d.server.transmit(ctx, req)
	if err != nil {
		return err
	}
	d.sending(tx)
	if tx.Origin() != req { // it was too large for UDP
		d.note(keptCalling)
	}
	return nil
}

// sending takes an INVITE as the one that is on its way.
func (d *dialog) sending(tx *sipgo.ClientTx) {
	req, ack := tx.Origin(), new(atomic.Pointer[sipgo.Request])
	d.invite = req
	d.out = &outgoing{tx: tx, req: req, ack: ack}
	s, tag := d.server, d.local.tag
	tx.OnRetransmission(func(res *sipgo.Response) { // runs on a goroutine of sipgo's
		a := ack.Load()
		if a == nil {
			return
		}
		if toTag(res) == toTag(a) {
			s.send(a.Clone())
		} else { // another branch of a forking proxy has answered, too
			s.count("second answer")
			s.dismiss(res, tag)
		}
	})
}

// progress takes a response to our INVITE.
func (d *dialog) progress(ctx context.Context, res *sipgo.Response) {
	switch {
	case res.StatusCode == 100:
		d.heardOf()
	case res.IsProvisional():
		if body, _ := sdpOf(res); body != nil {
			d.out.early = body
		}
		if (res.StatusCode == 180 || res.StatusCode == 183) && !d.out.rang {
			d.out.rang = true
			d.emit(leg.Ringing{})
		}
		d.heardOf()
	case res.IsSuccess():
		d.out.settled = true
		d.accepted(res)
	default:
		d.out.settled = true
		d.refused(ctx, res)
	}
}

// heardOf: a CANCEL that had to wait may go now.
func (d *dialog) heardOf() {
	first := !d.out.heard
	d.out.heard = true
	if first && d.asked {
		d.withdraw()
	}
}

// accepted: the far end has answered.
func (d *dialog) accepted(res *sipgo.Response) {
	d.allows(res)
	if c := res.Contact(); c != nil && c.Address.Host != "" {
		d.target = *c.Address.Clone()
	}
	d.routes = nil
	for _, h := range slices.Backward(res.GetHeaders("Record-Route")) {
		if r, ok := h.(*sipgo.RecordRouteHeader); ok && len(d.routes) < maxHeaders {
			d.routes = append(d.routes, *r.Address.Clone())
		}
	}
	d.peer = res.Source()
	d.direct = len(d.routes) == 0 && (d.direct || behindNAT(d.target.Host, d.peer))
	d.table.rename(d, toTag(res))
	d.keep(keptUp) // before the ACK: as long as there is none, the 2xx comes again
	ack, err := d.newRequest(sipgo.ACK, d.out.req.CSeq().SeqNo)
	if err != nil {
		d.end(leg.Failed, true)
		d.stage = over
		return
	}
	d.server.send(ack)
	d.out.ack.Store(ack)
	if d.asked { // CANCEL and 200 have crossed
		d.bye()
		return
	}
	body, _ := sdpOf(res)
	if body == nil {
		body = d.out.early
	}
	if err := d.sound.accept(body); err != nil {
		d.log.Info("sip: bad answer", "error", err)
		d.asked = true
		d.end(leg.NoCodec, true)
		d.bye(reason(leg.NoCodec)...)
		return
	}
	d.stage = up
	d.deadlines = deadlines{}
	d.sound.publish()
	d.emit(leg.Answered{})
	d.session.agreed(res)
	d.session.start(&d.deadlines, time.Now())
	d.holds()
}

// behindNAT reports whether a Contact cannot be reached as it is written: a
// private address, though the message came from a public one.
func behindNAT(contact, source string) bool {
	from, err := netip.ParseAddrPort(source)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(strings.Trim(contact, "[]"))
	if err != nil {
		return false
	}
	inside := ip.IsPrivate() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsLoopback()
	outside := from.Addr().Unmap()
	return inside && !outside.IsPrivate() && !outside.IsLoopback()
}

// refused: the far end does not want the call, or wants to know who calls.
func (d *dialog) refused(ctx context.Context, res *sipgo.Response) {
	if (res.StatusCode == 401 || res.StatusCode == 407) && d.user != "" && !d.asked && d.out.try < 2 {
		try := d.out.try + 1
		if x, err := d.again(ctx, d.out.req, res); err == nil {
			d.sending(x.tx)
			d.out.try = try
			return
		}
	}
	d.log.Info("sip: call refused", "status", res.StatusCode, "phrase", clean(res.Reason, maxUser))
	d.end(causeOf(res.StatusCode), true)
	d.stage = over
}

// unanswered: nothing came, or the INVITE could not be sent.
func (d *dialog) unanswered() {
	d.log.Info("sip: no response to INVITE", "error", d.out.tx.Err())
	d.out.settled = true
	d.end(leg.Unreachable, true)
	d.stage = over
}
