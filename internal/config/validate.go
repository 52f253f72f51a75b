package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shortestKey is the least that an access key must have, in bytes.
const shortestKey = 16

// Validate says what is wrong, all of it; each error begins with the flag to
// blame.
func (c Config) Validate() error {
	errs := []error{
		blame("--http", address(c.HTTP)),
		blame("--https", address(c.HTTPS)),
		blame("--sip", address(c.SIP)),
	}
	if errors.Join(errs...) == nil { // else nobody knows who can reach the server
		errs = append(errs, c.keys())
	}
	errs = append(errs, c.tls(), c.sound(), c.tokens())
	for _, u := range c.Events {
		errs = append(errs, blame("--events", web(u)))
	}
	if c.PublicURL != "" {
		errs = append(errs, blame("--public-url", web(c.PublicURL)))
	}
	if c.Trunk != "" {
		errs = append(errs, blame("--trunk", sip(c.Trunk)))
	}
	if c.Data == "" {
		errs = append(errs, errors.New("--data: missing: name a folder"))
	}
	if c.Drain < 0 {
		errs = append(errs, fmt.Errorf("--drain: %v is less than nothing", c.Drain))
	}
	return errors.Join(append(errs, c.users())...)
}

func blame(flag string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

func (c Config) tls() error {
	switch {
	case c.Cert != "" && c.Key == "":
		return errors.New("--cert: needs --key")
	case c.Key != "" && c.Cert == "":
		return errors.New("--key: needs --cert")
	}
	return nil
}

func (c Config) sound() error {
	p := c.MediaPorts
	switch {
	case p.First < 1 || p.Last > 65535 || p.Last <= p.First:
		return fmt.Errorf("--media-ports: %v has no two ports for RTP and RTCP", p)
	case c.MediaTimeout <= 0:
		return fmt.Errorf("--media-timeout: %v must be more than nothing", c.MediaTimeout)
	}
	return nil
}

// shortestRotation is the least that a signing key lives: making one costs a
// core a tenth of a second.
const shortestRotation = time.Second

// tokens holds the rules of tokens: keys that are fetched from an issuer in the
// clear are anybody's keys.
func (c Config) tokens() error {
	var errs []error
	if c.TokenRotate < shortestRotation {
		errs = append(errs, fmt.Errorf("--token-rotate: %v is less than %v", c.TokenRotate, shortestRotation))
	}
	if c.EntraIssuer != "" {
		errs = append(errs, blame("--entra-issuer", issuer(c.EntraIssuer)))
		if c.EntraAudience == "" {
			errs = append(errs, errors.New("--entra-audience: empty: tokens for anybody would be accepted"))
		}
	}
	return errors.Join(errs...)
}

func issuer(s string) error {
	if err := web(s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "https" || loopback(net.JoinHostPort(u.Hostname(), "0")) {
		return err
	}
	return fmt.Errorf("%q is not https, and not on this machine", s)
}

// keys holds the rule of the development key: everybody knows it, so it opens
// nothing that others can reach.
func (c Config) keys() error {
	if len(c.AccessKeys) == 0 && !c.Loopback() {
		return errors.New("--access-key: needed, because a listener is not on loopback and the development key is known to all; make one with: head -c 64 /dev/urandom | base64 -w 0")
	}
	if len(c.AccessKeys) > 2 {
		return errors.New("--access-key: two at most: the one that goes and the one that comes")
	}
	for i, k := range c.AccessKeys {
		key, err := base64.StdEncoding.DecodeString(k)
		switch {
		case err != nil: // not quoted: it is a secret
			return fmt.Errorf("--access-key: number %d is not base64", i+1)
		case len(key) < shortestKey:
			return fmt.Errorf("--access-key: number %d has %d bytes; %d is the least", i+1, len(key), shortestKey)
		case k == DevelopmentKey && !c.Loopback():
			return errors.New("--access-key: this is the published development key, and a listener is not on loopback")
		}
	}
	return nil
}

func (c Config) users() error {
	for i, u := range c.Users {
		if slices.ContainsFunc(c.Users[:i], func(o User) bool { return o.Name == u.Name }) {
			return fmt.Errorf("--user: %s is named twice", u.Name)
		}
	}
	return nil
}

// address checks HOST:PORT, where HOST may be empty, an IP address or a name.
func address(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:8080", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port between 0 and 65535", s)
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.Trim(host, "0123456789.") == "" && host != "" {
		return fmt.Errorf("%q is not an IP address", host)
	}
	if strings.ContainsAny(host, " /@?#") {
		return fmt.Errorf("%q is not a host", host)
	}
	return nil
}

func web(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not a URL such as https://app.example.com/events", s)
	}
	return nil
}

// sip checks sip:[user[:password]@]host[:port][;parameters]. What it refuses it
// does not repeat: there may be a password in it.
func sip(s string) error {
	rest, ok := strings.CutPrefix(s, "sip:")
	rest, _, _ = strings.Cut(rest, ";")
	host := rest[strings.LastIndex(rest, "@")+1:]
	if h, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("its port is not between 1 and 65535")
		}
		host = h
	}
	if !ok || host == "" || strings.ContainsAny(host, " /?#") {
		return errors.New("not a SIP URI such as sip:user:password@trunk.example.com")
	}
	return nil
}
