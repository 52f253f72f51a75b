package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media/rtp"
)

// DefaultMaxCalls is how many calls a Server carries that sets no limit.
const DefaultMaxCalls = 20_000

// A Server is one SIP address: what calls it becomes legs, and it calls others.
// Set the fields, then Listen, then Run.
type Server struct {
	// Addr is host:port, for UDP and TCP alike. Port 0 takes a free one, see
	// LocalAddr.
	Addr string
	// PacketConn and Listener, when set, are used in place of Addr.
	PacketConn net.PacketConn
	Listener   net.Listener

	// MediaIP is the address that is offered for sound. The zero value is
	// Addr's, or, if that is a wildcard, the one on the route to the far end.
	MediaIP netip.Addr
	// Ports are where RTP comes in.
	Ports *rtp.Ports
	// Codecs are the names of the codecs that may be used, the preferred first;
	// none means all of package codec.
	Codecs []string
	// MediaTimeout ends the sound of a leg that hears neither RTP nor RTCP for
	// so long; 0 means 30 s.
	MediaTimeout time.Duration
	// MaxCalls limits the calls at one time; 0 means DefaultMaxCalls.
	MaxCalls int

	// Directory takes registrations; nil refuses them.
	Directory *directory.Directory
	// Users may register and call, by digest.
	Users directory.Users
	// OpenLoopback lets anyone on this machine call, and, without any Users,
	// register any name.
	OpenLoopback bool
	// Trunks may send calls in from their address.
	Trunks []Trunk

	// OnIncoming is given each call on a goroutine of its own, after the caller
	// hears ringing. Who answers or hangs up the leg may do so later, from
	// anywhere; nil refuses all calls (404).
	OnIncoming func(ctx context.Context, l leg.Incoming)
	// Ledger keeps what a restart needs to end the dialogs of a server that was
	// killed; see Recover. nil: a crash leaves them to the far ends.
	Ledger Ledger
	// Resolver gives the SIP URI under which others can call a party
	// ("4:+15550100", "8:acs:alice"), for transfers; nil knows nobody.
	Resolver func(ctx context.Context, id string) (uri string, err error)

	Metrics *metric.Set
	Log     *slog.Logger

	listening    sync.Once
	listenErr    error
	local        netip.AddrPort // where we listen
	udp          *door
	tcp          *gate
	transport    *sipgo.TransportLayer
	transactions *sipgo.TransactionLayer
	dialogs      table
	formers      table     // dialogs of an earlier run
	left         []*dialog // of them, those that Run has not begun to end
	strays       strays
	strangers    strangers
	nonces       nonces
	trunks       trunks
	draining     atomic.Bool
	shut         atomic.Bool // nothing is read any more

	mu    sync.Mutex
	spawn func(func(context.Context)) // set while Run runs
}

// A Trunk is a peer that may send calls in without being asked who it is.
type Trunk struct {
	Host string // address or name; a name is looked up again every few minutes
	Port int    // of its address, 0 for any
	// User and Password answer its challenges when we call through it.
	User, Password string
	Transport      string // udp, tcp; empty for udp
	// Register registers us there as User, so that it knows where to send calls.
	Register bool
}

// Target is the SIP URI of a user behind the trunk, for DialConfig.
func (t Trunk) Target(user string) string {
	u := sipgo.Uri{Scheme: "sip", User: EscapeUser(user), Host: t.Host, Port: t.Port}
	if t.Transport != "" {
		u.UriParams.Add("transport", t.Transport)
	}
	return u.String()
}

// ErrNotRunning says: the server does not Run, or no longer.
var ErrNotRunning = errors.New("sip server is not running")

// Listen opens the sockets, so that LocalAddr is known. Run does it if nobody
// has; a second call does nothing.
func (s *Server) Listen() error {
	s.listening.Do(func() { s.listenErr = s.listen() })
	return s.listenErr
}

func (s *Server) listen() error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	pc, l := s.PacketConn, s.Listener
	if pc == nil && l == nil {
		var err error
		if pc, l, err = open(cmp.Or(s.Addr, "127.0.0.1:5060")); err != nil {
			return err
		}
	}
	if pc != nil {
		s.local = addrPort(pc.LocalAddr())
		s.udp = newDoor(pc, s)
	}
	if l != nil {
		s.local = addrPort(l.Addr())
		s.tcp = newGate(l, s)
	}
	tuneSipgo()
	log := sipgo.WithTransportLayerLogger(slog.New(&complaints{server: s}))
	parser := sipgo.NewParser()
	parser.MaxMessageLength = maxMessage
	s.transport = sipgo.NewTransportLayer(net.DefaultResolver, parser, nil, log)
	s.transactions = sipgo.NewTransactionLayer(s.transport,
		sipgo.WithTransactionLayerLogger(slog.New(&complaints{server: s})),
		sipgo.WithTransactionLayerUnhandledResponseHandler(s.strayResponse))
	s.transactions.OnRequest(s.handle)
	s.nonces.init()
	s.Metrics.Gauge("sip_dialogs", "", "", "SIP dialogs, those that ring included", func() float64 { return float64(s.dialogs.size()) })
	s.Metrics.Gauge("sip_former_dialogs", "", "", "SIP dialogs of an earlier run that are still to be ended",
		func() float64 { return float64(s.formers.size()) })
	return nil
}

// open listens on the same port of UDP and TCP.
func open(addr string) (net.PacketConn, net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for SIP: %w", err)
	}
	udp, tcp := "udp", "tcp"
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		udp, tcp = "udp4", "tcp4" // else 0.0.0.0 would be both families, under IPv6 names
	}
	for tries := 0; ; tries++ {
		l, err := net.Listen(tcp, addr)
		if err != nil {
			return nil, nil, fmt.Errorf("listen for SIP: %w", err)
		}
		pc, err := net.ListenPacket(udp, l.Addr().String())
		if err == nil {
			return pc, l, nil
		}
		l.Close()
		if port != "0" || tries == 20 {
			return nil, nil, fmt.Errorf("listen for SIP: %w", err)
		}
	}
}

// LocalAddr is where the server listens, valid after Listen.
func (s *Server) LocalAddr() netip.AddrPort { return s.local }

// Run serves until ctx is done. Then it refuses new calls, says BYE to those
// that run, waits for the answers for a moment, and closes the sockets. It
// returns nil then, an error if a socket failed before.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	var sockets, dialogs sync.WaitGroup
	life, end := context.WithCancel(ctx)
	defer end()
	failed := make(chan error, 2)
	if s.udp != nil {
		sockets.Go(func() { failed <- errors.Join(s.transport.ServeUDP(s.udp), errors.New("udp socket closed")) })
		<-s.udp.known // who dials earlier makes sipgo open our port a second time
	}
	s.mu.Lock()
	s.spawn = func(f func(context.Context)) { dialogs.Go(func() { f(life) }) }
	s.mu.Unlock()
	if s.udp != nil {
		s.udp.unlock()
	}
	if s.tcp != nil {
		sockets.Go(func() { failed <- errors.Join(s.transport.ServeTCP(s.tcp), errors.New("tcp socket closed")) })
	}
	s.start(s.recoverAll)
	s.start(s.trunks.keep(s.Trunks, s.Log))
	for _, t := range s.Trunks {
		if t.Register {
			s.start(func(ctx context.Context) { s.keepRegistered(ctx, t) })
		}
	}

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serve SIP: %w", err)
	}
	s.Drain()
	s.mu.Lock()
	s.spawn = nil
	s.mu.Unlock()
	end() // every dialog says BYE and ends
	dialogs.Wait()
	s.close()
	sockets.Wait()
	return err
}

// close shuts the sockets and frees what sipgo holds. First it reads nothing
// more: a request that sipgo is just taking in would, without our sockets, be
// answered from one that sipgo opens itself.
func (s *Server) close() {
	s.shut.Store(true)
	time.Sleep(settling) //nolint:forbidigo // sipgo has no word for being done with a request
	s.transactions.Close()
	if s.udp != nil {
		s.udp.Close()
	}
	if s.tcp != nil {
		s.tcp.Close()
		s.tcp.closeAll()
	}
	s.transport.Close()
}

const settling = 10 * time.Millisecond

// start runs f on a goroutine that Run waits for; false says that the server
// does not run.
func (s *Server) start(f func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spawn == nil {
		return false
	}
	s.spawn(f)
	return true
}

// running reports whether calls can be placed.
func (s *Server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spawn != nil
}

// Drain refuses new calls from now on (503); those that run go on.
func (s *Server) Drain() { s.draining.Store(true) }

// handle takes every request that sipgo has parsed and that is not a
// retransmission. It runs on a goroutine of sipgo's, many at once.
func (s *Server) handle(req *sipgo.Request, tx *sipgo.ServerTx) {
	if code, reason := check(req); code != 0 {
		s.refuse(req, tx, code, reason)
		return
	}
	if toTag(req) != "" && req.Method != sipgo.REGISTER {
		s.inDialog(req, tx)
		return
	}
	switch req.Method {
	case sipgo.ACK: // of a refusal, or too late
		tx.Terminate()
	case sipgo.INVITE:
		if !s.invitedBefore(req, tx) && s.admit(req, tx) {
			s.ring(req, tx)
		}
	case sipgo.REGISTER:
		s.register(req, tx)
	case sipgo.OPTIONS:
		if s.admit(req, tx) {
			s.finalOnce(req, tx, 200, allow(), accept(), supported())
		}
	case sipgo.CANCEL, sipgo.BYE, sipgo.INFO, sipgo.UPDATE, sipgo.PRACK, sipgo.NOTIFY:
		if s.admit(req, tx) {
			s.refuse(req, tx, 481, "unknown dialog")
		}
	case sipgo.REFER: // nobody may have us place calls
		if s.admit(req, tx) {
			s.refuse(req, tx, 403, "transfer asked for")
		}
	case sipgo.SUBSCRIBE, sipgo.MESSAGE, sipgo.PUBLISH:
		if s.admit(req, tx) {
			s.refuse(req, tx, 405, "method")
		}
	default:
		if s.admit(req, tx) {
			s.refuse(req, tx, 501, "method")
		}
	}
}

// inDialog gives a request to its dialog. A dialog is named by what only its
// two ends know, so who names it needs no other admission.
func (s *Server) inDialog(req *sipgo.Request, tx *sipgo.ServerTx) {
	key := dialogKey(req.CallID().Value(), toTag(req), fromTag(req))
	d := s.dialogs.find(key)
	if d == nil {
		d = s.formers.find(key)
	}
	if d != nil && d.deliver(request{req, tx}) {
		return
	}
	if req.Method == sipgo.ACK || !s.known(req) {
		tx.Terminate()
		return
	}
	s.refuse(req, tx, 481, "unknown dialog")
}

// count counts a request or packet that was refused or dropped.
func (s *Server) count(reason string) {
	s.Metrics.Counter("sip_refused_total", "reason", reason, "SIP requests refused and packets dropped").Add(1)
}

func addrPort(a net.Addr) netip.AddrPort {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
