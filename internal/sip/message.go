package sip

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// product is what we call ourselves in Server and User-Agent.
const product = "tipring"

// The headers that say what we can.
func allow() sipgo.Header {
	return sipgo.NewHeader("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REGISTER")
}
func accept() sipgo.Header    { return sipgo.NewHeader("Accept", "application/sdp") }
func supported() sipgo.Header { return sipgo.NewHeader("Supported", "timer") }

var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 200: "OK",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	408: "Request Timeout", 413: "Request Entity Too Large", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
	481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 486: "Busy Here",
	487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
	500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable", 505: "Version Not Supported",
	603: "Decline",
}

func toTag(m sipgo.Message) string {
	tag, _ := m.To().Params.Get("tag")
	return tag
}

func fromTag(m sipgo.Message) string {
	tag, _ := m.From().Params.Get("tag")
	return tag
}

// header is the value of the first header of this name, long or short.
func header(m sipgo.Message, names ...string) string {
	for _, name := range names {
		if h := m.GetHeaders(name); len(h) > 0 {
			return h[0].Value()
		}
	}
	return ""
}

// lists reports whether a header that is a list of tokens has this one.
func lists(m sipgo.Message, token string, names ...string) bool {
	for _, name := range names {
		for _, h := range m.GetHeaders(name) {
			for part := range strings.SplitSeq(h.Value(), ",") {
				if strings.EqualFold(strings.TrimSpace(part), token) {
					return true
				}
			}
		}
	}
	return false
}

// response makes a response with the headers that all of ours have.
func response(req *sipgo.Request, code int, body []byte, extra ...sipgo.Header) *sipgo.Response {
	res := sipgo.NewResponseFromRequest(req, code, phrases[code], nil)
	if via := res.Via(); via != nil && !via.Params.Has("received") {
		if src, err := netip.ParseAddrPort(req.Source()); err == nil && via.Host != src.Addr().Unmap().String() {
			via.Params.Add("received", src.Addr().Unmap().String()) // RFC 3261 §18.2.1
		}
	}
	res.AppendHeader(sipgo.NewHeader("Server", product))
	for _, h := range extra {
		res.AppendHeader(h)
	}
	if body != nil {
		ct := sipgo.ContentTypeHeader("application/sdp")
		res.AppendHeader(&ct)
		res.SetBody(body)
	}
	if len(body) > compactAbove/2 || code != 100 && len(req.Headers()) > 20 {
		res.CompactHeaders = len(res.String()) > compactAbove
	}
	return res
}

// finalOnce responds and forgets: a retransmission is answered anew. It is for
// what does no harm twice, so that a flood of it leaves nothing behind.
func (s *Server) finalOnce(req *sipgo.Request, tx *sipgo.ServerTx, code int, extra ...sipgo.Header) {
	if err := tx.Respond(response(req, code, nil, extra...)); err != nil {
		s.count("response not sent")
	}
	tx.Terminate()
}

// final responds to a request that must not be done twice: sipgo answers its
// retransmissions.
func (s *Server) final(req *sipgo.Request, tx *sipgo.ServerTx, code int, extra ...sipgo.Header) {
	if err := tx.Respond(response(req, code, nil, extra...)); err != nil {
		s.count("response not sent")
	}
	tx.TerminateGracefully()
}

// refuse counts and refuses. What is wrong beyond doubt in a stranger's request
// is met with silence.
func (s *Server) refuse(req *sipgo.Request, tx *sipgo.ServerTx, code int, reason string, extra ...sipgo.Header) {
	s.count(reason)
	if req.Method == sipgo.ACK || !s.known(req) {
		tx.Terminate()
		return
	}
	switch code {
	case 405, 501:
		extra = append(extra, allow())
	case 415, 488:
		extra = append(extra, accept())
	}
	if req.Method == sipgo.INVITE {
		s.final(req, tx, code, extra...)
	} else {
		s.finalOnce(req, tx, code, extra...)
	}
}

// newVia is the Via of a request of ours.
func (s *Server) newVia(transport string, us netip.AddrPort) *sipgo.ViaHeader {
	via := &sipgo.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: transport,
		Host: us.Addr().String(), Port: int(us.Port()),
	}
	via.Params.Add("branch", sipgo.GenerateBranch())
	via.Params.Add("rport", "")
	return via
}

// facing is our own address as somebody at far sees it.
func (s *Server) facing(far netip.Addr) netip.AddrPort {
	if s.local.IsValid() && !s.local.Addr().IsUnspecified() {
		return s.local
	}
	ip := netip.IPv4Unspecified()
	if far.IsValid() {
		// Connecting a UDP socket sends nothing: it asks for the route.
		if c, err := net.Dial("udp", netip.AddrPortFrom(far, 9).String()); err == nil {
			ip = addrPort(c.LocalAddr()).Addr()
			c.Close()
		}
	}
	return netip.AddrPortFrom(ip, s.local.Port())
}

// aim sets where a request goes out and where to.
func (s *Server) aim(req *sipgo.Request, transport, destination string) {
	req.SetTransport(transport)
	req.SetDestination(destination)
	if transport == "UDP" && s.local.IsValid() {
		req.Laddr = sipgo.Addr{IP: s.local.Addr().AsSlice(), Port: int(s.local.Port())} // from where we listen
	}
}

// errNoAddress: a far end left no address to send to.
var errNoAddress = errors.New("no address to send to")

// hostPort is where a URI points, for this transport.
func hostPort(u *sipgo.Uri, transport string) (string, error) {
	if u.Host == "" {
		return "", errNoAddress
	}
	port := u.Port
	if port == 0 {
		port = sipgo.DefaultPort(transport)
	}
	return net.JoinHostPort(strings.Trim(u.Host, "[]"), itoa(port)), nil
}

// transportOf is the transport that a URI asks for, else the one given.
func transportOf(u *sipgo.Uri, otherwise string) string {
	if t, ok := u.UriParams.Get("transport"); ok {
		switch strings.ToUpper(t) {
		case "UDP", "TCP":
			return strings.ToUpper(t)
		}
	}
	return otherwise
}
