package sip

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sdp"
	"github.com/tipring/tipring/media/rtp"
)

// timeout is how long a request or a 2xx is repeated in vain: 64·T1.
const timeout = 32 * time.Second

// The errors of an Answer.
var (
	errNoAck  = errors.New("no ACK from the far end")
	errEnded  = errors.New("the call has ended")
	errNotNow = errors.New("the call is not ringing")
	errNotUp  = errors.New("the call is not answered")
)

// ring takes an INVITE that was admitted: it becomes a leg that rings.
func (s *Server) ring(req *sipgo.Request, tx *sipgo.ServerTx) {
	d, code, reason, extra := s.incoming(req, tx)
	if d == nil {
		s.refuse(req, tx, code, reason, extra...)
		return
	}
	cancel := d.cancel // not d: sipgo holds on to this for 32 s
	ok := tx.OnCancel(func(*sipgo.Request) {
		select {
		case cancel <- struct{}{}:
		default:
		}
	})
	if !ok { // CANCEL was faster; 487 is out
		d.cancel <- struct{}{}
	}
	if !s.start(d.run) {
		d.reject(503)
		d.finish()
		return
	}
	l := &incoming{d}
	s.start(func(ctx context.Context) { s.OnIncoming(ctx, l) })
}

// alert tells the caller that it rings, once that is sure to have an end. Until
// then it hears nothing, so it repeats its INVITE: to the next run, if need be.
func (d *dialog) alert() {
	if len(d.cancel) == 0 {
		d.keep(keptRinging)
	}
	if len(d.cancel) == 0 { // else sipgo would repeat this in place of the 487
		d.provisional(100)
		d.provisional(180)
	}
}

// incoming makes the dialog of an INVITE, or says why not.
func (s *Server) incoming(req *sipgo.Request, tx *sipgo.ServerTx) (d *dialog, code int, reason string, extra []sipgo.Header) {
	if s.draining.Load() {
		return nil, 503, "draining", []sipgo.Header{sipgo.NewHeader("Retry-After", "10")}
	}
	if s.OnIncoming == nil {
		return nil, 404, "nobody takes calls", nil
	}
	if ext := required(req); ext != "" {
		return nil, 420, "extension", []sipgo.Header{sipgo.NewHeader("Unsupported", ext)}
	}
	contact := req.Contact()
	if contact == nil || contact.Address.Host == "" {
		return nil, 400, "bad contact", nil
	}
	offer, ok := sdpOf(req)
	if !ok {
		return nil, 415, "content type", nil
	}
	var session sessionTimer
	if brief, ok := session.asked(req); !ok {
		return nil, 422, "brief session", []sipgo.Header{brief}
	}
	d = s.newUAS(req, tx)
	d.session = session
	if err := d.sound.offered(offer); err != nil {
		code, reason = mediaStatus(err)
		s.Log.Info("sip: call refused", "from", req.Source(), "error", err)
		return nil, code, reason, nil
	}
	start := requestKey(req)
	req.To().Params.Add("tag", d.local.tag) // in all our responses, those that sipgo makes included
	merged, full := s.dialogs.add(d, start, s.maxCalls())
	if merged || full {
		d.sound.abandon()
		if merged {
			return nil, 482, "merged request", nil
		}
		return nil, 503, "too many calls", []sipgo.Header{sipgo.NewHeader("Retry-After", "10")}
	}
	return d, 0, "", nil
}

func (s *Server) maxCalls() int {
	if s.MaxCalls > 0 {
		return s.MaxCalls
	}
	return DefaultMaxCalls
}

// newUAS is the dialog that an INVITE asks for (RFC 3261 §12.1.1).
func (s *Server) newUAS(req *sipgo.Request, tx *sipgo.ServerTx) *dialog {
	d := s.newDialog()
	d.uas, d.stage = true, ringing
	d.invite, d.tx = req, tx
	d.callID = req.CallID().Value()
	to, from := req.To(), req.From()
	d.local = end{to.DisplayName, to.Address, sipgo.GenerateTagN(16)}
	d.key = d.local.tag
	d.remote = end{from.DisplayName, from.Address, fromTag(req)}
	d.farSeq = req.CSeq().SeqNo
	d.target = *req.Contact().Address.Clone()
	for _, h := range req.GetHeaders("Record-Route") {
		if r, ok := h.(*sipgo.RecordRouteHeader); ok && len(d.routes) < maxHeaders {
			d.routes = append(d.routes, *r.Address.Clone())
		}
	}
	d.direct = len(req.GetHeaders("Via"))+len(req.GetHeaders("v")) == 1
	d.peer, d.transport = req.Source(), strings.ToUpper(req.Transport())
	d.us = s.facing(source(req))
	d.allows(req)
	d.call = leg.Call{From: caller(req), To: s.dialled(req), CorrelationID: uuid.NewString(), Headers: customHeaders(req)}
	d.party = d.call.From
	d.log = s.Log.With("call", d.call.CorrelationID)
	return d
}

// allows notes which methods the far end takes.
func (d *dialog) allows(m sipgo.Message) {
	for _, h := range m.GetHeaders("Allow") {
		for part := range strings.SplitSeq(h.Value(), ",") {
			if d.farAllow == nil {
				d.farAllow = map[string]bool{}
			}
			if len(d.farAllow) < 32 {
				d.farAllow[strings.ToUpper(strings.TrimSpace(part))] = true
			}
		}
	}
}

// mediaStatus is how a call is refused whose sound cannot be.
func mediaStatus(err error) (code int, reason string) {
	switch {
	case errors.Is(err, sdp.ErrNoCodec):
		return 488, "no codec"
	case errors.Is(err, sdp.ErrTooLarge):
		return 413, "oversized SDP"
	case errors.Is(err, rtp.ErrNoPorts):
		return 503, "no ports"
	case errors.Is(err, errSockets):
		return 500, "media sockets"
	}
	return 400, "bad SDP"
}

// sdpOf is the session description that a message carries, alone or in a
// multipart body; nil for none. ok is false if the body is something else.
func sdpOf(m interface {
	Body() []byte
	ContentType() *sipgo.ContentTypeHeader
}) (body []byte, ok bool) {
	if len(m.Body()) == 0 {
		return nil, true
	}
	ct := m.ContentType()
	if ct == nil {
		return nil, false
	}
	kind, params, err := mime.ParseMediaType(ct.Value())
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
		return nil, false
	case kind == "application/sdp":
		return m.Body(), true
	case !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "":
		return nil, false
	}
	parts := multipart.NewReader(bytes.NewReader(m.Body()), params["boundary"])
	for range 8 {
		p, err := parts.NextPart()
		if err != nil {
			break
		}
		if kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind == "application/sdp" {
			text, err := io.ReadAll(io.LimitReader(p, sdp.MaxSize+1))
			return text, err == nil
		}
	}
	return nil, false
}

// provisional sends a 1xx.
func (d *dialog) provisional(code int) {
	var extra []sipgo.Header
	if code > 100 {
		extra = append(extra, d.contact(), allow())
	}
	if err := d.tx.Respond(response(d.invite, code, nil, extra...)); err != nil {
		d.server.count("response not sent")
	}
}

// reject is the final refusal of a call that rings. sipgo repeats it until it
// is acknowledged.
func (d *dialog) reject(code int) {
	var extra []sipgo.Header
	if code == 503 {
		extra = append(extra, sipgo.NewHeader("Retry-After", "10"))
	}
	if err := d.tx.Respond(response(d.invite, code, nil, extra...)); err != nil && !errors.Is(err, sipgo.ErrTransactionCanceled) {
		d.server.count("response not sent")
	}
}

// An awaiting is a 2xx of ours to an INVITE: it is repeated until its ACK comes
// (RFC 3261 §13.3.1.4), over TCP too, since a proxy may go on by UDP.
type awaiting struct {
	tx      *sipgo.ServerTx
	ok      *sipgo.Response
	seq     uint32
	offered bool // our offer is in it, so the answer is in the ACK
}

// confirm sends a 2xx and awaits its ACK.
func (d *dialog) confirm(a *awaiting) error {
	if err := a.tx.Respond(a.ok); err != nil {
		return err
	}
	d.await = a
	now := time.Now()
	d.deadlines.backoff = sipgo.T1
	d.deadlines.resend, d.deadlines.giveUp = now.Add(sipgo.T1), now.Add(timeout)
	return nil
}

// acks is where sipgo puts an ACK that bears the branch of the INVITE.
func (d *dialog) acks() <-chan *sipgo.Request {
	if d.await == nil {
		return nil
	}
	return d.await.tx.Acks()
}

// repeat sends the 2xx again.
func (d *dialog) repeat(now time.Time) {
	if d.former != nil {
		d.finalAgain(now)
		return
	}
	if d.await == nil {
		return
	}
	if err := d.await.tx.Respond(d.await.ok); err != nil {
		d.server.count("response not sent")
	}
	d.deadlines.backoff = min(2*d.deadlines.backoff, sipgo.T2)
	d.deadlines.resend = now.Add(d.deadlines.backoff)
}

// answer sends the 200. Who waits on reply is told when the ACK has come.
func (d *dialog) answer(reply chan error) {
	if d.stage != ringing || d.asked {
		reply <- errNotNow
		return
	}
	body, offered, err := d.sound.describe()
	if err == nil {
		extra := append(d.session.granted(d.invite), d.contact(), allow(), supported())
		d.yes = response(d.invite, 200, body, extra...)
		d.keep(keptAnswering)
		err = d.confirm(&awaiting{d.tx, d.yes, d.invite.CSeq().SeqNo, offered})
	}
	switch {
	case errors.Is(err, sipgo.ErrTransactionCanceled):
		d.canceled()
		reply <- errEnded
		return
	case err != nil:
		d.reject(500)
		d.end(leg.Failed, false)
		d.stage = over
		reply <- err
		return
	}
	d.stage = answering
	d.answered = append(d.answered, reply)
	if !offered {
		d.sound.publish()
	}
}

// ack takes an ACK that came by itself.
func (d *dialog) ack(r request) {
	r.tx.Terminate()
	if d.former != nil {
		d.finalTaken()
		return
	}
	d.acknowledged(r.Request)
}

// acknowledged ends the wait for an ACK.
func (d *dialog) acknowledged(ack *sipgo.Request) {
	a := d.await
	if a == nil || ack.CSeq() == nil || ack.CSeq().SeqNo != a.seq {
		return // a repeated ACK
	}
	d.await = nil
	a.tx.TerminateGracefully()
	d.deadlines.resend, d.deadlines.giveUp = time.Time{}, time.Time{}
	var err error
	if a.offered {
		body, _ := sdpOf(ack)
		err = d.sound.accept(body)
	}
	switch {
	case d.stage == up && err == nil:
		d.holds()
	case d.stage == up:
		d.log.Info("sip: bad answer in ACK", "error", err)
		d.hangup(leg.NoCodec)
	case d.stage != answering:
	case d.asked: // hung up while we waited
		d.settle(errEnded)
		d.bye()
	case err != nil:
		d.log.Info("sip: bad answer in ACK", "error", err)
		d.settle(err)
		d.end(leg.NoCodec, true)
		d.bye()
	default:
		d.stage = up
		d.note(keptUp)
		if a.offered {
			d.sound.publish()
		}
		d.settle(nil)
		d.emit(leg.Answered{})
		d.session.start(&d.deadlines, time.Now())
		d.holds()
	}
	waiting := d.deferred
	d.deferred = nil
	for _, r := range waiting {
		if d.stage == up {
			d.modify(r)
		} else {
			d.reply(r, 481, nil)
		}
	}
}

// canceled: the caller has given up. sipgo has answered CANCEL and INVITE.
func (d *dialog) canceled() {
	if d.stage == ringing {
		d.end(leg.Canceled, true)
		d.stage = over
	}
}
