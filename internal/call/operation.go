package call

import (
	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/event"
)

// operation is a play or a recognition: it waits in the queue, runs alone at
// its head, and ends in exactly one of Completed, Failed, Canceled.
//
// Operations on the main leg (for everybody: a play to all, a recognition in a
// call with one participant) queue up behind each other. Of operations on a
// sub leg (for one of several) there can be only one.
type operation struct {
	id      uint64
	kind    operationKind
	conn    *connection
	target  *participant // nil: everybody
	prompts []Prompt
	loop    bool
	Operation

	recognize *Recognize     // with recognizing: what is asked
	collector dtmf.Collector // … and what came
	tones     string         // with sending: the digits

	running bool
	loaded  bool // the first sound is there (or there are no prompts)
	prompt  promptState
}

// operationKind is what an operation does. Memos have its numbers.
type operationKind uint8

const (
	playing operationKind = iota
	recognizing
	sending
)

// promptState is how far an operation's sound is.
type promptState uint8

const (
	promptWaits promptState = iota
	promptPlays
	promptOver
)

// sub reports whether the operation is for one of several participants, or
// sends digits.
func (m *Machine) sub(op *operation) bool {
	return op.kind == sending || op.target != nil && len(m.people) > 1
}

// play takes in a Play command.
func (m *Machine) play(c *connection, p Play) error {
	if len(p.Targets) > 1 {
		return &Error{Code: Unsupported, Field: "playTo", Message: "playTo names more than one participant: play to one, or to all by an empty playTo."}
	}
	op := &operation{kind: playing, conn: c, prompts: p.Sources, loop: p.Loop, Operation: p.Operation}
	if len(p.Targets) == 1 {
		if op.target = m.participantNamed(p.Targets[0]); op.target == nil {
			return absent("playTo", p.Targets[0])
		}
	}
	return m.enqueue(op, p.Interrupt)
}

// sendTones takes in a SendTones command.
func (m *Machine) sendTones(c *connection, cmd SendTones) error {
	target := m.participantNamed(cmd.Target)
	if target == nil {
		return absent("targetParticipant", cmd.Target)
	}
	return m.enqueue(&operation{kind: sending, conn: c, target: target, tones: cmd.Tones, Operation: cmd.Operation}, false)
}

func absent(field, id string) error {
	return &Error{Code: Absent, Field: field, Message: "Participant " + id + " is not in the call."}
}

// playable says why a prompt cannot be played here.
func playable(field string, p Prompt) error {
	if p.URI == "" {
		return &Error{Code: Unsupported, Field: field, Message: "Text and SSML need a speech engine, and none is configured: use a file source."}
	}
	return nil
}

// enqueue puts an operation behind those that wait, or, with interrupt, in
// their place.
func (m *Machine) enqueue(op *operation, interrupt bool) error {
	field := "playSources"
	if op.kind == recognizing {
		field = "playPrompt"
	}
	for _, p := range op.prompts {
		if err := playable(field, p); err != nil {
			return err
		}
	}
	if op.target != nil && op.target.held {
		return Errorf(NotNow, "Participant %s is on hold.", op.target.id)
	}
	if interrupt {
		m.cancelAll()
	}
	for _, other := range m.queue {
		if m.sub(op) && m.sub(other) {
			return Errorf(Incompatible, "Another media operation for one participant is running or waiting.")
		}
	}
	m.lastOp++
	op.id = m.lastOp
	op.loaded = len(op.prompts) == 0
	m.queue = append(m.queue, op)
	if !op.loaded {
		m.do(Load{op.id, op.prompts})
	}
	return nil
}

// advance starts the operation at the head of the queue when it can.
func (m *Machine) advance() {
	if len(m.queue) == 0 || m.phase != established {
		return
	}
	op := m.queue[0]
	if !op.running {
		op.running = true
		if m.sub(op) && op.kind == playing {
			m.aloneWith = op
			m.setOthersAside(op.target, true)
		}
	}
	switch {
	case op.prompt != promptWaits || !op.loaded:
	case op.kind == sending:
		op.prompt = promptPlays
		m.do(SendDigits{op.target.leg, op.tones})
	case len(op.prompts) == 0:
		m.listen(op)
	default:
		op.prompt = promptPlays
		start := StartPlay{Op: op.id, Loop: op.loop}
		if op.target != nil {
			start.Leg = op.target.leg
		}
		if op.kind == recognizing && op.recognize.BargeIn {
			start.Barge = op.target.leg
		}
		m.do(start)
		if op.kind == playing {
			m.publish(op.conn, op.Operation, event.PlayStarted{})
		}
	}
}

// digitsSent: the digits of the running operation have gone out.
func (m *Machine) digitsSent(id LegID, err error) {
	if p := m.participant(id); p != nil && p.stopped > 0 {
		p.stopped-- // of an operation that was canceled
		return
	}
	if len(m.queue) == 0 {
		return
	}
	op := m.queue[0]
	switch {
	case op.prompt != promptPlays || op.kind != sending || op.target.leg != id:
	case err != nil:
		m.conclude(op, event.TonesFailed{})
	default:
		m.conclude(op, event.TonesSent{})
	}
}

// loaded: an operation's prompts are there, or could not be had.
func (m *Machine) loaded(in Loaded) {
	if m.musicLoaded(in) {
		return
	}
	op := m.operation(in.Op)
	if op == nil || op.prompt == promptOver {
		return
	}
	if in.Err != nil {
		m.conclude(op, promptFailed(op, in.Index, in.Err))
		return
	}
	op.loaded = true
	m.advance()
}

// playEnded: an operation's sound is over, or broke.
func (m *Machine) playEnded(in PlayEnded) {
	if m.musicEnded(in) {
		return
	}
	op := m.operation(in.Op)
	switch {
	case op == nil || op.prompt != promptPlays:
	case in.Err != nil:
		m.conclude(op, promptFailed(op, in.Index, in.Err))
	case op.kind == playing:
		m.conclude(op, event.PlayCompleted{})
	default:
		m.listen(op)
	}
}

func promptFailed(op *operation, index int, err error) event.Body {
	cause := playCause(err)
	if op.kind == recognizing {
		return event.RecognizeFailed{Cause: event.RecognizePromptFailed, Index: index, Play: cause}
	}
	return event.PlayFailed{Cause: cause, Index: index}
}

// conclude ends an operation with its one last event, and lets the next begin.
func (m *Machine) conclude(op *operation, body event.Body) {
	for i, other := range m.queue {
		if other == op {
			m.queue = append(m.queue[:i:i], m.queue[i+1:]...)
			break
		}
	}
	m.do(Drop{op.id})
	if m.aloneWith == op {
		m.aloneWith = nil
		m.setOthersAside(nil, false)
	}
	m.publish(op.conn, op.Operation, body)
	m.advance()
}

// cancelAll cancels what runs and what waits.
func (m *Machine) cancelAll() { m.cancel(func(*operation) bool { return true }) }

// cancel takes operations out of the queue, and says so.
func (m *Machine) cancel(which func(*operation) bool) {
	var kept, gone []*operation
	for _, op := range m.queue {
		if which(op) {
			gone = append(gone, op)
		} else {
			kept = append(kept, op)
		}
	}
	m.queue = kept
	for _, op := range gone {
		if op.kind == sending && op.prompt == promptPlays {
			op.target.stopped++
			m.do(StopDigits{op.target.leg})
		}
		m.conclude(op, canceled(op))
	}
}

func canceled(op *operation) event.Body {
	switch op.kind {
	case sending:
		return event.TonesFailed{Canceled: true}
	case recognizing:
		return event.RecognizeCanceled{}
	}
	return event.PlayCanceled{}
}

// abandon ends what ran for a participant who has left.
func (m *Machine) abandon(p *participant) {
	m.cancel(func(op *operation) bool { return op.target == p })
	m.dropListeners(p)
	m.dropHold(func(h *holding) bool { return h.target == p })
	if t := m.takeTransfer(p.leg); t != nil {
		m.failTransfer(t, event.InviteFailed)
	}
}

func (m *Machine) operation(id uint64) *operation {
	for _, op := range m.queue {
		if op.id == id {
			return op
		}
	}
	return nil
}
