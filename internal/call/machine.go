package call

import (
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// RingTime is how long an incoming call waits for an application to answer,
// reject or redirect it.
const RingTime = 30 * time.Second

// farewell is how long the end of a call waits for its legs to confirm.
const farewell = 2 * time.Second

// A Machine is everything that is known of one call, and every rule about it.
// It is pure: Step has no clock, no goroutine and no I/O, so that an hour of
// call is tested in a moment.
type Machine struct {
	// ID is the serverCallId, Correlation the correlation id of the call.
	ID, Correlation string
	// Open is the name of the group or room that the call is; empty: it is
	// neither.
	Open string

	phase       phase
	caller      leg.Party // who began the call
	callees     []string  // whom it was for
	first       LegID     // the leg that rang; 0: the call is ours
	lastLeg     LegID
	due         time.Time
	connections []*connection
	people      []*participant
	invitations []*invitation
	taker       *invitation // who takes a redirected call whose caller is being answered
	visitors    []visitor
	transfers   []*transfer
	queue       []*operation // media operations; the first one runs
	aloneWith   *operation   // the play to one that keeps the others aside
	holds       []*holding
	lastOp      uint64
	listeners   []*listener
	tapes       []*tape
	startedAt   time.Time
	end         event.EndReason
	endedBy     string // participant id; empty: an application

	now time.Time
	out []Action
}

// phase is where a call is in its life. Memos have its numbers.
type phase uint8

const (
	ringing     phase = iota // waits for an application
	refused                  // will not be answered; its leg is being told
	redirecting              // others are rung in the application's place
	dialling                 // an application's own call: nobody has answered yet
	answering                // somebody wants it; its leg is being told
	established              // sound flows
	ending                   // its legs are being told
	over                     // Finish has been said
)

// connection is one application's view of the call.
type connection struct {
	id, callback, context, answeredBy string

	seq       uint64 // of its events
	updates   int    // of its ParticipantsUpdated
	streaming *Streaming
	stream    streamState
	streamOp  Operation // of the command that started or stopped it
	leaving   bool      // the application hung up; its stream is being closed
	done      bool      // CallDisconnected has been said
}

// participant is a leg that is in the call.
type participant struct {
	leg     LegID
	id      string
	display string
	muted   bool
	held    bool // by an application
	aside   bool // while something is played to somebody else alone
	stopped int  // digits that were stopped and whose end has not come yet
}

// Step tells the machine that something happened at now and returns what is to
// be done about it, in order. The slice is valid until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Action {
	m.now, m.out = now, m.out[:0]
	switch in := in.(type) {
	case Rang:
		m.rang(in)
	case AnswerRequest:
		m.answer(in)
	case RejectRequest:
		m.reject(in)
	case CreateRequest:
		m.create(in)
	case RedirectRequest:
		m.redirect(in)
	case ConnectRequest:
		m.connect(in)
	case DepartRequest:
		m.depart(in)
	case WalkIn:
		m.walkIn(in)
	case LegArrived:
		m.legArrived(in)
	case AnswerDone:
		m.answered(in)
	case LegHappened:
		m.legHappened(in)
	case PortFailed:
		m.portFailed(in)
	case Request:
		m.request(in)
	case Loaded:
		m.loaded(in)
	case PlayEnded:
		m.playEnded(in)
	case Pressed:
		m.pressed(in)
	case StreamUp:
		m.streamUp(in)
	case StreamDown:
		m.streamDown(in)
	case RecordRequest:
		m.record(in)
	case RecordingOpened:
		m.recordingOpened(in)
	case RecordingRequest:
		m.recordingRequest(in)
	case RecordingBroke:
		m.recordingBroke(in)
	case RecordingClosed:
		m.recordingClosed(in)
	case Due:
		m.expire()
	case Shutdown:
		m.shutdown()
	case Restarted:
		m.restarted(in)
	}
	m.finish()
	return m.out
}

// Deadline is when the machine wants to be told Due; false for never.
func (m *Machine) Deadline() (time.Time, bool) {
	at := m.due
	sooner := func(d time.Time) {
		if at.IsZero() || d.Before(at) {
			at = d
		}
	}
	for _, op := range m.queue {
		if d, ok := op.deadline(); ok {
			sooner(d)
		}
	}
	for _, inv := range m.invitations {
		sooner(inv.due)
	}
	return at, !at.IsZero()
}

// expire does what has fallen due.
func (m *Machine) expire() {
	if !m.due.IsZero() && !m.now.Before(m.due) {
		m.due = time.Time{}
		switch m.phase {
		case ringing:
			m.refuse(leg.NoAnswer)
		case ending:
			m.people = nil // they never confirmed; their legs end by themselves
		}
	}
	m.expireInvitations()
	m.expireOperation()
}

// rang: somebody calls.
func (m *Machine) rang(in Rang) {
	m.first, m.lastLeg, m.due = in.Leg, in.Leg, m.now.Add(RingTime)
	m.caller, m.callees = in.Call.From, []string{in.Call.To.ID}
	m.tellGrid(event.IncomingCall{
		From: in.Call.From.ID, To: in.Call.To.ID, DisplayName: in.Call.From.Display,
		Token: in.Token, Headers: in.Call.Headers,
	})
}

func (m *Machine) answer(in AnswerRequest) {
	switch m.phase {
	case ringing:
	default:
		m.refuseAsk(in.Ask, m.settled())
		return
	}
	m.phase, m.due = answering, time.Time{}
	c := &connection{
		id: in.Connection, callback: in.Answer.Callback, context: in.Answer.Context,
		answeredBy: in.Answer.AnsweredBy, streaming: in.Answer.Streaming,
	}
	m.connections = append(m.connections, c)
	p := m.properties(c)
	p.State = Unknown // as the service answers answerCall
	m.do(AnswerLeg{m.first}, Reply{in.Ask, Answered{Properties: p}})
}

func (m *Machine) reject(in RejectRequest) {
	switch m.phase {
	case ringing:
		m.refuse(in.Cause)
		m.do(Reply{Ask: in.Ask})
	default:
		m.refuseAsk(in.Ask, m.settled())
	}
}

// settled says why a call that rang is not to be had any more.
func (m *Machine) settled() error {
	switch m.phase {
	case redirecting, answering, established:
		return Errorf(Conflict, "The call has already been answered or redirected.")
	}
	return Errorf(NotFound, "The call has ended.")
}

// refuse ends a call that nobody answered.
func (m *Machine) refuse(cause leg.Cause) {
	m.phase, m.due = refused, m.now.Add(farewell)
	m.do(HangupLeg{m.first, cause})
}

func (m *Machine) answered(in AnswerDone) {
	if m.visitorAnswered(in) {
		return
	}
	if m.phase != answering {
		return // it ended while the answer was on its way
	}
	if in.Err != nil {
		m.dismissTaker()
		for _, c := range m.live() {
			m.publish(c, Operation{}, event.AnswerFailed{Reason: event.EndedFailed})
			c.done = true
		}
		m.refuse(leg.Failed)
		return
	}
	m.establish()
	m.join(in.Leg, m.caller.ID, m.caller.Display)
	if t := m.taker; t != nil {
		m.taker = nil
		m.join(t.leg, t.target, "")
	}
	m.tellParticipants()
}

// establish: sound flows from now on.
func (m *Machine) establish() {
	m.phase, m.startedAt = established, m.now
	m.tellGrid(event.CallStarted{StartedBy: m.caller.ID, Group: m.group(), Room: m.room(), TwoParty: m.twoParty()})
	for _, c := range m.live() {
		m.greet(c)
	}
}

// greet tells a connection that its call is up.
func (m *Machine) greet(c *connection) {
	m.publish(c, Operation{}, event.CallConnected{})
	if c.streaming != nil && c.streaming.StartAtOnce {
		m.openStream(c, Operation{})
	}
}

func (m *Machine) legHappened(in LegHappened) {
	switch e := in.Event.(type) {
	case leg.Answered:
		if in.Leg == m.first && m.phase == answering || m.visits(in.Leg) {
			m.answered(AnswerDone{Leg: in.Leg}) // which may come after the leg's end
			return
		}
		m.inviteAnswered(in.Leg)
	case leg.DigitsSent:
		m.digitsSent(in.Leg, e.Err)
	case leg.Transferred:
		m.transferred(in.Leg, e)
	case leg.Ended:
		m.legEnded(in.Leg, e)
	}
}

func (m *Machine) legEnded(id LegID, e leg.Ended) {
	if m.inviteEnded(id, e.Cause) || m.visitorEnded(id) {
		return
	}
	reason := event.EndedFailed
	switch {
	case e.Cause == leg.MediaTimeout:
		reason = event.EndedTimeout
	case e.ByFarEnd:
		reason = event.EndedByCaller
	}
	switch m.phase {
	case ringing, refused:
		m.do(Unplug{id})
		if id == m.first {
			m.phase = over
			m.do(Finish{})
		}
	case redirecting, answering:
		m.giveUp(id, reason)
	default:
		m.leave(id, reason)
	}
}

// giveUp ends a call whose caller went before it was established.
func (m *Machine) giveUp(id LegID, reason event.EndReason) {
	m.do(Unplug{id})
	if id != m.first {
		if m.taker != nil && m.taker.leg == id { // gone again before the caller was there
			m.taker = nil
			m.refuse(leg.NoAnswer)
		}
		return
	}
	for _, c := range m.live() {
		m.publish(c, Operation{}, event.AnswerFailed{Reason: reason})
		c.done = true
	}
	m.dismissTaker()
	m.withdrawAll()
	m.phase = over
	m.do(Finish{})
}

// portFailed: a leg has lost its sound for good.
func (m *Machine) portFailed(in PortFailed) {
	if m.participant(in.Leg) == nil {
		return
	}
	m.do(HangupLeg{in.Leg, leg.MediaTimeout})
	m.leave(in.Leg, event.EndedTimeout)
}

// do adds to what is to be done.
func (m *Machine) do(a ...Action) { m.out = append(m.out, a...) }

func (m *Machine) refuseAsk(ask Ask, err error) { m.do(Reply{ask, Answered{Err: err}}) }
