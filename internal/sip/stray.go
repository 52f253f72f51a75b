package sip

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// tagSize is the length of our tags.
const tagSize = 16

// How many stray responses are acknowledged: 50 a second in the long run.
const (
	strayEvery = 20 * time.Millisecond
	strayBurst = 200
)

// strays limits what we say to responses that nobody waits for.
type strays struct {
	mu sync.Mutex
	allowance
}

func (s *strays) afford(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allowance.afford(now, strayEvery, strayBurst)
}

// An allowance is what may be done so often, and so often at once. Its zero
// value is full.
type allowance struct {
	spare time.Duration // how long nothing was done, up to the burst
	last  time.Time
}

// afford spends one.
func (a *allowance) afford(now time.Time, every time.Duration, burst int) bool {
	most := every * time.Duration(burst)
	if a.last.IsZero() {
		a.spare = most
	} else {
		a.spare = min(a.spare+now.Sub(a.last), most)
	}
	a.last = now
	if a.spare < every {
		return false
	}
	a.spare -= every
	return true
}

// strayResponse takes a response that belongs to no transaction: too late, not
// ours, or to an INVITE that was sent before a restart. Whoever answers a call
// of ours is acknowledged and told that it is over, whether we know of that call
// or not (RFC 3261 §13.2.2.4): otherwise it would stay in a dialog that nobody
// else is in. A refusal is acknowledged, so that it is not repeated.
func (s *Server) strayResponse(res *sipgo.Response) {
	if !s.plausible(res) {
		s.count("stray response")
		return
	}
	key := dialogKey(res.CallID().Value(), fromTag(res), toTag(res))
	d := s.formers.find(key)
	if d == nil {
		d = s.formers.find(dialogKey(res.CallID().Value(), fromTag(res), ""))
	}
	switch {
	case d != nil:
		if !res.IsSuccess() {
			s.acknowledge(res, d)
		}
		d.lateComes(res)
	case s.dialogs.find(key) != nil || !s.strays.afford(time.Now()):
		s.count("stray response")
	case res.IsSuccess():
		s.count("stray answer")
		s.dismiss(res, fromTag(res))
	default:
		s.count("stray response")
		s.acknowledge(res, nil)
	}
}

// plausible reports whether this can be the final response to an INVITE of
// ours: it names our address, alone, and has a tag of the length that ours have.
func (s *Server) plausible(res *sipgo.Response) bool {
	via, cseq, call := res.Via(), res.CSeq(), res.CallID()
	if !complete(res) || res.IsProvisional() || cseq.MethodName != sipgo.INVITE {
		return false
	}
	from, err := netip.ParseAddrPort(res.Source())
	if err != nil || len(res.GetHeaders("Via")) != 1 || len(call.Value()) > maxID || len(toTag(res)) > maxID {
		return false
	}
	us := s.facing(from.Addr().Unmap())
	return strings.Trim(via.Host, "[]") == us.Addr().String() && via.Port == int(us.Port()) &&
		len(fromTag(res)) == tagSize && toTag(res) != ""
}

// lateComes gives a former dialog a response to its INVITE.
func (d *dialog) lateComes(res *sipgo.Response) {
	select {
	case d.former.late <- res:
	default:
		d.server.count("dialog flooded")
	}
}

// acknowledge sends the ACK of a refusal (RFC 3261 §17.1.1.3) for which there is
// no transaction; d may be nil.
func (s *Server) acknowledge(res *sipgo.Response, d *dialog) {
	uri := *res.To().Address.Clone()
	if d != nil && d.invite != nil && !d.uas {
		uri = d.invite.Recipient
	}
	ack := sipgo.NewRequest(sipgo.ACK, uri)
	via := *res.Via()
	branch, _ := via.Params.Get("branch")
	via.Params = nil
	via.Params.Add("branch", branch)
	ack.AppendHeader(&via)
	if d != nil && d.invite != nil && !d.uas {
		sipgo.CopyHeaders("Route", d.invite, ack)
	}
	hops := sipgo.MaxForwardsHeader(70)
	ack.AppendHeader(&hops)
	for _, name := range []string{"From", "To", "Call-ID"} {
		sipgo.CopyHeaders(name, res, ack)
	}
	ack.AppendHeader(&sipgo.CSeqHeader{SeqNo: res.CSeq().SeqNo, MethodName: sipgo.ACK})
	ack.SetBody(nil)
	s.aim(ack, strings.ToUpper(res.Transport()), res.Source())
	s.send(ack)
}

// dismiss ends a dialog that we did not want: a second answer to one INVITE, or
// one that came when nobody waited any more. Who is a stranger gets ACK and BYE
// at its own address, once for each answer that it sends.
func (s *Server) dismiss(res *sipgo.Response, localTag string) {
	c := res.Contact()
	if c == nil || c.Address.Host == "" || toTag(res) == "" {
		return
	}
	if d := s.formers.find(dialogKey(res.CallID().Value(), localTag, toTag(res))); d != nil {
		d.lateComes(res)
		return
	}
	d := s.newFormer(sipgo.GenerateTagN(tagSize), keptUp)
	d.callID = res.CallID().Value()
	d.local = end{uri: res.From().Address, tag: localTag}
	d.remote = end{uri: res.To().Address, tag: toTag(res)}
	d.target = *c.Address.Clone()
	for _, h := range slices.Backward(res.GetHeaders("Record-Route")) {
		if r, ok := h.(*sipgo.RecordRouteHeader); ok && len(d.routes) < maxHeaders {
			d.routes = append(d.routes, *r.Address.Clone())
		}
	}
	d.transport, d.peer = strings.ToUpper(res.Transport()), res.Source()
	d.direct = len(d.routes) == 0 && behindNAT(d.target.Host, d.peer)
	d.user, d.password = s.credentials(d, d.peer)
	from, _ := netip.ParseAddrPort(d.peer)
	d.us, d.seq = s.facing(from.Addr().Unmap()), res.CSeq().SeqNo
	if !s.trusted(from.Addr().Unmap(), from.Port()) && !s.strangers.passed(from.Addr().Unmap()) {
		d.sayOnce(sipgo.ACK, d.seq)
		d.sayOnce(sipgo.BYE, d.seq+1)
		return
	}
	s.formers.add(d, "", DefaultMaxCalls)
	d.keep(keptUp)
	if ack, err := d.newRequest(sipgo.ACK, d.seq); err == nil {
		s.send(ack)
	}
	if !s.start(d.run) { // the next run says BYE
		s.formers.remove(d)
	}
}

// sayOnce sends a request of a dialog to where its far end was heard.
func (d *dialog) sayOnce(method sipgo.RequestMethod, seq uint32) {
	req, err := d.newRequest(method, seq)
	if err != nil {
		return
	}
	d.server.aim(req, d.transport, d.peer)
	d.server.send(req)
}
