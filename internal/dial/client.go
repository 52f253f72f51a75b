package dial

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrTooLarge says that an answer has more bytes than its limit.
var ErrTooLarge = errors.New("the answer is larger than allowed")

// Limits bound what a client puts up with. Zero values are replaced by the
// defaults named here.
type Limits struct {
	Timeout   time.Duration // whole exchange with its body; 30 s. Negative: only the context bounds it
	Header    time.Duration // until the answer's header; 30 s
	Redirects int           // followed at most; 5. Negative: none, the 3xx is the answer
	PerHost   int           // connections to one host at a time; 0: any number
	Body      int64         // bytes of the answer's body, after decompression; 0: any number
}

// HTTPClient makes a client that connects through d only.
func (d *Dialer) HTTPClient(l Limits) *http.Client {
	if l.Timeout == 0 {
		l.Timeout = 30 * time.Second
	}
	if l.Header == 0 {
		l.Header = 30 * time.Second
	}
	if l.Redirects == 0 {
		l.Redirects = 5
	}
	return &http.Client{
		Timeout:       max(0, l.Timeout),
		CheckRedirect: redirects(l.Redirects),
		Transport: &capped{dialer: d, max: l.Body, next: &http.Transport{
			Proxy:                  nil, // the environment's proxy would hide the address from the check
			DialContext:            d.DialContext,
			TLSClientConfig:        d.TLS(),
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  l.Header,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConns:           max(512, 2*l.PerHost),
			MaxIdleConnsPerHost:    max(64, l.PerHost), // an app that answers many calls keeps its connections
			MaxConnsPerHost:        l.PerHost,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		}},
	}
}

func redirects(most int) func(*http.Request, []*http.Request) error {
	return func(_ *http.Request, via []*http.Request) error {
		if most < 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > most {
			return fmt.Errorf("more than %d redirects", most)
		}
		return nil
	}
}

// capped ends the body of an answer at max bytes.
type capped struct {
	dialer *Dialer
	max    int64
	next   *http.Transport
}

// RoundTrip sends one request.
func (c *capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil || c.max <= 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	if resp.ContentLength > c.max && r.Method != http.MethodHead {
		resp.Body.Close()
		c.dialer.count("too large")
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, resp.ContentLength, c.max)
	}
	resp.Body = &body{ReadCloser: resp.Body, left: c.max, max: c.max, dialer: c.dialer}
	return resp, nil
}

// CloseIdleConnections lets http.Client close what it keeps open.
func (c *capped) CloseIdleConnections() { c.next.CloseIdleConnections() }

type body struct {
	io.ReadCloser
	dialer    *Dialer
	left, max int64
	over      bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.over {
		return 0, b.tooLarge()
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed tells "all of it" from "too much"
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) <= b.left {
		b.left -= int64(n)
		return n, err
	}
	b.over = true
	b.dialer.count("too large")
	n, b.left = int(b.left), 0
	return n, b.tooLarge()
}

func (b *body) tooLarge() error { return fmt.Errorf("%w: limit %d bytes", ErrTooLarge, b.max) }
