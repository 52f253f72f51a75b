package sip

import (
	"context"

	sipgo "github.com/emiago/sipgo/sip"
)

// withdraw takes our INVITE back. CANCEL must not go before the far end has
// been heard of (RFC 3261 §9.1).
func (d *dialog) withdraw() {
	d.deadlines = deadlines{giveUp: d.patience()}
	if !d.out.heard {
		return
	}
	req := d.cancelRequest()
	tx, err := d.server.transmit(context.Background(), req)
	if err != nil {
		d.log.Info("sip: CANCEL not sent", "error", err)
		d.withdrawn(nil, nil)
		return
	}
	d.pending.drop()
	d.pending = &exchange{tx: tx, req: req, then: d.withdrawn}
}

// cancelRequest is the CANCEL of our INVITE (RFC 3261 §9.1).
func (d *dialog) cancelRequest() *sipgo.Request {
	inv := d.out.req
	req := sipgo.NewRequest(sipgo.CANCEL, inv.Recipient)
	req.AppendHeader(inv.Via().Clone())
	sipgo.CopyHeaders("Route", inv, req)
	hops := sipgo.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	for _, name := range []string{"From", "To", "Call-ID"} {
		sipgo.CopyHeaders(name, inv, req)
	}
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: inv.CSeq().SeqNo, MethodName: sipgo.CANCEL})
	if d.elsewhere { // so that the telephone shows no missed call
		req.AppendHeader(sipgo.NewHeader("Reason", `SIP;cause=200;text="Call completed elsewhere"`))
	}
	req.SetBody(nil)
	d.server.aim(req, inv.Transport(), inv.Destination())
	return req
}

// withdrawn takes the final response to a CANCEL, nil for none. In a former
// dialog no transaction of the INVITE is there to end it.
func (d *dialog) withdrawn(_ *exchange, res *sipgo.Response) {
	switch {
	case d.former == nil || d.stage != calling:
	case res == nil:
		d.former.ended, d.stage = "no answer", over
	case !res.IsSuccess():
		d.former.ended, d.stage = "was over", over
	}
}
