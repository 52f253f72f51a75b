package call

import (
	"github.com/tipring/tipring/internal/event"
)

// publish tells connection c what happened. It is the only place where an
// event of a connection gets its number.
func (m *Machine) publish(c *connection, op Operation, body event.Body) {
	if c.done {
		return // nothing comes after CallDisconnected
	}
	c.seq++
	e := event.Event{
		Call: m.ID, Connection: c.id, Correlation: m.Correlation,
		Seq: c.seq, Time: m.now, Callback: op.Callback, Context: op.Context, Body: body,
	}
	if e.Callback == "" {
		e.Callback = c.callback
	}
	switch body.(type) {
	case event.CallConnected, event.AnswerFailed, event.CreateCallFailed:
		e.Context = c.context
	}
	m.do(Publish{e})
}

// tellGrid tells the Event Grid subscribers what happened.
func (m *Machine) tellGrid(body event.Body) {
	m.do(Publish{event.Event{Call: m.ID, Correlation: m.Correlation, Time: m.now, Body: body}})
}

// tellParticipants says who is in the call now: to the connections given, or to
// all.
func (m *Machine) tellParticipants(to ...*connection) {
	if len(to) == 0 {
		to = m.live()
	}
	for _, c := range to {
		c.updates++
		m.publish(c, Operation{}, event.ParticipantsUpdated{Participants: m.participants(), Sequence: c.updates})
	}
}

func (m *Machine) participants() []event.Participant {
	list := make([]event.Participant, len(m.people))
	for i, p := range m.people {
		list[i] = event.Participant{ID: p.id, Muted: p.muted, OnHold: p.held || p.aside}
	}
	return list
}

// live are the connections that have not been told of their end.
func (m *Machine) live() []*connection {
	var live []*connection
	for _, c := range m.connections {
		if !c.done {
			live = append(live, c)
		}
	}
	return live
}

func (m *Machine) connection(id string) *connection {
	for _, c := range m.connections {
		if c.id == id && !c.done {
			return c
		}
	}
	return nil
}

func (m *Machine) participant(id LegID) *participant {
	for _, p := range m.people {
		if p.leg == id {
			return p
		}
	}
	return nil
}

// participantNamed finds a participant by its raw id.
func (m *Machine) participantNamed(id string) *participant {
	for _, p := range m.people {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (m *Machine) properties(c *connection) Properties {
	p := Properties{
		Connection: c.id, Call: m.ID, Correlation: m.Correlation, Callback: c.callback,
		Source: m.caller.ID, DisplayName: m.caller.Display,
		Targets: m.callees, AnsweredBy: c.answeredBy,
	}
	switch m.phase {
	case dialling, answering:
		p.State = Connecting
	case established:
		p.State = Connected
	case ending:
		p.State = Disconnecting
	case over:
		p.State = Disconnected
	}
	return p
}
