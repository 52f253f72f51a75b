package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// A gate opens once.
type gate struct {
	once sync.Once
	c    chan struct{}
	at   time.Time // when it opened; valid once it has
}

func newGate() *gate { return &gate{c: make(chan struct{})} }

func (g *gate) open() {
	g.once.Do(func() {
		g.at = time.Now()
		close(g.c)
	})
}

// opened says when, if it has.
func (g *gate) opened() (at time.Time, ok bool) {
	select {
	case <-g.c:
		return g.at, true
	default:
		return at, false
	}
}

func (g *gate) wait(ctx context.Context) error {
	select {
	case <-g.c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A call is one telephone call, from INVITE to BYE.
type call struct {
	index  int
	number string // who calls
	short  bool   // it is hung up as soon as it stands
	line   *line

	id, tag   string
	responses chan *sipgo.Response

	mu     sync.Mutex // over toTag and target
	toTag  string     // parameters of To, once answered
	target string     // where the dialog's requests go

	served  *gate         // prompt and recognition have been asked for
	gone    *gate         // CallDisconnected has come
	byed    *gate         // the server has said BYE
	updated chan struct{} // ParticipantsUpdated has come

	invited, rang, answered, played, terminated time.Time // under the lock of Phones

	connection  string // valid once served
	came, wrong int    // keys that came back: right ones, others
}

// A caller is the telephones' SIP: one socket.
type caller struct {
	socket *net.UDPConn
	server *net.UDPAddr

	mu    sync.Mutex
	calls map[string]*call // by Call-ID
	again uint64           // messages that were sent again
}

func newCaller() (*caller, error) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open the phones' socket: %w", err)
	}
	_ = socket.SetReadBuffer(4 << 20)
	return &caller{socket: socket, calls: map[string]*call{}}, nil
}

// run reads until the socket is closed.
func (s *caller) run() {
	buffer := make([]byte, 65536)
	for {
		n, err := s.socket.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		message, err := sipgo.ParseMessage(append([]byte(nil), buffer[:n]...))
		if err != nil {
			continue
		}
		switch m := message.(type) {
		case *sipgo.Response:
			s.response(m)
		case *sipgo.Request:
			s.request(m)
		}
	}
}

func (s *caller) find(h *sipgo.CallIDHeader) *call {
	if h == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[h.Value()]
}

func (s *caller) response(r *sipgo.Response) {
	c := s.find(r.CallID())
	if c == nil || r.CSeq() == nil {
		return
	}
	if r.CSeq().MethodName == sipgo.INVITE && r.StatusCode >= 200 {
		s.acknowledge(c, r)
	}
	select {
	case c.responses <- r:
	default:
	}
}

// acknowledge answers a final response to INVITE, each time it comes.
func (s *caller) acknowledge(c *call, r *sipgo.Response) {
	c.mu.Lock()
	if r.To() != nil {
		if tag, ok := r.To().Params.Get("tag"); ok {
			c.toTag = ";tag=" + tag
		}
	}
	if r.Contact() != nil {
		c.target = r.Contact().Address.String()
	}
	c.mu.Unlock()
	branch := "ack"
	if r.StatusCode >= 300 {
		branch = "invite" // RFC 3261 §17.1.1.3: the INVITE's own
	}
	s.send(c, "ACK", branch, 1, "")
}

// request answers what the server asks of a phone: BYE, and OPTIONS.
func (s *caller) request(r *sipgo.Request) {
	if r.Method == sipgo.ACK {
		return
	}
	if c := s.find(r.CallID()); c != nil && r.Method == sipgo.BYE {
		c.byed.open()
	}
	answer := sipgo.NewResponseFromRequest(r, 200, "OK", nil)
	_, _ = s.socket.WriteToUDP([]byte(answer.String()), s.server)
}

// send sends one request of a call.
func (s *caller) send(c *call, method, branch string, cseq int, body string) {
	local := s.socket.LocalAddr().String()
	c.mu.Lock()
	toTag, target := c.toTag, c.target
	c.mu.Unlock()
	if method == "INVITE" {
		toTag = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s;rport\r\n", method, target, local, branch, c.id)
	fmt.Fprintf(&b, "From: <sip:%s@%s>;tag=%s\r\nTo: <sip:+15550199@%s>%s\r\n", c.number, local, c.tag, s.server, toTag)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContact: <sip:%s@%s>\r\n", c.id, cseq, method, c.number, local)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	_, _ = s.socket.WriteToUDP([]byte(b.String()), s.server)
}

// transact sends a request again and again until it has its final response.
func (s *caller) transact(ctx context.Context, c *call, method string, cseq int, body string) (*sipgo.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 32*time.Second, errors.New("no response"))
	defer cancel()
	wait := 500 * time.Millisecond
	timer := time.NewTimer(wait)
	defer timer.Stop()
	s.send(c, method, strings.ToLower(method), cseq, body)
	for heard := false; ; {
		select {
		case r := <-c.responses:
			if int(r.CSeq().SeqNo) != cseq {
				continue
			}
			if heard = true; r.StatusCode >= 200 {
				return r, nil
			}
		case <-timer.C:
			wait = min(2*wait, 4*time.Second)
			timer.Reset(wait)
			if heard && method == "INVITE" {
				continue // it rings
			}
			s.mu.Lock()
			s.again++
			s.mu.Unlock()
			s.send(c, method, strings.ToLower(method), cseq, body)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s from %s: %w", method, c.number, context.Cause(ctx))
		}
	}
}

// invite places the call and says where its sound goes.
func (s *caller) invite(ctx context.Context, c *call, media netip.AddrPort) (netip.AddrPort, error) {
	offer := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
		media.Addr(), media.Port())
	c.target = "sip:+15550199@" + s.server.String()
	s.mu.Lock()
	s.calls[c.id] = c
	s.mu.Unlock()
	r, err := s.transact(ctx, c, "INVITE", 1, offer)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if r.StatusCode >= 300 {
		return netip.AddrPort{}, fmt.Errorf("INVITE from %s: %d %s", c.number, r.StatusCode, r.Reason)
	}
	return answered(string(r.Body()))
}

// answered reads an SDP answer as far as a phone must.
func answered(sdp string) (netip.AddrPort, error) {
	var ip netip.Addr
	var port uint16
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "c=IN IP4 "); ok {
			ip, _ = netip.ParseAddr(text)
		}
		if strings.HasPrefix(line, "m=audio ") {
			_, _ = fmt.Sscanf(line, "m=audio %d ", &port)
		}
	}
	if !ip.IsValid() || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("no address in the answer: %q", sdp)
	}
	return netip.AddrPortFrom(ip, port), nil
}

// bye hangs up.
func (s *caller) bye(ctx context.Context, c *call) error {
	_, err := s.transact(ctx, c, "BYE", 2, "")
	return err
}

// forget lets a call's Call-ID go.
func (s *caller) forget(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, c.id)
}
