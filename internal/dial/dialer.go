package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/tipring/tipring/internal/metric"
)

// connectTimeout bounds the resolving and connecting of one connection.
const connectTimeout = 10 * time.Second

// A Dialer makes outbound connections. Its zero value reaches public addresses
// only. Do not change it once it is in use.
type Dialer struct {
	AllowNet []netip.Prefix // networks that may be reached although they are not public
	NoPublic bool           // reach nothing but AllowNet
	Roots    *x509.CertPool // whom TLS trusts; nil: the system's roots
	Resolver *net.Resolver  // what names mean; nil: as the system says
	Metrics  *metric.Set    // counts refusals; may be nil
}

// DialContext connects to addr ("host:port") over TCP. The error is a *Refused
// (errors.As) when the address is not allowed.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	nd := net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second, Resolver: d.Resolver, Control: d.control}
	conn, err := nd.DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return conn, nil
}

// TLS is the configuration for connections of this dialer.
func (d *Dialer) TLS() *tls.Config {
	return &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12}
}

// control runs for every address that is tried, just before it is connected to.
func (d *Dialer) control(network, address string, _ syscall.RawConn) error {
	err := d.allow(network, address)
	if err == nil {
		return nil
	}
	reason := "malformed"
	if r, ok := err.(*Refused); ok { //nolint:errorlint // allow returns it bare
		reason = r.Reason
	}
	d.count(reason)
	return err
}

func (d *Dialer) allow(network, address string) error {
	if network != "tcp4" && network != "tcp6" && network != "tcp" {
		return fmt.Errorf("network %q is not TCP", network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	return d.Check(ap.Addr())
}

func (d *Dialer) count(reason string) {
	d.Metrics.Counter("dial_refused_total", "reason", reason, "Outbound connections and answers refused").Add(1)
}
