package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/leg"
)

// How a registration at a trunk is kept.
const (
	askedExpires = time.Hour // what we ask for
	firstRetry   = 5 * time.Second
	lastRetry    = 5 * time.Minute
)

// A registration keeps us registered at a trunk (RFC 3261 §10.2), so that it
// knows where to send calls. One goroutine owns it.
type registration struct {
	server  *Server
	trunk   Trunk
	target  sipgo.Uri
	us      netip.AddrPort
	callID  string
	tag     string
	seq     uint32
	expires time.Duration // that we ask for
}

// keepRegistered registers at a trunk until ctx is done, and takes it back
// then. It registers anew before the registration runs out, and after a
// failure: at first after 5 s, then after twice as long each time, up to 5
// minutes.
func (s *Server) keepRegistered(ctx context.Context, trunk Trunk) {
	r := &registration{
		server: s, trunk: trunk, callID: uuid.NewString(), tag: sipgo.GenerateTagN(16), expires: askedExpires,
		target: sipgo.Uri{Scheme: "sip", Host: trunk.Host, Port: trunk.Port},
	}
	if trunk.Transport != "" {
		r.target.UriParams.Add("transport", strings.ToLower(trunk.Transport))
	}
	var up atomic.Int32
	s.Metrics.Gauge("sip_trunk_registered", "trunk", trunk.Host, "Whether we are registered at the trunk",
		func() float64 { return float64(up.Load()) })
	log := s.Log.With("trunk", trunk.Host)
	for retry := firstRetry; ; {
		granted, err := r.register(ctx, r.expires)
		var no *refusal
		switch {
		case ctx.Err() != nil && !errors.As(err, &no):
			r.leave()
			return
		case err == nil:
			if up.Swap(1) == 0 {
				log.Info("sip: registered at the trunk", "for", granted)
			}
			if wait(ctx, granted-min(granted/10, time.Minute)) != nil {
				r.leave()
				return
			}
			retry = firstRetry
		default:
			up.Store(0)
			s.count("not registered at the trunk")
			pause := max(retry/2+rand.N(retry/2), retryAfter(err))
			retry = min(2*retry, lastRetry)
			log.Warn("sip: not registered at the trunk", "error", err, "again_in", pause)
			if wait(ctx, pause) != nil {
				return
			}
		}
	}
}

// wait waits; an error says that ctx was done before.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave takes the registration back, if the trunk answers soon.
func (r *registration) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	if _, err := r.register(ctx, 0); err != nil {
		r.server.Log.Info("sip: registration not taken back", "trunk", r.trunk.Host, "error", err)
	}
}

// A refusal is a trunk's no.
type refusal struct {
	status int
	after  time.Duration // Retry-After
}

func (e *refusal) Error() string { return "REGISTER was refused with " + itoa(e.status) }

func retryAfter(err error) time.Duration {
	var no *refusal
	if errors.As(err, &no) {
		return min(no.after, time.Hour)
	}
	return 0
}

// register sends REGISTER, answers a challenge, and says for how long it is
// good. expires 0 takes it back.
func (r *registration) register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	challenged, brief := 0, false
	var credentials *sipgo.Response
	for {
		req, err := r.request(ctx, expires)
		if err != nil {
			return 0, err
		}
		if credentials != nil {
			if err := authorize(req, credentials, r.trunk.User, r.trunk.Password, 1); err != nil {
				return 0, err
			}
		}
		res, err := r.server.roundTrip(ctx, req)
		switch {
		case err != nil:
			return 0, err
		case res.IsSuccess():
			return r.granted(res, expires), nil
		case (res.StatusCode == 401 || res.StatusCode == 407) && r.trunk.User != "" && challenged < 2: // once more: the nonce may be stale
			challenged++
			credentials = res
		case res.StatusCode == 423 && !brief: // interval too brief
			n, ok := seconds(header(res, "Min-Expires"))
			if !ok || expires == 0 {
				return 0, &refusal{status: 423}
			}
			brief = true
			r.expires = max(r.expires, time.Duration(min(n, 7*24*3600))*time.Second)
			expires = r.expires
		default:
			n, _ := seconds(header(res, "Retry-After"))
			return 0, &refusal{res.StatusCode, time.Duration(n) * time.Second}
		}
	}
}

// request makes the next REGISTER.
func (r *registration) request(ctx context.Context, expires time.Duration) (*sipgo.Request, error) {
	transport := transportOf(&r.target, "UDP")
	destination, err := hostPort(&r.target, transport)
	if err != nil {
		return nil, err
	}
	r.us = r.server.facing(lookUpOne(ctx, r.trunk.Host))
	r.seq++
	req := sipgo.NewRequest(sipgo.REGISTER, r.target)
	req.Recipient.UriParams = nil
	req.AppendHeader(r.server.newVia(transport, r.us))
	hops := sipgo.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	name := sipgo.Uri{Scheme: "sip", User: EscapeUser(r.trunk.User), Host: r.trunk.Host, Port: r.trunk.Port}
	from := &sipgo.FromHeader{Address: name}
	from.Params.Add("tag", r.tag)
	req.AppendHeader(from)
	req.AppendHeader(&sipgo.ToHeader{Address: name})
	id := sipgo.CallIDHeader(r.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: r.seq, MethodName: sipgo.REGISTER})
	contact := sipgo.Uri{Scheme: "sip", User: name.User, Host: r.us.Addr().String(), Port: int(r.us.Port())}
	if transport == "TCP" {
		contact.UriParams.Add("transport", "tcp")
	}
	req.AppendHeader(&sipgo.ContactHeader{Address: contact})
	req.AppendHeader(sipgo.NewHeader("Expires", itoa(int(expires/time.Second))))
	req.AppendHeader(allow())
	req.AppendHeader(sipgo.NewHeader("User-Agent", product))
	req.SetBody(nil)
	r.server.aim(req, transport, destination)
	return req, nil
}

// granted is how long a 2xx says that our contact is good for.
func (r *registration) granted(res *sipgo.Response, asked time.Duration) time.Duration {
	n, ok := seconds(header(res, "Expires"))
	for _, h := range append(res.GetHeaders("Contact"), res.GetHeaders("m")...) {
		c, is := h.(*sipgo.ContactHeader)
		if !is || c.Address.User != EscapeUser(r.trunk.User) || c.Address.Host != r.us.Addr().String() || cmp.Or(c.Address.Port, 5060) != int(r.us.Port()) {
			continue
		}
		if v, has := param(c.Params, "expires"); has {
			if own, is := seconds(v); is {
				n, ok = own, true
			}
		}
	}
	granted := asked
	if ok {
		granted = min(asked, time.Duration(n)*time.Second)
	}
	return max(granted, 20*time.Second) // who grants less would have us register all the time
}

// roundTrip sends a request outside of any dialog and waits for its final
// response.
func (s *Server) roundTrip(ctx context.Context, req *sipgo.Request) (*sipgo.Response, error) {
	tx, err := s.transmit(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, fmt.Errorf("%s: no response: %w", req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", req.Method, context.Cause(ctx))
		}
	}
}

// lookUpOne is an address of a host, if it has one.
func lookUpOne(ctx context.Context, host string) netip.Addr {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.Unmap()
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host); err == nil && len(all) > 0 {
		return all[0].Unmap()
	}
	return netip.Addr{}
}

// dialled is whom a caller wants. A trunk at which we are registered may send
// its calls to the name of the registration: then To says it.
func (s *Server) dialled(req *sipgo.Request) leg.Party {
	party := called(req)
	from, err := netip.ParseAddrPort(req.Source())
	if err != nil || !s.trunks.has(netip.AddrPortFrom(from.Addr().Unmap(), from.Port())) {
		return party
	}
	for _, t := range s.Trunks {
		if user := userOf(&req.To().Address); t.Register && party.ID == partyID(t.User) && user != "" {
			party.ID = partyID(user)
		}
	}
	return party
}
