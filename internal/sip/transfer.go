package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// The times of a transfer.
const (
	transferTime = 60 * time.Second // from the far end's yes to the last word about its new call
	overtaken    = time.Second      // how long a BYE waits for a NOTIFY that it may have overtaken
)

// The errors of a Transfer.
var (
	errTransferring       = errors.New("it is being transferred already")
	errNobody       error = unreachable("nobody to be reached under that name")
	errNoResponse   error = unreachable("no response to REFER")
)

type unreachable string

func (u unreachable) Error() string { return string(u) }

// LegCause is for leg.CauseOf.
func (unreachable) LegCause() leg.Cause { return leg.Unreachable }

// A Refusal is a far end's no to a REFER. Transfer returns it, wrapped.
type Refusal struct {
	Status int // SIP status code
	Cause  leg.Cause
}

// Error says the code.
func (r *Refusal) Error() string { return "REFER was refused with " + itoa(r.Status) }

// LegCause is what the code means, for leg.CauseOf.
func (r *Refusal) LegCause() leg.Cause { return r.Cause }

// How far a transfer is with who waits for it in Transfer.
const (
	unsettled int32 = iota
	taken           // Transfer has returned nil, or will: the event Transferred is owed
	refused         // Transfer has returned an error, or will: no event
)

// A transfer is a REFER of ours and the subscription that it makes (RFC 3515,
// RFC 5589 §6: blind transfer).
type transfer struct {
	to      sipgo.Uri
	headers map[string]string

	settled atomic.Int32
	reply   chan error // to Transfer; has room

	// ——— the dialog's goroutine ———
	refer      *exchange // nil: its final response has come
	first      uint32    // CSeq of the REFER: the id of its subscription …
	last       uint32    // … or this one, if it was sent again with credentials
	subscribed bool      // NOTIFYs may come
	told       bool      // Transferred is out, or never will be
}

// Transfer asks the far end to call somebody else, by REFER. headers are sent
// along in Refer-To, so that the far end puts them into its INVITE. An error
// says that it will not (*Refusal), that it did not say in ctx's time, that to
// is unknown to the Server's Resolver, or that a header cannot be sent
// (ErrHeader); no event follows it. After nil the event Transferred comes once:
// when a NOTIFY holds a final status, when the leg ends, or after 60 s. Where
// the far end makes no subscription (RFC 4488, Refer-Sub: false) its yes is all
// that will be known, and is Transferred{OK: true} at once.
func (d *dialog) Transfer(ctx context.Context, to string, headers map[string]string) error {
	t, err := d.server.newTransfer(ctx, to, headers)
	if err != nil {
		return fmt.Errorf("transfer to %q: %w", clean(to, maxUser), err)
	}
	select {
	case d.orders <- order{transfer: t}:
	case <-d.done:
		return fmt.Errorf("transfer to %q: %w", clean(to, maxUser), errEnded)
	case <-ctx.Done():
		return fmt.Errorf("transfer to %q: %w", clean(to, maxUser), context.Cause(ctx))
	}
	select {
	case err = <-t.reply:
	case <-ctx.Done():
		if t.settled.CompareAndSwap(unsettled, refused) {
			err = context.Cause(ctx)
		} else {
			err = <-t.reply
		}
	}
	if err != nil {
		return fmt.Errorf("transfer to %q: %w", clean(to, maxUser), err)
	}
	return nil
}

// newTransfer finds the address that a party has for others.
func (s *Server) newTransfer(ctx context.Context, to string, headers map[string]string) (*transfer, error) {
	if err := checkHeaders(headers); err != nil {
		return nil, err
	}
	if s.Resolver == nil {
		return nil, errNobody
	}
	text, err := s.Resolver(ctx, to)
	if err != nil {
		return nil, err
	}
	t := &transfer{headers: headers, reply: make(chan error, 1)}
	if err := sipgo.ParseUri(text, &t.to); err != nil || t.to.Host == "" || t.to.Scheme != "sip" || strings.ContainsAny(text, "<>\r\n") {
		return nil, errTarget
	}
	t.to.Headers = nil
	return t, nil
}

// yes and no settle with who waits in Transfer; false says that it was settled
// before.
func (t *transfer) yes() bool { return t.settle(taken, nil) }

func (t *transfer) no(err error) bool { return t.settle(refused, err) }

func (t *transfer) settle(how int32, err error) bool {
	if !t.settled.CompareAndSwap(unsettled, how) {
		return false
	}
	t.reply <- err
	return true
}

// open reports whether the transfer still stands in the way of another.
func (t *transfer) open() bool {
	return t != nil && !t.told && t.settled.Load() != refused
}

func (t *transfer) responses() <-chan *sipgo.Response {
	if t == nil {
		return nil
	}
	return t.refer.responses()
}

func (t *transfer) done() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.refer.done()
}

func (t *transfer) drop() {
	if t != nil {
		t.refer.drop()
		t.refer = nil
	}
}

// referTo sends the REFER.
func (d *dialog) referTo(ctx context.Context, t *transfer) {
	switch {
	case d.stage != up:
		t.no(errNotUp)
		return
	case d.transfer.open():
		t.no(errTransferring)
		return
	}
	d.seq++
	req, err := d.newRequest(sipgo.REFER, d.seq)
	if err != nil {
		t.no(err)
		return
	}
	req.AppendHeader(d.contact())
	req.AppendHeader(allow())
	req.AppendHeader(sipgo.NewHeader("Refer-To", "<"+t.to.String()+uriHeaders(t.headers)+">"))
	req.AppendHeader(sipgo.NewHeader("Referred-By", "<"+d.local.uri.String()+">")) // RFC 3892
	tx, err := d.server.transmit(ctx, req)
	if err != nil {
		t.no(err)
		return
	}
	d.transfer.drop()
	t.refer = &exchange{tx: tx, req: tx.Origin()}
	t.first, t.last, t.subscribed = d.seq, d.seq, true // a NOTIFY may overtake the 202
	d.transfer = t
}

// referred takes a response to the REFER.
func (d *dialog) referred(ctx context.Context, res *sipgo.Response) {
	t := d.transfer
	x := t.refer
	if res.IsProvisional() {
		return
	}
	if (res.StatusCode == 401 || res.StatusCode == 407) && d.user != "" && x.try == 0 {
		if again, err := d.again(ctx, x.req, res); err == nil {
			x.drop()
			again.try = 1
			t.refer, t.last = again, again.req.CSeq().SeqNo
			return
		}
	}
	t.drop()
	switch {
	case !res.IsSuccess():
		d.server.count("transfer refused")
		d.log.Info("sip: REFER refused", "status", res.StatusCode, "phrase", clean(res.Reason, maxUser))
		t.subscribed = false
		if !t.no(&Refusal{res.StatusCode, causeOf(res.StatusCode)}) {
			d.transferred(false, causeOf(res.StatusCode))
		}
	case strings.EqualFold(header(res, "Refer-Sub"), "false"):
		t.yes()
		t.subscribed = false
		d.transferred(true, leg.Normal)
	default:
		d.trying()
	}
}

// trying: the far end does what the REFER asks. It may have said so by a NOTIFY already.
func (d *dialog) trying() {
	if d.transfer.yes() {
		d.deadlines.transfer = time.Now().Add(transferTime)
	}
}

// unreferred: no response to the REFER has come.
func (d *dialog) unreferred() {
	t := d.transfer
	t.drop()
	t.subscribed = false
	d.server.count("transfer refused")
	if !t.no(errNoResponse) {
		d.transferred(false, leg.Unreachable)
	}
}

// transferred tells how a transfer went, once.
func (d *dialog) transferred(ok bool, cause leg.Cause) {
	t := d.transfer
	if t == nil || t.told {
		return
	}
	t.told = true
	d.deadlines.transfer = time.Time{}
	if t.settled.Load() == taken {
		d.emit(leg.Transferred{OK: ok, Cause: cause})
	}
}

// endTransfer gives a transfer up with its leg.
func (d *dialog) endTransfer(cause leg.Cause) {
	if t := d.transfer; t != nil {
		t.no(errEnded)
		d.transferred(false, cause)
	}
}

// notify takes a NOTIFY: how the far end's new call gets on. Only those of our
// subscription are taken; 481 ends any other (RFC 6665 §4.1.3).
func (d *dialog) notify(r request) {
	t := d.transfer
	if t == nil || !t.subscribed || !t.names(r.Request) {
		d.reply(r, 481, nil)
		return
	}
	state, reason := subscriptionState(r.Request)
	over := state == "terminated"
	code, ok := fragmentStatus(r.Body())
	if !ok && len(r.Body()) > 0 && !over {
		d.reply(r, 400, nil)
		return
	}
	d.reply(r, 200, nil)
	d.trying()
	t.subscribed = !over
	switch {
	case ok && code >= 200:
		d.transferred(code < 300, causeOfTransfer(code))
	case over:
		d.transferred(false, causeOfEnd(reason))
	}
	if d.farLeft && t.told { // the BYE behind it was here first
		d.farGone()
	}
}

// names reports whether a NOTIFY is about this transfer. The id may be missing
// (RFC 3515 §2.4.6).
func (t *transfer) names(req *sipgo.Request) bool {
	event, params, _ := strings.Cut(header(req, "Event", "o"), ";")
	if !strings.EqualFold(strings.TrimSpace(event), "refer") {
		return false
	}
	id, ok := tokenParam(params, "id")
	return !ok || id == itoa(int(t.first)) || id == itoa(int(t.last))
}

// subscriptionState reads "terminated;reason=noresource".
func subscriptionState(req *sipgo.Request) (state, reason string) {
	state, params, _ := strings.Cut(header(req, "Subscription-State"), ";")
	reason, _ = tokenParam(params, "reason")
	return strings.ToLower(strings.TrimSpace(state)), strings.ToLower(reason)
}

// tokenParam finds a parameter in "a=1;b=2".
func tokenParam(params, name string) (string, bool) {
	for part := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// fragmentStatus is the status code in a piece of a SIP message (RFC 3420):
// "SIP/2.0 180 Ringing" and perhaps more.
func fragmentStatus(body []byte) (code int, ok bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(string(body[:min(len(body), maxUser)]), "\r\n\t "), "\n")
	version, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	number, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !strings.EqualFold(version, "SIP/2.0") || len(number) != 3 {
		return 0, false
	}
	if n, ok := seconds(number); ok && n >= 100 && n < 700 {
		return n, true
	}
	return 0, false
}

// causeOfTransfer is what the final status of the far end's new call means.
func causeOfTransfer(code int) leg.Cause {
	if code < 300 {
		return leg.Normal
	}
	return causeOf(code)
}

// causeOfEnd is why a subscription ended that never said how the call went
// (RFC 6665 §4.1.3).
func causeOfEnd(reason string) leg.Cause {
	switch reason {
	case "timeout", "giveup":
		return leg.NoAnswer
	case "rejected":
		return leg.Declined
	}
	return leg.Failed
}

// leaves takes a BYE in the middle of a transfer, and reports whether that was
// all there was to do. Our requests are numbered by the far end: when a number
// is missing before the BYE, the NOTIFY that has it is still on its way through
// sipgo, and is waited for.
func (d *dialog) leaves(r request, before uint32) bool {
	if !d.transfer.open() || d.stage != up || before != 0 && r.CSeq().SeqNo <= before+1 {
		return false
	}
	d.reply(r, 200, nil)
	d.farLeft, d.asked, d.stage = true, true, leaving
	d.sound.mute.Store(true)
	d.deadlines = deadlines{giveUp: time.Now().Add(overtaken), transfer: d.deadlines.transfer}
	return true
}

// farGone ends a leg whose far end has left in the middle of a transfer.
func (d *dialog) farGone() {
	d.end(leg.Normal, true)
	d.stage = over
}
