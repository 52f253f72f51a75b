package call

import (
	"slices"
	"strings"

	"github.com/tipring/tipring/internal/leg"
)

// An open call is a group or a room: whoever calls its address is in, nobody is
// asked, and it lasts as long as somebody is there. Applications connect to it
// by its id.

// openName is the name of the group or room that an address leads to:
// "group.ID" or "room.ID"; empty for an address of another kind.
func openName(id string) string {
	name := strings.TrimPrefix(id, "8:acs:")
	for _, kind := range []string{"group.", "room."} {
		if strings.HasPrefix(name, kind) && len(name) > len(kind) {
			return name
		}
	}
	return ""
}

// Group and Room are the id of an open call, or empty.
func (m *Machine) group() string { return after(m.Open, "group.") }
func (m *Machine) room() string  { return after(m.Open, "room.") }

func after(name, kind string) string {
	id, ok := strings.CutPrefix(name, kind)
	if !ok {
		return ""
	}
	return id
}

// visitor is somebody who enters an open call and is being answered.
type visitor struct {
	leg LegID
	who leg.Party
}

// walkIn answers somebody who enters an open call.
func (m *Machine) walkIn(in WalkIn) {
	m.lastLeg = max(m.lastLeg, in.Leg)
	if m.phase == ringing { // the first one
		m.caller, m.callees = in.Who, []string{"8:acs:" + m.Open}
		m.establish()
	}
	if m.phase != established {
		m.do(HangupLeg{in.Leg, leg.Unreachable})
		return
	}
	m.visitors = append(m.visitors, visitor{in.Leg, in.Who})
	m.do(AnswerLeg{in.Leg})
}

// visitorAnswered puts a visitor into the room. It says whether the leg was one.
func (m *Machine) visitorAnswered(in AnswerDone) bool {
	v, ok := m.takeVisitor(in.Leg)
	switch {
	case !ok:
		return false
	case in.Err != nil || m.phase != established:
		m.do(HangupLeg{in.Leg, leg.Failed})
		m.checkOpen()
	default:
		m.join(v.leg, v.who.ID, v.who.Display)
		m.tellParticipants()
	}
	return true
}

// visitorEnded forgets a visitor who went while being answered.
func (m *Machine) visitorEnded(id LegID) bool {
	if _, ok := m.takeVisitor(id); !ok {
		return false
	}
	m.do(Unplug{id})
	m.checkOpen()
	return true
}

// checkOpen ends an open call in which nobody is left.
func (m *Machine) checkOpen() {
	if m.phase == established && !m.tenable() {
		m.terminate(m.end)
	}
}

// visits reports whether a leg is a visitor's who is being answered.
func (m *Machine) visits(id LegID) bool {
	return slices.ContainsFunc(m.visitors, func(v visitor) bool { return v.leg == id })
}

func (m *Machine) takeVisitor(id LegID) (visitor, bool) {
	for i, v := range m.visitors {
		if v.leg == id {
			m.visitors = append(m.visitors[:i:i], m.visitors[i+1:]...)
			return v, true
		}
	}
	return visitor{}, false
}
