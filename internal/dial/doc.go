// Package dial makes every outbound HTTP and websocket connection, and refuses
// those that an outsider must not be able to ask for.
//
// # What it does
//
// Applications hand tipring URLs: callbacks, prompts, websockets. A [Dialer]
// connects to them, unless the address is one that only this machine or its
// network should reach. Public addresses are allowed; loopback and private
// ones where AllowNet names them; link-local, multicast, unspecified and cloud
// metadata addresses never, nor what leads to one of them by way of a translator
// or a tunnel.
//
// # How it works
//
// The address is judged when the connection is made, after the name was
// resolved, so a name that changes its answer, a redirect and an odd spelling
// of an address all meet the same check. Proxies of the environment are
// ignored. Each refusal is counted in dial_refused_total with its reason.
//
// # How to use it
//
//	d := &dial.Dialer{AllowNet: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
//	client := d.HTTPClient(dial.Limits{Body: 64 << 20})
//	ws := websocket.Dialer{NetDialContext: d.DialContext, TLSClientConfig: d.TLS()}
//
// Make one client for each purpose and keep it: it holds the idle connections,
// and its limits are for all that it does.
package dial
