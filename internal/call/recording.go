package call

import (
	"time"

	"github.com/tipring/tipring/internal/event"
)

// tape is a recording of this call while it runs or is being closed.
type tape struct {
	id       string
	callback string
	mixed    bool
	started  time.Time
	state    tapeState
	opened   bool
}

// tapeState is where a recording is in its life. Memos have its numbers.
type tapeState uint8

const (
	tapeOpening tapeState = iota
	tapeActive
	tapePaused
	tapeClosing
)

// record takes in the start of a recording.
func (m *Machine) record(in RecordRequest) {
	switch id := in.Record.Connection; {
	case id != "" && m.connection(id) == nil: // its files may still be closing
		m.refuseAsk(in.Ask, Errorf(NotFound, "Call connection %s was not found.", id))
		return
	case m.phase != established:
		m.refuseAsk(in.Ask, m.notEstablished())
		return
	}
	state := tapeOpening
	if in.Record.PauseOnStart {
		state = tapePaused
	}
	for _, r := range m.tapes {
		if r.state != tapeClosing {
			m.refuseAsk(in.Ask, Errorf(Duplicate, "Recording %s is already running for this call.", r.id))
			return
		}
	}
	m.tapes = append(m.tapes, &tape{id: in.ID, callback: in.Record.Callback, mixed: in.Record.Mixed, started: m.now, state: state})
	m.do(OpenRecording(in))
}

func (m *Machine) notEstablished() error {
	if m.phase == ending {
		return Errorf(Gone, "The call is being disconnected.")
	}
	return Errorf(WrongState, "Action is invalid when call is not in Established state.")
}

func (m *Machine) recordingOpened(in RecordingOpened) {
	r := m.tape(in.ID)
	if r == nil {
		return
	}
	if in.Err != nil {
		m.forgetTape(r)
		m.refuseAsk(in.Ask, in.Err)
		return
	}
	r.opened = true
	if r.state == tapeOpening {
		r.state = tapeActive
	}
	m.do(Reply{in.Ask, Answered{Recording: r.describe()}})
	m.tellRecording(r)
	if r.state == tapeClosing { // the call ended meanwhile
		m.do(TurnRecording{r.id, StopRecording})
	}
}

// recordingRequest takes in a verb on a running recording.
func (m *Machine) recordingRequest(in RecordingRequest) {
	r := m.tape(in.ID)
	if r == nil || !r.opened || r.state == tapeClosing {
		m.refuseAsk(in.Ask, Errorf(NotFound, "Recording %s was not found.", in.ID))
		return
	}
	next := r.state
	switch in.Verb {
	case DescribeRecording:
		m.do(Reply{in.Ask, Answered{Recording: r.describe()}})
		return
	case PauseRecording:
		next = tapePaused
	case ResumeRecording:
		next = tapeActive
	case StopRecording:
		next = tapeClosing
	}
	if next == r.state {
		m.refuseAsk(in.Ask, Errorf(NotPausable, "The recording is already in this state."))
		return
	}
	m.do(Reply{Ask: in.Ask})
	m.turnRecording(r, next, in.Verb)
}

// turnRecording brings a recording into its next state and says so.
func (m *Machine) turnRecording(r *tape, next tapeState, verb RecordingVerb) {
	wasActive := r.state == tapeActive
	r.state = next
	m.do(TurnRecording{r.id, verb})
	if isActive := next == tapeActive; isActive != wasActive || verb == StopRecording {
		m.tellRecording(r)
	}
}

// stopRecordings closes what is recorded at the end of the call.
func (m *Machine) stopRecordings() {
	for _, r := range m.tapes {
		switch {
		case !r.opened:
			r.state = tapeClosing
		case r.state != tapeClosing:
			m.turnRecording(r, tapeClosing, StopRecording)
		}
	}
}

// recordingBroke: what could be recorded is complete, and said to be.
func (m *Machine) recordingBroke(in RecordingBroke) {
	if r := m.tape(in.ID); r != nil && r.opened && r.state != tapeClosing {
		m.turnRecording(r, tapeClosing, StopRecording)
	}
}

func (m *Machine) recordingClosed(in RecordingClosed) {
	r := m.tape(in.ID)
	if r == nil {
		return
	}
	m.forgetTape(r)
	m.tellGrid(in.File)
}

// tellRecording says a recording's state to the callback of its start.
func (m *Machine) tellRecording(r *tape) {
	if r.callback == "" {
		return // nobody asked to be told
	}
	m.do(Publish{event.Event{
		Call: m.ID, Correlation: m.Correlation, Time: m.now, Callback: r.callback,
		Body: event.RecordingStateChanged{Recording: r.id, Active: r.state == tapeActive, Started: r.started},
	}})
}

func (r *tape) describe() RecordingState {
	return RecordingState{ID: r.id, Active: r.state == tapeActive}
}

func (m *Machine) tape(id string) *tape {
	for _, r := range m.tapes {
		if r.id == id {
			return r
		}
	}
	return nil
}

func (m *Machine) forgetTape(r *tape) {
	for i, other := range m.tapes {
		if other == r {
			m.tapes = append(m.tapes[:i:i], m.tapes[i+1:]...)
			return
		}
	}
}
