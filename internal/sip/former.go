package sip

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// recoverEvery is the pause between two dialogs of an earlier run that are
// ended: 500 a second, so that telephones that share an address are not drowned
// and new calls come through.
const recoverEvery = 2 * time.Millisecond

// seqGap is how far beyond the recorded CSeq we go on: requests that were not
// recorded (refreshes, transfers) must lie below, and a gap is legal (RFC 3261
// §12.2.1.1).
const seqGap = 100_000

// A former is what a dialog has that an earlier run of the server has left: of
// it only the record is known, and it is here to be ended.
type former struct {
	stage string
	start string               // UAS: the INVITE that made it; see requestKey
	final []byte               // UAS: what that INVITE gets, until its ACK is here
	to    netip.AddrPort       // … and where
	again chan struct{}        // UAS: it has come once more
	late  chan *sipgo.Response // UAC: responses to an INVITE that has no transaction any more
	ended string               // how; for the counter
}

// Recover takes a record that the Ledger kept for an earlier run, under the key
// that it had. Call it between Listen and Run, for each; Run then ends those
// dialogs: BYE where both sides had agreed, CANCEL where our call was not
// answered, 480 where a caller heard it ringing. It does so in the background,
// 500 a second, and each is forgotten when the far end knows, or has not
// answered for 32 s. A record that cannot be read is forgotten; one too many, or
// the second of a dialog, stays for the next run. Either is an error.
func (s *Server) Recover(key string, text []byte) error {
	d, err := s.restore(key, text)
	if err != nil {
		s.count("bad dialog record")
		if s.Ledger != nil {
			s.Ledger.Forget(key)
		}
		return fmt.Errorf("recover dialog %q: %w", clean(key, maxUser), err)
	}
	if merged, full := s.formers.add(d, d.former.start, max(s.maxCalls(), DefaultMaxCalls)); merged || full {
		s.count("bad dialog record")
		return fmt.Errorf("recover dialog %q: twice, or too many", clean(key, maxUser))
	}
	s.left = append(s.left, d)
	return nil
}

// restore makes a dialog of its record.
func (s *Server) restore(key string, text []byte) (*dialog, error) {
	r, err := readRecord(text)
	if err != nil {
		return nil, err
	}
	d := s.newFormer(key, r.Stage)
	d.kept = true
	d.callID, d.transport, d.peer, d.direct = r.CallID, r.Transport, r.Peer, r.Direct
	d.seq = min(r.Seq, 1<<30) + seqGap
	if d.local, err = r.Local.end(); err != nil {
		return nil, err
	}
	if d.remote, err = r.Remote.end(); err != nil {
		return nil, err
	}
	if d.target, err = readURI(r.Target); err != nil {
		return nil, err
	}
	for _, text := range r.Routes {
		uri, err := readURI(text)
		if err != nil {
			return nil, err
		}
		d.routes = append(d.routes, uri)
	}
	if d.transport == "TCP" && d.direct {
		d.peer = "" // that connection is gone: the Contact is the way (RFC 3261 §18.1.1)
	}
	d.user, d.password = s.credentials(d, r.Peer)
	switch r.Stage {
	case keptCalling:
		err = d.withInvite(r)
	case keptRinging, keptAnswering:
		err = d.withFinal(r)
	}
	return d, err
}

// newFormer is a dialog that nobody has asked for and that is only to be ended.
func (s *Server) newFormer(key, stage string) *dialog {
	d := s.newDialog()
	d.table, d.key = &s.formers, key
	d.log = s.Log.With("dialog", clean(key, maxUser))
	d.former = &former{stage: stage, late: make(chan *sipgo.Response, inboxSize), again: make(chan struct{}, 1)}
	d.stage, d.asked, d.ended = leaving, true, true // nobody owns the leg
	return d
}

// withInvite restores what a dialog has as long as our INVITE has no final
// response.
func (d *dialog) withInvite(r *record) error {
	req, err := r.readInvite()
	if err != nil {
		return err
	}
	req.SetDestination(r.To)
	d.invite, d.stage = req, calling
	d.out = &outgoing{req: req, heard: true, ack: new(atomic.Pointer[sipgo.Request])}
	return nil
}

// withFinal restores what a dialog has as long as its INVITE may lack an end.
func (d *dialog) withFinal(r *record) error {
	res, err := r.readFinal()
	if err != nil {
		return err
	}
	d.uas = true
	d.former.start = requestKey(res)
	d.former.final = []byte(r.Final)
	d.former.to, _ = netip.ParseAddrPort(r.To)
	if d.transport == "TCP" { // to the source's address, at the port of sent-by (RFC 3261 §18.2.2)
		port := cmp.Or(res.Via().Port, sipgo.DefaultPort(d.transport))
		d.former.to = netip.AddrPortFrom(d.former.to.Addr(), uint16(port))
	}
	return nil
}

// credentials are those of the trunk that a dialog is with, if it is with one.
func (s *Server) credentials(d *dialog, peer string) (user, password string) {
	from, _, _ := net.SplitHostPort(peer)
	hosts := []string{d.remote.uri.Host, d.target.Host, from}
	for i := range d.routes {
		hosts = append(hosts, d.routes[i].Host)
	}
	for _, t := range s.Trunks {
		if t.User != "" && slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, t.Host) }) {
			return t.User, t.Password
		}
	}
	return "", ""
}

// recoverAll ends what an earlier run has left, at a pace: first those whose
// telephones still ring, or wait to hear more than ringing.
func (s *Server) recoverAll(ctx context.Context) {
	left := s.left
	s.left = nil
	if len(left) == 0 {
		return
	}
	slices.SortStableFunc(left, func(a, b *dialog) int { return a.former.rank() - b.former.rank() })
	began := time.Now()
	var open atomic.Int64
	open.Store(int64(len(left)))
	s.Log.Info("sip: ending the dialogs of the last run", "dialogs", len(left))
	pace := time.NewTicker(recoverEvery)
	defer pace.Stop()
	for _, d := range left {
		s.start(func(ctx context.Context) {
			d.run(ctx)
			if open.Add(-1) == 0 {
				s.Log.Info("sip: the dialogs of the last run are over", "dialogs", len(left), "took", time.Since(began))
			}
		})
		select {
		case <-pace.C:
		case <-ctx.Done(): // what is left is kept for the next run
			return
		}
	}
}

// countFormer counts how a former dialog came to its end.
func (s *Server) countFormer(d *dialog) {
	if d.former != nil {
		s.Metrics.Counter("sip_former_dialogs_total", "end", cmp.Or(d.former.ended, "no answer"),
			"SIP dialogs of an earlier run, or answers that nobody waited for, by how they ended").Add(1)
	}
}

func (f *former) rank() int {
	if f.stage == keptUp {
		return 1
	}
	return 0
}

// part tells the far end of a former dialog that it is over.
func (d *dialog) part() {
	d.us = d.server.facing(d.far())
	switch d.former.stage {
	case keptCalling:
		d.withdraw()
	case keptRinging, keptAnswering:
		d.sayFinal()
	default:
		d.bye(reason(leg.Shutdown)...)
	}
}

// far is the address that a former dialog's requests go to, if it is one.
func (d *dialog) far() netip.Addr {
	_, to, err := d.route()
	if err != nil {
		return netip.Addr{}
	}
	host, _, _ := net.SplitHostPort(to)
	ip, _ := netip.ParseAddr(host)
	return ip.Unmap()
}

// parted takes the final response to a former dialog's BYE, nil for none.
func (d *dialog) parted(res *sipgo.Response) {
	d.stage = over
	switch {
	case res == nil:
		d.former.ended = "no answer"
	case res.IsSuccess():
		d.former.ended = "bye"
	case res.StatusCode == 481 || res.StatusCode == 408:
		d.former.ended = "was over"
	default:
		d.former.ended = "bye refused"
	}
}

// sayFinal sends a former caller's INVITE its final response, and again until
// its ACK: a refusal where it heard ringing (RFC 3261 §17.2.1), and once more
// the 2xx where that may have been lost, or its ACK (§13.3.1.4): a BYE may
// follow that ACK only.
func (d *dialog) sayFinal() {
	d.deadlines = deadlines{giveUp: d.patience()}
	if err := d.server.sayRaw(d.former.final, d.transport, d.former.to); err != nil {
		d.log.Info("sip: final response not sent", "error", err)
		d.server.count("response not sent")
		d.finalLost()
		return
	}
	switch {
	case d.transport == "UDP":
		d.deadlines.backoff = sipgo.T1
		d.deadlines.resend = time.Now().Add(sipgo.T1)
	case d.former.stage == keptRinging: // its ACK takes the old connection, if any
		d.former.ended, d.stage = "refused", over
	}
}

// sayAgain repeats it.
func (d *dialog) sayAgain() {
	if err := d.server.sayRaw(d.former.final, d.transport, d.former.to); err != nil {
		d.server.count("response not sent")
	}
}

// finalAgain repeats it because no ACK has come.
func (d *dialog) finalAgain(now time.Time) {
	d.sayAgain()
	d.deadlines.backoff = min(2*d.deadlines.backoff, sipgo.T2)
	d.deadlines.resend = now.Add(d.deadlines.backoff)
}

// finalTaken: its ACK is here.
func (d *dialog) finalTaken() {
	if !d.former.awaits() {
		return
	}
	if d.former.stage == keptAnswering {
		d.former.final = nil
		d.bye(reason(leg.Shutdown)...)
		return
	}
	d.former.ended, d.stage = "refused", over
}

// finalLost: no ACK has come, nor will.
func (d *dialog) finalLost() {
	if d.former.stage == keptAnswering && !d.hurried {
		d.former.final = nil
		d.bye(reason(leg.Shutdown)...)
		return
	}
	d.owing = d.hurried
	d.former.ended, d.stage = "no answer", over
}

// awaits reports whether the far end owes us an ACK.
func (f *former) awaits() bool { return f != nil && f.final != nil }

func (f *former) repeats() <-chan struct{} {
	if !f.awaits() {
		return nil
	}
	return f.again
}

// lateResponse takes a response to the INVITE of a former dialog.
func (d *dialog) lateResponse(ctx context.Context, res *sipgo.Response) {
	switch {
	case res.IsProvisional():
	case d.stage == calling:
		d.former.ended = "canceled" // else its BYE says how
		d.progress(ctx, res)
	case res.IsSuccess(): // its ACK was lost, or never sent
		if ack, err := d.newRequest(sipgo.ACK, res.CSeq().SeqNo); err == nil {
			d.server.send(ack)
		}
	}
}

func (f *former) responses() <-chan *sipgo.Response {
	if f == nil {
		return nil
	}
	return f.late
}

// invitedBefore answers an INVITE that an earlier run has taken already: it is
// no new call.
func (s *Server) invitedBefore(req *sipgo.Request, tx *sipgo.ServerTx) bool {
	d := s.formers.begunBy(requestKey(req))
	if d == nil {
		return false
	}
	tx.Terminate()
	select {
	case d.former.again <- struct{}{}:
	default:
	}
	return true
}

// sayRaw sends a response that has no transaction: where it was asked for over
// UDP, on a new connection over TCP, so that its ACK comes there.
func (s *Server) sayRaw(text []byte, transport string, to netip.AddrPort) error {
	if transport == "UDP" {
		if s.udp == nil {
			return errNoAddress
		}
		_, err := s.udp.WriteTo(text, net.UDPAddrFromAddrPort(to))
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	probe := sipgo.NewRequest(sipgo.OPTIONS, sipgo.Uri{Scheme: "sip"}) // sipgo opens connections for requests only
	probe.AppendHeader(s.newVia("TCP", s.local))
	probe.SetTransport("TCP")
	probe.SetDestination(to.String())
	conn, err := s.transport.ClientRequestConnection(ctx, probe)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.TryClose()
	w, ok := conn.(io.Writer)
	if !ok {
		return errNoAddress
	}
	_, err = w.Write(text)
	return err
}
