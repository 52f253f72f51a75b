package call

import (
	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// join puts a leg into the room as a participant.
func (m *Machine) join(id LegID, name, display string) {
	p := &participant{leg: id, id: name, display: display}
	m.people = append(m.people, p)
	m.do(Plug{id, name})
	if m.aloneWith != nil && m.aloneWith.target != nil {
		m.setAside(p, true)
	}
	m.tellGrid(event.ParticipantAdded{
		Participant: name, StartedBy: m.caller.ID, Display: display,
		Group: m.group(), Room: m.room(), TwoParty: m.twoParty(),
	})
}

// leave takes a participant out of the call. With the last one the call ends,
// and so does one that nobody controls and only one is left in.
func (m *Machine) leave(id LegID, reason event.EndReason) {
	m.do(Unplug{id})
	p := m.participant(id)
	if p == nil {
		return
	}
	m.forget(p)
	if m.phase != established {
		return
	}
	if reason == event.EndedByCaller {
		m.endedBy = p.id
	}
	m.gone(p)
	if !m.tenable() {
		m.terminate(reason)
		return
	}
	m.abandon(p)
	m.tellParticipants()
}

// tenable reports whether the call has a reason to go on.
func (m *Machine) tenable() bool {
	switch {
	case len(m.people) == 0:
		return len(m.visitors) > 0
	case len(m.people) == 1 && m.Open == "":
		return m.controlled() || len(m.invitations) > 0
	}
	return true
}

// twoParty reports whether the call was begun by one for one other.
func (m *Machine) twoParty() bool { return m.Open == "" && len(m.callees) == 1 }

// controlled reports whether an application still holds the call.
func (m *Machine) controlled() bool {
	for _, c := range m.live() {
		if !c.leaving {
			return true
		}
	}
	return false
}

// forget takes a participant off the list.
func (m *Machine) forget(p *participant) {
	for i, q := range m.people {
		if q == p {
			m.people = append(m.people[:i:i], m.people[i+1:]...)
			return
		}
	}
}

// gone tells the Event Grid subscribers that a participant has left.
func (m *Machine) gone(p *participant) {
	m.tellGrid(event.ParticipantRemoved{
		Participant: p.id, StartedBy: m.caller.ID, Display: p.display,
		Group: m.group(), Room: m.room(), TwoParty: m.twoParty(),
	})
}

// remove takes in a Remove command.
func (m *Machine) remove(c *connection, cmd Remove) error {
	p := m.participantNamed(cmd.Target)
	if p == nil {
		return absent("participantToRemove", cmd.Target)
	}
	m.do(HangupLeg{p.leg, leg.Normal})
	m.publish(c, cmd.Operation, event.RemoveSucceeded{Participant: p.id})
	m.leave(p.leg, event.EndedLast)
	return nil
}

// mute takes in a Mute command. All of its targets are muted, or none.
func (m *Machine) mute(cmd Mute) error {
	var targets []*participant
	for _, id := range cmd.Targets {
		p := m.participantNamed(id)
		if p == nil {
			return absent("targetParticipants", id)
		}
		targets = append(targets, p)
	}
	for _, p := range targets {
		p.muted = !cmd.Off
		m.adjust(p)
	}
	m.tellParticipants()
	return nil
}

// adjust tells the room how a participant is heard.
func (m *Machine) adjust(p *participant) {
	m.do(Adjust{Leg: p.leg, Muted: p.muted, Held: p.held || p.aside})
}

// setAside holds a participant while something is played to another alone.
func (m *Machine) setAside(p *participant, on bool) {
	p.aside = on
	m.adjust(p)
}

// setOthersAside does so with all but one.
func (m *Machine) setOthersAside(but *participant, on bool) {
	changed := false
	for _, p := range m.people {
		if p != but && p.aside != on {
			m.setAside(p, on)
			changed = true
		}
	}
	if changed {
		m.tellParticipants()
	}
}

// holding is a participant on hold who hears music: an operation beside the
// queue.
type holding struct {
	op     uint64
	conn   *connection
	target *participant
	Operation
}

// hold takes in a Hold command.
func (m *Machine) hold(c *connection, cmd Hold) error {
	p := m.participantNamed(cmd.Target)
	if p == nil {
		return absent("targetParticipant", cmd.Target)
	}
	if p.held != cmd.Off {
		if cmd.Off {
			return Errorf(NotNow, "Participant %s is not on hold.", p.id)
		}
		return Errorf(NotNow, "Participant %s is already on hold.", p.id)
	}
	if cmd.Off {
		m.endHold(p)
		m.tellParticipants()
		return nil
	}
	if cmd.Music != nil {
		if err := playable("playSourceInfo", *cmd.Music); err != nil {
			return err
		}
	}
	for _, op := range m.queue {
		if op.target == p && op.running {
			return Errorf(Incompatible, "A media operation for participant %s is running.", p.id)
		}
	}
	p.held = true
	m.adjust(p)
	if cmd.Music != nil {
		m.lastOp++
		m.holds = append(m.holds, &holding{m.lastOp, c, p, cmd.Operation})
		m.do(Load{m.lastOp, []Prompt{*cmd.Music}})
	}
	m.tellParticipants()
	return nil
}

// endHold takes a participant back, and its music away.
func (m *Machine) endHold(p *participant) {
	p.held = false
	m.adjust(p)
	m.dropHold(func(h *holding) bool { return h.target == p })
}

func (m *Machine) dropHold(which func(*holding) bool) {
	kept := m.holds[:0]
	for _, h := range m.holds {
		if which(h) {
			m.do(Drop{h.op})
		} else {
			kept = append(kept, h)
		}
	}
	m.holds = kept
}

func (m *Machine) dropHolds() { m.dropHold(func(*holding) bool { return true }) }

// musicLoaded: the music of somebody on hold is there, or is not to be had.
func (m *Machine) musicLoaded(in Loaded) bool {
	for _, h := range m.holds {
		if h.op != in.Op {
			continue
		}
		if in.Err != nil {
			m.holdFailed(h, in.Err)
		} else {
			m.do(StartPlay{Op: h.op, Leg: h.target.leg, Loop: true})
		}
		return true
	}
	return false
}

// musicEnded: the music broke off.
func (m *Machine) musicEnded(in PlayEnded) bool {
	for _, h := range m.holds {
		if h.op == in.Op {
			m.holdFailed(h, in.Err)
			return true
		}
	}
	return false
}

// holdFailed takes a participant back whose music could not be played.
func (m *Machine) holdFailed(h *holding, err error) {
	m.endHold(h.target)
	m.publish(h.conn, h.Operation, event.HoldFailed{Cause: playCause(err)})
	m.tellParticipants()
}
