package call

import (
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// InvitationTime is how long somebody rings whom no timeout was given for.
const InvitationTime = 85 * time.Second

// invitation is somebody who is being rung.
type invitation struct {
	why    invitationKind
	leg    LegID
	target string
	due    time.Time

	// of an Add:
	id   string
	conn *connection
	Operation
}

type invitationKind uint8

const (
	toCall     invitationKind = iota // createCall
	toJoin                           // addParticipant
	toTakeOver                       // redirect
)

// invite rings somebody.
func (m *Machine) invite(inv *invitation, from leg.Party, timeout time.Duration, headers Headers) {
	if timeout <= 0 {
		timeout = InvitationTime
	}
	m.lastLeg++
	inv.leg, inv.due = m.lastLeg, m.now.Add(timeout)
	m.invitations = append(m.invitations, inv)
	m.do(DialLeg{inv.leg, inv.target, from, headers})
}

// create begins a call of an application's own.
func (m *Machine) create(in CreateRequest) {
	m.phase = dialling
	m.caller, m.callees = leg.Party{ID: in.Create.From, Display: in.Create.Display}, in.Create.Targets
	c := &connection{id: in.Connection, callback: in.Create.Callback, context: in.Create.Context, streaming: in.Create.Streaming}
	m.connections = append(m.connections, c)
	m.do(Reply{in.Ask, Answered{Properties: m.properties(c)}})
	for _, target := range in.Create.Targets {
		m.invite(&invitation{why: toCall, target: target}, m.caller, 0, in.Create.Headers)
	}
}

// redirect rings others in an application's place.
func (m *Machine) redirect(in RedirectRequest) {
	if m.phase != ringing {
		m.refuseAsk(in.Ask, m.settled())
		return
	}
	m.phase, m.due = redirecting, time.Time{}
	m.do(Reply{Ask: in.Ask})
	for _, target := range in.Redirect.Targets {
		m.invite(&invitation{why: toTakeOver, target: target}, m.caller, 0, in.Redirect.Headers)
	}
}

// connect adds a connection to a call that runs.
func (m *Machine) connect(in ConnectRequest) {
	if m.phase != established {
		m.refuseAsk(in.Ask, m.notEstablished())
		return
	}
	c := &connection{id: in.Connection, callback: in.Connect.Callback, context: in.Connect.Context, streaming: in.Connect.Streaming}
	m.connections = append(m.connections, c)
	m.do(Reply{in.Ask, Answered{Properties: m.properties(c)}})
	m.greet(c)
	m.tellParticipants(c)
}

// add takes in an Add command.
func (m *Machine) add(c *connection, cmd Add) error {
	if m.participantNamed(cmd.Target) != nil {
		return &Error{Code: Duplicate, Field: "participantToAdd", Message: "Participant " + cmd.Target + " is already in the call."}
	}
	for _, inv := range m.invitations {
		if inv.target == cmd.Target {
			return &Error{Code: Duplicate, Field: "participantToAdd", Message: "Participant " + cmd.Target + " is already being invited."}
		}
	}
	from := m.caller
	if cmd.From != "" {
		from = leg.Party{ID: cmd.From}
	}
	if cmd.Display != "" {
		from.Display = cmd.Display
	}
	m.invite(&invitation{
		why: toJoin, target: cmd.Target, id: cmd.Invitation, conn: c, Operation: cmd.Operation,
	}, from, cmd.Timeout, cmd.Headers)
	return nil
}

// cancelAdd takes in a CancelAdd command.
func (m *Machine) cancelAdd(c *connection, cmd CancelAdd) {
	for _, inv := range m.invitations {
		if inv.why == toJoin && inv.id == cmd.Invitation {
			m.publish(c, cmd.Operation, event.CancelAddSucceeded{Invitation: inv.id})
			m.withdraw(inv, event.InviteCanceled)
			return
		}
	}
	m.publish(c, cmd.Operation, event.CancelAddFailed{Invitation: cmd.Invitation})
}

// legArrived: a leg that was dialled or taken over is there, or is not.
func (m *Machine) legArrived(in LegArrived) {
	if m.moved(in) {
		return
	}
	if in.Err != nil {
		m.inviteEnded(in.Leg, leg.Unreachable)
	}
}

// inviteAnswered: somebody who was rung is there.
func (m *Machine) inviteAnswered(id LegID) {
	inv := m.invitation(id)
	if inv == nil {
		return
	}
	m.dropInvitation(inv)
	switch inv.why {
	case toTakeOver:
		m.takeOver(inv)
		return
	case toCall:
		if m.phase == dialling {
			m.establish()
		}
	}
	m.join(id, inv.target, "")
	if inv.why == toJoin {
		m.publish(inv.conn, inv.Operation, event.AddSucceeded{Participant: inv.target, Invitation: inv.id})
	}
	m.tellParticipants()
}

// takeOver: somebody takes a redirected call. The others stop ringing, and the
// caller is answered.
func (m *Machine) takeOver(inv *invitation) {
	m.phase, m.taker = answering, inv
	m.withdrawAll()
	m.do(AnswerLeg{m.first})
}

// dismissTaker hangs up on who took a redirected call, because its caller went.
func (m *Machine) dismissTaker() {
	if t := m.taker; t != nil {
		m.taker = nil
		m.do(HangupLeg{t.leg, leg.Canceled})
	}
}

// inviteEnded: somebody who was rung will not come. It says whether the leg was
// such a one.
func (m *Machine) inviteEnded(id LegID, cause leg.Cause) bool {
	inv := m.invitation(id)
	if inv == nil {
		return false
	}
	m.do(Unplug{id})
	m.dropInvitation(inv)
	m.declined(inv, inviteCause(cause))
	return true
}

// expireInvitations gives up on those who have rung for too long.
func (m *Machine) expireInvitations() {
	for _, inv := range append([]*invitation(nil), m.invitations...) {
		if !m.now.Before(inv.due) {
			m.withdraw(inv, event.InviteNoAnswer)
		}
	}
}

// withdraw stops ringing somebody.
func (m *Machine) withdraw(inv *invitation, why event.InviteCause) {
	m.dropInvitation(inv)
	m.do(HangupLeg{inv.leg, leg.Canceled})
	m.declined(inv, why)
}

// withdrawAll stops ringing everybody, because the call ends or was taken.
func (m *Machine) withdrawAll() {
	all := m.invitations
	m.invitations = nil
	for _, inv := range all {
		m.do(HangupLeg{inv.leg, leg.Canceled})
		if inv.why == toJoin {
			m.publish(inv.conn, inv.Operation, event.AddFailed{Participant: inv.target, Invitation: inv.id, Cause: event.InviteCanceled})
		}
	}
}

// declined says what becomes of a call when somebody does not come.
func (m *Machine) declined(inv *invitation, why event.InviteCause) {
	switch {
	case inv.why == toJoin:
		m.publish(inv.conn, inv.Operation, event.AddFailed{Participant: inv.target, Invitation: inv.id, Cause: why})
		if m.phase == established && !m.tenable() {
			m.terminate(event.EndedLast)
		}
	case len(m.invitations) > 0:
	case m.phase == dialling:
		m.failCreate(why)
		m.phase = ending
	case m.phase == redirecting:
		m.refuse(refusal(why))
	}
}

// failCreate says that nobody has answered an application's own call.
func (m *Machine) failCreate(why event.InviteCause) {
	for _, c := range m.live() {
		m.publish(c, Operation{}, event.CreateCallFailed{Cause: why})
		c.done = true
	}
}

// refusal is what a redirected caller is told when nobody took the call.
func refusal(why event.InviteCause) leg.Cause {
	switch why {
	case event.InviteBusy:
		return leg.Busy
	case event.InviteDeclined:
		return leg.Declined
	case event.InviteUnreachable:
		return leg.Unreachable
	}
	return leg.NoAnswer
}

// inviteCause is what the end of a leg that was rung means.
func inviteCause(c leg.Cause) event.InviteCause {
	switch c {
	case leg.Declined, leg.Forbidden:
		return event.InviteDeclined
	case leg.Busy:
		return event.InviteBusy
	case leg.NoAnswer:
		return event.InviteNoAnswer
	case leg.Unreachable:
		return event.InviteUnreachable
	case leg.Canceled:
		return event.InviteCanceled
	}
	return event.InviteFailed
}

func (m *Machine) invitation(id LegID) *invitation {
	for _, inv := range m.invitations {
		if inv.leg == id {
			return inv
		}
	}
	return nil
}

func (m *Machine) dropInvitation(inv *invitation) {
	for i, other := range m.invitations {
		if other == inv {
			m.invitations = append(m.invitations[:i:i], m.invitations[i+1:]...)
			return
		}
	}
}
