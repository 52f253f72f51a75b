package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/leg"
)

// A stage is where a dialog is in its life.
type stage uint8

const (
	ringing   stage = iota // UAS: 180 is out
	answering              // UAS: 200 is out, ACK is awaited
	calling                // UAC: INVITE is out
	up                     // both sides have agreed
	leaving                // over for the leg's owner; the far end is being told
	over                   // nothing is left to do
)

// A dialog is one call at the level of SIP, and the leg that it makes. One
// goroutine (run) owns everything below the line; the rest of the world talks
// to it through channels.
type dialog struct {
	server *Server
	table  *table  // that it is in
	former *former // of an earlier run; else nil
	log    *slog.Logger
	party  leg.Party
	call   leg.Call
	sound  sound // what Read and Write are about; see leg.go

	events chan leg.Event
	inbox  chan request
	orders chan order
	cancel chan struct{} // CANCEL has come
	digits digits        // those that are being sent; see digits.go
	done   chan struct{} // closed at the end of run

	// ——— owned by run ———
	stage   stage
	ended   bool // Ended is out
	asked   bool // the owner or the far end has ended it
	farLeft bool // a BYE was taken, but a NOTIFY before it is awaited
	uas     bool
	hurried bool   // the server stops
	key     string // in the ledger
	kept    bool   // the ledger has it, or was asked to
	unkept  unkept // and would not; see keepAgain
	owing   bool   // the far end may not know that it is over: the next run tells it

	callID         string
	local, remote  end       // From and To of our requests
	target         sipgo.Uri // where the far end is: its Contact
	routes         []sipgo.Uri
	direct         bool   // no proxy between us
	peer           string // where its messages come from
	transport      string // UDP, TCP
	us             netip.AddrPort
	seq, farSeq    uint32
	farAllow       map[string]bool
	user, password string

	invite    *sipgo.Request  // the one that made the dialog
	tx        *sipgo.ServerTx // UAS: its transaction
	yes       *sipgo.Response // UAS: the 2xx to the INVITE
	await     *awaiting       // a 2xx of ours that is repeated until ACK
	answered  []chan error    // who waits for the ACK of the answer
	deferred  []request       // came before that ACK
	out       *outgoing       // UAC: our INVITE
	pending   *exchange       // our request in the dialog that waits for its response
	transfer  *transfer       // the last one
	elsewhere bool            // it is withdrawn because another telephone has answered
	hungUp    []chan struct{} // who waits for the far end to know
	session   sessionTimer
	held      bool
	deadlines deadlines
	timer     *time.Timer
}

// An end is one side of a dialog: its address and tag.
type end struct {
	display string
	uri     sipgo.Uri
	tag     string
}

// deadlines is when run has something to do by itself.
type deadlines struct {
	resend   time.Time     // repeat the 2xx
	backoff  time.Duration // and so long after that, twice as long
	giveUp   time.Time     // no ACK, no answer to CANCEL or BYE
	refresh  time.Time     // we must refresh the session
	expire   time.Time     // the session has run out
	transfer time.Time     // the far end has not said how a transfer went
}

func (t *deadlines) next() time.Time {
	return earliest(t.resend, t.giveUp, t.refresh, t.expire, t.transfer)
}

// earliest is the first of some times, of those that are set.
func earliest(times ...time.Time) (first time.Time) {
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// A request has come for a dialog.
type request struct {
	*sipgo.Request
	tx *sipgo.ServerTx
}

// An order comes from the leg's owner.
type order struct {
	answer    chan error    // answer the call
	transfer  *transfer     // ask the far end to call another
	hangup    chan struct{} // end it, for …
	cause     leg.Cause     // … this
	elsewhere bool          // because another telephone has answered
}

// The sizes of a dialog's channels. A far end that sends more requests at once
// than the inbox holds is answered with 500.
const (
	inboxSize  = 16
	eventsSize = 64
)

func (s *Server) newDialog() *dialog {
	d := &dialog{
		server: s, table: &s.dialogs,
		events: make(chan leg.Event, eventsSize),
		inbox:  make(chan request, inboxSize),
		orders: make(chan order),
		cancel: make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	d.digits.sent = make(chan error, eventsSize)
	d.sound.dialog = d
	return d
}

// deliver puts a request into the inbox; false says that the dialog is gone.
func (d *dialog) deliver(r request) bool {
	select {
	case <-d.done:
		return false
	default:
	}
	select {
	case d.inbox <- r:
		select {
		case <-d.done: // at the last moment: finish may have looked already
			d.turnAway()
		default:
		}
		return true
	default:
	}
	d.server.count("dialog flooded")
	if r.Method == sipgo.ACK {
		r.tx.Terminate()
	} else {
		d.server.finalOnce(r.Request, r.tx, 500, sipgo.NewHeader("Retry-After", "2"))
	}
	return true
}

// run is the dialog's life. It ends when nothing is left to do, or soon after
// ctx is done.
func (d *dialog) run(ctx context.Context) {
	defer d.finish()
	d.timer = time.NewTimer(time.Hour)
	defer d.timer.Stop()
	stop := ctx.Done()
	switch {
	case d.former != nil:
		d.part()
	case d.stage == ringing:
		d.alert()
	}
	for d.stage != over {
		d.arm()
		select {
		case r := <-d.inbox:
			d.receive(r)
		case o := <-d.orders:
			d.obey(ctx, o)
		case <-d.cancel:
			d.canceled()
		case ack := <-d.acks():
			d.acknowledged(ack)
		case res := <-d.out.responses():
			d.progress(ctx, res)
		case <-d.out.done():
			d.unanswered()
		case res := <-d.former.responses():
			d.lateResponse(ctx, res)
		case <-d.former.repeats():
			d.sayAgain()
		case res := <-d.pending.responses():
			d.pendingResponse(ctx, res)
		case <-d.pending.done():
			d.pendingFailed()
		case res := <-d.transfer.responses():
			d.referred(ctx, res)
		case <-d.transfer.done():
			d.unreferred()
		case err := <-d.digits.sent:
			d.emit(leg.DigitsSent{Err: err})
		case <-d.timer.C:
			d.expire(ctx, time.Now())
		case <-stop:
			stop, d.hurried = nil, true
			d.hangup(leg.Shutdown)
			if d.deadlines.giveUp.After(d.patience()) {
				d.deadlines.giveUp = d.patience()
			}
		}
	}
}

// partingTime is how long a stopping server waits for each last message.
const partingTime = time.Second

// patience is until when to wait for the far end.
func (d *dialog) patience() time.Time {
	if d.hurried {
		return time.Now().Add(partingTime)
	}
	return time.Now().Add(timeout)
}

func (d *dialog) arm() {
	at := earliest(d.deadlines.next(), d.unkept.due)
	if at.IsZero() {
		d.timer.Reset(time.Hour)
		return
	}
	d.timer.Reset(max(0, time.Until(at)))
}

// expire does what is due.
func (d *dialog) expire(ctx context.Context, now time.Time) {
	t := &d.deadlines
	due := func(at *time.Time) bool {
		if at.IsZero() || now.Before(*at) {
			return false
		}
		*at = time.Time{}
		return true
	}
	if due(&t.giveUp) {
		d.gaveUp()
	}
	if d.stage != over && due(&t.resend) {
		d.repeat(now)
	}
	if d.stage == up && due(&t.expire) {
		d.server.count("session expired")
		d.log.Info("sip: session expired without a refresh")
		d.hangup(leg.MediaTimeout)
	}
	if d.stage == up && due(&t.refresh) {
		d.refresh(ctx)
	}
	if due(&t.transfer) { // a NOTIFY after it gets 481, which ends its subscription
		d.transfer.subscribed = false
		d.transferred(false, leg.NoAnswer)
	}
	d.keepAgain(now) // last, for it may have to wait
}

// gaveUp is called when nothing has come for as long as there was hope.
func (d *dialog) gaveUp() {
	switch {
	case d.farLeft:
		d.farGone()
	case d.former.awaits():
		d.finalLost()
	case d.stage == answering: // (RFC 3261 §13.3.1.4)
		d.server.count("no ACK")
		d.settle(errNoAck)
		d.end(leg.Failed, true)
		d.bye()
	case d.stage == up: // no ACK for a re-INVITE
		d.server.count("no ACK")
		d.hangup(leg.Failed)
	default:
		d.owing = d.hurried
		d.stage = over
	}
}

// emit tells the leg's owner. The channel has room for what a call can have;
// one place is kept for Ended.
func (d *dialog) emit(e leg.Event) {
	if d.ended {
		return
	}
	if len(d.events) >= cap(d.events)-1 {
		d.server.count("event lost")
		return
	}
	d.events <- e
}

// end tells the leg's owner that it is over, once.
func (d *dialog) end(cause leg.Cause, byFarEnd bool) {
	if d.ended {
		return
	}
	d.digits.end(d.emit)
	if byFarEnd {
		d.endTransfer(leg.Failed)
	} else {
		d.endTransfer(leg.Canceled)
	}
	d.ended = true
	d.sound.mute.Store(true)
	d.events <- leg.Ended{Cause: cause, ByFarEnd: byFarEnd}
	close(d.events)
	d.deadlines.refresh, d.deadlines.expire = time.Time{}, time.Time{}
	d.log.Debug("sip: leg ended", "cause", cause, "far_end", byFarEnd)
}

// finish wakes everybody who waits and takes the dialog off the tables.
func (d *dialog) finish() {
	d.end(leg.Failed, false)
	d.settle(errEnded)
	d.knows()
	d.table.remove(d)
	close(d.done)
	d.sound.abandon()
	d.out.drop()
	d.pending.drop()
	d.transfer.drop()
	if d.tx != nil {
		d.tx.TerminateGracefully()
	}
	if d.await != nil {
		d.await.tx.TerminateGracefully()
	}
	for _, r := range d.deferred {
		d.server.finalOnce(r.Request, r.tx, 481)
	}
	d.turnAway()
	if !d.owing {
		d.forget()
		d.server.countFormer(d)
	}
}

// turnAway answers the requests that nobody will take any more.
func (d *dialog) turnAway() {
	for {
		select {
		case r := <-d.inbox:
			if r.Method == sipgo.ACK {
				r.tx.Terminate()
			} else {
				d.server.finalOnce(r.Request, r.tx, 481)
			}
		default:
			return
		}
	}
}

// settle tells who waits for the answer to be confirmed.
func (d *dialog) settle(err error) {
	for _, c := range d.answered {
		c <- err
	}
	d.answered = nil
}

// knows tells who waits in Hangup.
func (d *dialog) knows() {
	for _, c := range d.hungUp {
		close(c)
	}
	d.hungUp = nil
}
