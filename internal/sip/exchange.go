package sip

import (
	"context"
	"net"
	"net/netip"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// connectTime is how long a TCP connection to a far end may take.
const connectTime = 5 * time.Second

// An exchange is a request of ours in a dialog that waits for its final
// response. A dialog has one at a time; BYE takes the place of any other.
type exchange struct {
	tx   *sipgo.ClientTx
	req  *sipgo.Request
	then func(*exchange, *sipgo.Response) // nil response: none came
	try  int                              // how often it was sent with credentials
}

func (x *exchange) responses() <-chan *sipgo.Response {
	if x == nil {
		return nil
	}
	return x.tx.Responses()
}

func (x *exchange) done() <-chan struct{} {
	if x == nil {
		return nil
	}
	return x.tx.Done()
}

func (x *exchange) drop() {
	if x != nil {
		x.tx.Terminate()
	}
}

// offering reports whether an offer of ours is under way.
func (x *exchange) offering() bool {
	return x != nil && len(x.req.Body()) > 0
}

// transmit starts a client transaction. A request that is too large for a UDP
// message goes over TCP, if the far end takes it there (RFC 3261 §18.1.1): what
// was sent is the transaction's Origin.
func (s *Server) transmit(ctx context.Context, req *sipgo.Request) (*sipgo.ClientTx, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	s.expect(ctx, req)
	if req.Transport() == "UDP" && len(req.String()) > compactAbove {
		req.CompactHeaders = true
		if len(req.String()) > compactAbove {
			large := req.Clone()
			large.CompactHeaders = true
			large.Via().Transport = "TCP"
			large.Laddr = sipgo.Addr{}
			large.SetTransport("TCP")
			if tx, err := s.transactions.Request(ctx, large); err == nil {
				return tx, nil
			}
		}
	}
	return s.transactions.Request(ctx, req)
}

// expect finds the address that a request goes to, and lets the responses in.
func (s *Server) expect(ctx context.Context, req *sipgo.Request) {
	host, port, err := net.SplitHostPort(req.Destination())
	if err != nil {
		return
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil || len(found) == 0 {
			return // sipgo looks for an SRV record
		}
		ip = found[0]
		for _, a := range found {
			if a.Unmap().Is4() == s.local.Addr().Is4() {
				ip = a
				break
			}
		}
		req.SetDestination(net.JoinHostPort(ip.Unmap().String(), port))
	}
	s.strangers.pass(ip.Unmap())
}

// ask sends a request in the dialog; then gets its final response.
func (d *dialog) ask(ctx context.Context, method sipgo.RequestMethod, body []byte, then func(*exchange, *sipgo.Response), extra ...sipgo.Header) error {
	d.seq++
	req, err := d.newRequest(method, d.seq)
	if err != nil {
		return err
	}
	for _, h := range extra {
		req.AppendHeader(h)
	}
	if body != nil {
		ct := sipgo.ContentTypeHeader("application/sdp")
		req.AppendHeader(&ct)
		req.SetBody(body)
	}
	tx, err := d.server.transmit(ctx, req)
	if err != nil {
		return err
	}
	d.pending.drop()
	d.pending = &exchange{tx: tx, req: tx.Origin(), then: then}
	return nil
}

// pendingResponse takes a response to it.
func (d *dialog) pendingResponse(ctx context.Context, res *sipgo.Response) {
	x := d.pending
	if res.IsProvisional() {
		return
	}
	d.pending = nil
	if (res.StatusCode == 401 || res.StatusCode == 407) && d.user != "" && x.try == 0 {
		if again, err := d.again(ctx, x.req, res); err == nil {
			x.drop()
			d.pending = &exchange{tx: again.tx, req: again.req, then: x.then, try: 1}
			return
		}
	}
	x.then(x, res)
	if x.req.Method != sipgo.INVITE { // else sipgo has an ACK to repeat
		x.drop()
	}
}

// pendingFailed: no final response has come in time, or it could not be sent.
func (d *dialog) pendingFailed() {
	x := d.pending
	d.pending = nil
	x.then(x, nil)
}

// again sends a request that was challenged once more, with credentials.
func (d *dialog) again(ctx context.Context, req *sipgo.Request, res *sipgo.Response) (*exchange, error) {
	next := req.Clone()
	next.RemoveHeader("Via")
	transport := req.Transport()
	next.PrependHeader(d.server.newVia(transport, d.us))
	d.seq++
	next.CSeq().SeqNo = d.seq
	if err := authorize(next, res, d.user, d.password, 1); err != nil {
		return nil, err
	}
	d.server.aim(next, transport, req.Destination())
	if d.stage == calling && next.Method == sipgo.INVITE {
		d.invite = next
		d.keep(keptCalling)
	}
	tx, err := d.server.transmit(ctx, next)
	if err != nil {
		return nil, err
	}
	return &exchange{tx: tx, req: tx.Origin()}, nil
}

// ackExchange acknowledges a 2xx to a re-INVITE of ours.
func (d *dialog) ackExchange(x *exchange, _ *sipgo.Response) {
	ack, err := d.newRequest(sipgo.ACK, x.req.CSeq().SeqNo)
	if err != nil {
		return
	}
	s := d.server
	x.tx.OnRetransmission(func(*sipgo.Response) { s.send(ack.Clone()) })
	s.send(ack.Clone())
}

// send sends a request that has no transaction: an ACK.
func (s *Server) send(req *sipgo.Request) {
	if err := s.transport.WriteMsg(req); err != nil {
		s.count("request not sent")
	}
}

// obey does what the leg's owner wants.
func (d *dialog) obey(ctx context.Context, o order) {
	switch {
	case o.answer != nil:
		d.answer(o.answer)
		return
	case o.transfer != nil:
		d.referTo(ctx, o.transfer)
		return
	}
	d.elsewhere = d.elsewhere || o.elsewhere
	d.hangup(o.cause)
	d.hungUp = append(d.hungUp, o.hangup) // closed in finish: then the far end knows, or never will
}

// hangup ends the call from our side, in whatever stage it is.
func (d *dialog) hangup(cause leg.Cause) {
	if d.asked {
		return
	}
	d.asked = true
	switch d.stage {
	case ringing:
		d.reject(statusOf(cause))
		d.end(cause, false)
		d.stage = over
	case answering: // BYE has to wait for the ACK (RFC 3261 §15)
		d.end(cause, false)
		d.settle(errEnded)
	case calling:
		d.end(cause, false)
		d.withdraw()
	case up:
		d.end(cause, false)
		d.bye(reason(cause)...)
	}
}

// reason tells the far end why (RFC 3326), if it is not the usual.
func reason(c leg.Cause) []sipgo.Header {
	if c == leg.Normal {
		return nil
	}
	return []sipgo.Header{sipgo.NewHeader("Reason", "SIP;cause="+itoa(statusOf(c))+`;text="`+c.String()+`"`)}
}

// bye says goodbye and waits for the response.
func (d *dialog) bye(extra ...sipgo.Header) {
	d.stage = leaving
	d.await = nil
	d.deadlines = deadlines{giveUp: d.patience()}
	done := func(_ *exchange, res *sipgo.Response) {
		if d.former != nil {
			d.parted(res)
			return
		}
		d.stage = over
	}
	if err := d.ask(context.Background(), sipgo.BYE, nil, done, extra...); err != nil {
		d.log.Info("sip: BYE not sent", "error", err)
		d.server.count("request not sent")
		done(nil, nil)
	}
}
