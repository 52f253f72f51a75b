package sip

import (
	"net/netip"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// dismiss ends a dialog that we did not want: a second answer to one INVITE.
func (s *Server) dismiss(res *sipgo.Response, localTag string) {
	c := res.Contact()
	if c == nil || c.Address.Host == "" || toTag(res) == "" {
		return
	}
	d := s.newDialog()
	d.log = s.Log
	d.callID = res.CallID().Value()
	d.local = end{uri: res.From().Address, tag: localTag}
	d.remote = end{uri: res.To().Address, tag: toTag(res)}
	d.target = *c.Address.Clone()
	for _, h := range slices.Backward(res.GetHeaders("Record-Route")) {
		if r, ok := h.(*sipgo.RecordRouteHeader); ok {
			d.routes = append(d.routes, *r.Address.Clone())
		}
	}
	d.transport = strings.ToUpper(res.Transport())
	far, _ := netip.ParseAddrPort(res.Source())
	d.us = s.facing(far.Addr().Unmap())
	seq := res.CSeq().SeqNo
	if ack, err := d.newRequest(sipgo.ACK, seq); err == nil {
		s.send(ack)
	}
	if bye, err := d.newRequest(sipgo.BYE, seq+1); err == nil {
		s.send(bye)
	}
	s.count("second answer")
}

// strayResponse takes what belongs to no transaction: too late, or not ours.
func (s *Server) strayResponse(*sipgo.Response) { s.count("stray response") }
