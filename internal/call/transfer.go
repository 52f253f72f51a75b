package call

import (
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// transfer is a participant who is being handed over to somebody else, or one
// who is being taken from another call.
type transfer struct {
	conn   *connection
	leg    LegID
	who    string // participant
	target string
	from   string // callConnectionId of the call it comes from; empty: it leaves ours
	told   bool   // its last event is out
	Operation
}

// transferTo takes in a Transfer command.
func (m *Machine) transferTo(c *connection, cmd Transfer) error {
	var p *participant
	switch {
	case cmd.Transferee != "":
		if p = m.participantNamed(cmd.Transferee); p == nil {
			return absent("transferee", cmd.Transferee)
		}
	case len(m.people) == 0: // whoever enters a group is still being answered
		return Errorf(Absent, "Nobody is in the call yet.")
	case len(m.people) > 1:
		return &Error{Code: Invalid, Field: "transferee", Message: "In a call of several participants, transferee says who is transferred."}
	default:
		p = m.people[0]
	}
	for _, t := range m.transfers {
		if t.leg == p.leg {
			return Errorf(Conflict, "Participant %s is already being transferred.", p.id)
		}
	}
	m.transfers = append(m.transfers, &transfer{conn: c, leg: p.leg, who: p.id, target: cmd.Target, Operation: cmd.Operation})
	m.do(TransferLeg{p.leg, cmd.Target, cmd.Headers})
	return nil
}

// transferred: a transfer has reached its target, or has not.
func (m *Machine) transferred(id LegID, e leg.Transferred) {
	t := m.takeTransfer(id)
	if t == nil {
		return
	}
	if !e.OK {
		m.failTransfer(t, inviteCause(e.Cause))
		return
	}
	m.tellTransfer(t, event.TransferAccepted{Target: t.target, Transferee: t.who})
	m.do(HangupLeg{id, leg.Normal})
	m.leave(id, event.EndedOther)
}

// dropTransfers fails what the end of the call overtakes.
func (m *Machine) dropTransfers() {
	all := m.transfers
	m.transfers = nil
	for _, t := range all {
		m.failTransfer(t, event.InviteCanceled)
		if t.from != "" {
			m.do(HangupLeg{t.leg, leg.Normal}) // should it still come
		}
	}
}

// resignTransfers tells a connection that leaves the end of what it began. Who
// is on the way all the same arrives.
func (m *Machine) resignTransfers(c *connection) {
	for _, t := range m.transfers {
		if t.conn == c {
			m.failTransfer(t, event.InviteCanceled)
		}
	}
}

func (m *Machine) failTransfer(t *transfer, why event.InviteCause) {
	if t.from != "" {
		m.tellTransfer(t, event.MoveFailed{Participant: t.who, From: t.from, Restart: why == event.InviteRestart})
		return
	}
	m.tellTransfer(t, event.TransferFailed{Cause: why})
}

// tellTransfer publishes the last event of a transfer, once.
func (m *Machine) tellTransfer(t *transfer, body event.Body) {
	if !t.told {
		t.told = true
		m.publish(t.conn, t.Operation, body)
	}
}

func (m *Machine) takeTransfer(id LegID) *transfer {
	for i, t := range m.transfers {
		if t.leg == id {
			m.transfers = append(m.transfers[:i:i], m.transfers[i+1:]...)
			return t
		}
	}
	return nil
}

// move takes in a Move command.
func (m *Machine) move(c *connection, cmd Move) error {
	for _, id := range cmd.Targets {
		if m.participantNamed(id) != nil {
			return &Error{Code: Duplicate, Field: "targetParticipants", Message: "Participant " + id + " is already in the call."}
		}
	}
	for _, id := range cmd.Targets {
		m.lastLeg++
		m.transfers = append(m.transfers, &transfer{conn: c, leg: m.lastLeg, who: id, from: cmd.From, Operation: cmd.Operation})
		m.do(TakeLeg{m.lastLeg, cmd.From, id})
	}
	return nil
}

// moved: a participant of another call is here, or could not be had.
func (m *Machine) moved(in LegArrived) bool {
	t := m.takeTransfer(in.Leg)
	if t == nil {
		return false
	}
	switch {
	case in.Err != nil || m.phase != established:
		m.failTransfer(t, event.InviteFailed)
		m.do(HangupLeg{in.Leg, leg.Normal}, Unplug{in.Leg})
	default:
		m.join(in.Leg, t.who, "")
		m.tellTransfer(t, event.MoveSucceeded{Participant: t.who, From: t.from})
		m.tellParticipants()
	}
	return true
}

// depart gives a participant to another call.
func (m *Machine) depart(in DepartRequest) {
	p := m.participantNamed(in.Participant)
	if p == nil || m.phase != established {
		m.refuseAsk(in.Ask, Errorf(Absent, "Participant %s is not in the call it is to be moved from.", in.Participant))
		return
	}
	m.do(GiveLeg{in.Ask, p.leg})
	m.leave(p.leg, event.EndedOther)
}
