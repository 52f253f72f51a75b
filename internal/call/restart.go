package call

import "github.com/tipring/tipring/internal/event"

// A call whose process was killed is restored from its memo and told Restarted.
// In that one step it says what it still owes: each operation that was accepted
// and has not ended fails, streams and recordings are over, everybody has left,
// and each connection has its last event. Then it is over, unless a recording
// cannot be completed yet.

// restarted says the last words of a call that was restored.
func (m *Machine) restarted(in Restarted) {
	switch m.phase {
	case dialling:
		m.failCreate(event.InviteRestart)
	case answering:
		for _, c := range m.live() {
			m.publish(c, Operation{}, event.AnswerFailed{Reason: event.EndedRestart})
			c.done = true
		}
	case established:
		m.end = event.EndedRestart
		for _, p := range m.people {
			m.gone(p)
		}
	}
	m.phase, m.people = ending, nil
	m.loseWork()
	m.loseTapes()
	for _, c := range m.live() {
		m.loseStream(c)
		if c.leaving {
			m.disconnect(c, event.EndedByApp)
		} else {
			m.disconnect(c, m.end)
		}
	}
	m.tellFiles(in) // and finish says the rest
}

// loseWork fails what was accepted and has not ended.
func (m *Machine) loseWork() {
	for _, op := range m.queue {
		m.publish(op.conn, op.Operation, lost(op))
	}
	for _, inv := range m.invitations {
		if inv.why == toJoin {
			m.publish(inv.conn, inv.Operation, event.AddFailed{Participant: inv.target, Invitation: inv.id, Cause: event.InviteRestart})
		}
	}
	for _, t := range m.transfers {
		m.failTransfer(t, event.InviteRestart)
	}
	m.queue, m.invitations, m.transfers = nil, nil, nil
}

func lost(op *operation) event.Body {
	switch op.kind {
	case sending:
		return event.TonesFailed{Restart: true}
	case recognizing:
		return event.RecognizeFailed{Cause: event.RecognizeRestart}
	}
	return event.PlayFailed{Cause: event.PlayRestart}
}

// loseStream says that a connection's streaming is over: as it was asked to be,
// or because its socket went with the process.
func (m *Machine) loseStream(c *connection) {
	switch c.stream {
	case streamOff:
	case streamClosing:
		m.publish(c, c.streamOp, event.MediaStreamingStopped{})
	default:
		m.publish(c, c.streamOp, event.MediaStreamingFailed{Cause: event.StreamRestart})
	}
	c.stream = streamOff
}

// loseTapes says that recordings are over.
func (m *Machine) loseTapes() {
	for _, r := range m.tapes {
		running := r.opened && r.state != tapeClosing
		r.state = tapeClosing
		if running {
			m.tellRecording(r)
		}
	}
}

// tellFiles says what files the recordings have left, as far as that is known.
func (m *Machine) tellFiles(in Restarted) {
	var later []*tape
	for _, r := range m.tapes {
		file, there := in.Files[r.id]
		switch {
		case in.Unfinished[r.id]:
			later = append(later, r)
		case there && (r.opened || len(file.Chunks) > 0):
			m.tellGrid(file)
		case r.opened: // nothing was recorded: it was paused from its beginning
			m.tellGrid(r.empty())
		}
	}
	m.tapes = later
}

// empty is what is said of a recording that has no file.
func (r *tape) empty() event.RecordingFileReady {
	file := event.RecordingFileReady{Recording: r.id, Started: r.started, Channel: "unmixed", Format: "wav", EndReason: "CallEnded"}
	if r.mixed {
		file.Channel = "mixed"
	}
	return file
}
