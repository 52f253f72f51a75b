package call

import (
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// terminate ends the call for everybody. What ran is canceled and said so
// first; CallDisconnected is said when the legs have confirmed.
func (m *Machine) terminate(reason event.EndReason) {
	if m.phase >= ending {
		return
	}
	if m.first != 0 && (m.phase == answering || m.phase == redirecting) { // its answer may be on the way: it is hung up all the same
		m.people = append(m.people, &participant{leg: m.first, id: m.caller.ID})
	}
	if m.phase == established {
		for _, p := range m.people {
			m.gone(p)
		}
	}
	if m.phase == dialling {
		m.failCreate(event.InviteCanceled)
	}
	m.phase, m.due, m.end = ending, m.now.Add(farewell), reason
	m.cancelAll()
	m.dismissTaker()
	m.withdrawAll()
	m.dropTransfers()
	m.dropHolds()
	m.listeners = nil
	for _, c := range m.live() {
		m.closeStream(c)
	}
	m.stopRecordings()
	for _, p := range m.people {
		m.do(HangupLeg{p.leg, causeOf(reason)})
	}
	for _, v := range m.visitors {
		m.do(HangupLeg{v.leg, causeOf(reason)})
	}
	m.visitors = nil
}

func causeOf(reason event.EndReason) leg.Cause {
	if reason == event.EndedShutdown {
		return leg.Shutdown
	}
	return leg.Normal
}

// finish says the last words, when nothing is left to wait for.
func (m *Machine) finish() {
	switch {
	case m.phase == refused && m.due.IsZero():
		m.phase = over
		m.do(Unplug{m.first}, Finish{})
		return
	case m.phase != ending || len(m.people) > 0:
		return
	}
	m.due = time.Time{}
	for _, c := range m.live() {
		if c.stream != streamOff {
			return // its last word comes before CallDisconnected
		}
		m.disconnect(c, m.end)
	}
	if len(m.tapes) > 0 {
		return
	}
	m.phase = over
	if !m.startedAt.IsZero() {
		m.tellGrid(event.CallEnded{
			StartedBy: m.caller.ID, Group: m.group(), Room: m.room(), TwoParty: m.twoParty(), EndedBy: m.endedBy, Reason: m.end,
			Duration: max(0, m.now.Sub(m.startedAt)), // a clock may have been set back while nobody ran
		})
	}
	m.do(Finish{})
}

// disconnect ends one application's view of the call.
func (m *Machine) disconnect(c *connection, reason event.EndReason) {
	m.publish(c, Operation{Context: c.context}, event.CallDisconnected{Reason: reason})
	c.done = true
}

func (m *Machine) shutdown() {
	switch m.phase {
	case ringing:
		m.refuse(leg.Shutdown)
	case redirecting, dialling, answering, established:
		m.terminate(event.EndedShutdown)
	}
}
