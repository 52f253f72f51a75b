package call

import (
	"github.com/tipring/tipring/internal/event"
)

// describe asks for a connection's properties, roster for its participants.
type (
	describe struct{}
	roster   struct{}
)

func (describe) command() {}
func (roster) command()   {}

// request takes in a command of an application.
func (m *Machine) request(in Request) {
	c := m.connection(in.Connection)
	if c == nil {
		m.refuseAsk(in.Ask, Errorf(NotFound, "Call connection %s was not found.", in.Connection))
		return
	}
	switch in.Command.(type) {
	case describe:
		m.do(Reply{in.Ask, Answered{Properties: m.properties(c)}})
		return
	case roster:
		m.do(Reply{in.Ask, Answered{Participants: m.participants()}})
		return
	}
	if err := m.command(c, in.Command); err != nil {
		m.refuseAsk(in.Ask, err)
		return
	}
	// The answer goes ahead of all that the command has carried out.
	m.out = append([]Action{Reply{Ask: in.Ask}}, m.out...)
	m.advance()
}

// command carries out a command, or says why not.
func (m *Machine) command(c *connection, cmd Command) error {
	if h, ok := cmd.(HangUp); ok {
		return m.hangUp(c, h)
	}
	switch {
	case m.phase == ending:
		return Errorf(Gone, "The call is being disconnected.")
	case c.leaving:
		return Errorf(Gone, "The connection is being disconnected.")
	case m.phase != established:
		return Errorf(WrongState, "Action is invalid when call is not in Established state.")
	}
	switch cmd := cmd.(type) {
	case Play:
		return m.play(c, cmd)
	case Recognize:
		return m.recognize(c, cmd)
	case ListenTones:
		return m.listenTones(c, cmd)
	case StopTones:
		return m.stopTones(c, cmd)
	case CancelAll:
		m.cancelAll()
		return nil
	case SendTones:
		return m.sendTones(c, cmd)
	case Add:
		return m.add(c, cmd)
	case CancelAdd:
		m.cancelAdd(c, cmd)
		return nil
	case Remove:
		return m.remove(c, cmd)
	case Mute:
		return m.mute(cmd)
	case Hold:
		return m.hold(c, cmd)
	case Transfer:
		return m.transferTo(c, cmd)
	case Move:
		return m.move(c, cmd)
	case StartStreaming:
		return m.startStreaming(c, cmd)
	case StopStreaming:
		return m.stopStreaming(c, cmd)
	}
	return Errorf(Unsupported, "This operation is not offered.")
}

// hangUp ends a connection or the call. A call that has another connection, or
// at least two participants, goes on without the one that leaves.
func (m *Machine) hangUp(c *connection, h HangUp) error {
	switch m.phase {
	case dialling, answering, established:
	default:
		return Errorf(Gone, "The call is being disconnected.")
	}
	if c.leaving {
		return Errorf(Gone, "The connection is being disconnected.")
	}
	c.leaving = true
	if h.ForEveryone || m.phase != established || !m.tenable() {
		m.terminate(event.EndedByApp)
		return nil
	}
	m.resign(c)
	if m.closeStream(c); c.stream == streamOff {
		m.disconnect(c, event.EndedByApp) // else after the stream's last word
	}
	return nil
}

// resign ends what a connection that leaves has running.
func (m *Machine) resign(c *connection) {
	m.cancel(func(op *operation) bool { return op.conn == c })
	for _, inv := range append([]*invitation(nil), m.invitations...) {
		if inv.conn == c {
			m.withdraw(inv, event.InviteCanceled)
		}
	}
	m.resignTransfers(c)
	kept := m.listeners[:0]
	for _, l := range m.listeners {
		if l.conn != c {
			kept = append(kept, l)
		}
	}
	m.listeners = kept
}

// listener is a continuous recognition of one participant's digits.
type listener struct {
	conn     *connection
	target   *participant
	sequence int
	Operation
}

func (m *Machine) listenTones(c *connection, cmd ListenTones) error {
	target := m.participantNamed(cmd.Target)
	if target == nil {
		return absent("targetParticipant", cmd.Target)
	}
	for _, l := range m.listeners {
		if l.conn == c && l.target == target {
			l.Operation = cmd.Operation // starting twice is starting once
			return nil
		}
	}
	m.listeners = append(m.listeners, &listener{conn: c, target: target, Operation: cmd.Operation})
	return nil
}

func (m *Machine) stopTones(c *connection, cmd StopTones) error {
	for i, l := range m.listeners {
		if l.conn == c && l.target.id == cmd.Target {
			m.listeners = append(m.listeners[:i:i], m.listeners[i+1:]...)
			m.publish(c, cmd.Operation, event.ToneStopped{})
			return nil
		}
	}
	return Errorf(NotNow, "Continuous DTMF recognition is not running for participant %s.", cmd.Target)
}

// dropListeners ends the recognitions of a participant who has left.
func (m *Machine) dropListeners(p *participant) {
	kept := m.listeners[:0]
	for _, l := range m.listeners {
		if l.target != p {
			kept = append(kept, l)
			continue
		}
		m.publish(l.conn, l.Operation, event.ToneStopped{})
	}
	m.listeners = kept
}
