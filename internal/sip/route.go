package sip

import (
	"net"

	sipgo "github.com/emiago/sipgo/sip"
)

// route is where a request of ours goes, and by which transport: to the first
// proxy of the route, else to the far end. A telephone that came to us
// directly is answered where it came from, for its Contact may be an address
// behind a NAT.
func (d *dialog) route() (transport, destination string, err error) {
	if len(d.routes) > 0 {
		transport = transportOf(&d.routes[0], d.transport)
		destination, err = hostPort(&d.routes[0], transport)
		return transport, destination, err
	}
	transport = transportOf(&d.target, d.transport)
	if d.direct && d.peer != "" && transport == d.transport {
		host, _, _ := net.SplitHostPort(d.peer)
		if transport == "TCP" && d.server.connected(d.peer) || host != d.target.Host {
			return transport, d.peer, nil
		}
	}
	destination, err = hostPort(&d.target, transport)
	return transport, destination, err
}

// connected reports whether there is a TCP connection to this address.
func (s *Server) connected(addr string) bool {
	c, err := s.transport.GetConnection("tcp", addr)
	if err != nil {
		return false
	}
	c.TryClose()
	return true
}

// newRequest makes a request of ours in the dialog (RFC 3261 §12.2.1.1).
func (d *dialog) newRequest(method sipgo.RequestMethod, seq uint32) (*sipgo.Request, error) {
	transport, destination, err := d.route()
	if err != nil {
		return nil, err
	}
	uri, routes := d.target, d.routes
	uri.Headers = nil
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // a strict router
		uri, routes = routes[0], append(routes[1:len(routes):len(routes)], d.target)
	}
	req := sipgo.NewRequest(method, uri)
	req.AppendHeader(d.server.newVia(transport, d.us))
	for i := range routes {
		req.AppendHeader(&sipgo.RouteHeader{Address: routes[i]})
	}
	d.ends(req, seq)
	req.SetBody(nil)
	d.server.aim(req, transport, destination)
	return req, nil
}

// ends adds the headers that name the dialog.
func (d *dialog) ends(req *sipgo.Request, seq uint32) {
	hops := sipgo.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	from := &sipgo.FromHeader{DisplayName: quotable(d.local.display), Address: d.local.uri}
	from.Params.Add("tag", d.local.tag)
	req.AppendHeader(from)
	to := &sipgo.ToHeader{DisplayName: quotable(d.remote.display), Address: d.remote.uri}
	if d.remote.tag != "" {
		to.Params.Add("tag", d.remote.tag)
	}
	req.AppendHeader(to)
	id := sipgo.CallIDHeader(d.callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: seq, MethodName: req.Method})
	if req.Method == sipgo.INVITE || req.Method == sipgo.UPDATE {
		req.AppendHeader(d.contact())
		req.AppendHeader(allow())
		req.AppendHeader(supported())
	}
	req.AppendHeader(sipgo.NewHeader("User-Agent", product))
}

// contact is where we are, for this dialog.
func (d *dialog) contact() sipgo.Header {
	uri := sipgo.Uri{Scheme: "sip", User: d.local.uri.User, Host: d.us.Addr().String(), Port: int(d.us.Port())}
	if d.transport == "TCP" {
		uri.UriParams.Add("transport", "tcp")
	}
	return &sipgo.ContactHeader{Address: uri}
}
