package call

import (
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/event"
)

// recognize takes in a Recognize command.
func (m *Machine) recognize(c *connection, r Recognize) error {
	target := m.participantNamed(r.Target)
	if target == nil {
		return absent("recognizeOptions.targetParticipant", r.Target)
	}
	if len(r.Choices) > 0 {
		r.MaxTones, r.StopTones = 1, ""
	}
	return m.enqueue(&operation{
		kind: recognizing, conn: c, target: target, prompts: r.Prompts, Operation: r.Operation, recognize: &r,
		collector: dtmf.Collector{
			MaxTones: r.MaxTones, StopTones: r.StopTones,
			InterTone: r.InterTone, InitialSilence: r.InitialSilence,
		},
	}, r.Interrupt)
}

// listen begins a recognition's wait: its prompt is over.
func (m *Machine) listen(op *operation) {
	op.prompt = promptOver
	op.collector.Start(m.now)
	m.judge(op)
}

// judge ends a recognition whose collection is complete, unless its prompt
// must be heard to the end.
func (m *Machine) judge(op *operation) {
	result := op.collector.Result()
	if result.Reason == dtmf.Collecting || op.prompt != promptOver {
		return
	}
	var body event.Body
	switch result.Reason {
	case dtmf.MaxDigits:
		if len(op.recognize.Choices) > 0 {
			m.conclude(op, choose(op.recognize.Choices, result.Digits))
			return
		}
		body = event.RecognizeCompleted{Digits: result.Digits, Reason: event.MaxDigits}
	case dtmf.StopDigit:
		body = event.RecognizeCompleted{Digits: result.Digits, Reason: event.StopDigit}
	case dtmf.InterDigit:
		body = event.RecognizeFailed{Digits: result.Digits, Cause: event.RecognizeInterDigit}
	default:
		body = event.RecognizeFailed{Digits: result.Digits, Cause: event.RecognizeInitialSilence}
	}
	m.conclude(op, body)
}

// choose finds the choice that a digit stands for.
func choose(choices []Choice, digits string) event.Body {
	for _, c := range choices {
		if digits == string(c.Tone) {
			return event.RecognizeCompleted{Digits: digits, Reason: event.ChoiceByTone, Label: c.Label}
		}
	}
	return event.RecognizeFailed{Digits: digits, Cause: event.RecognizeWrongTone}
}

// pressed: a digit. It goes to the running recognition of who pressed it, and
// to whoever listens.
func (m *Machine) pressed(in Pressed) {
	p := m.participant(in.Leg)
	if p == nil || m.phase != established {
		return
	}
	for _, l := range m.listeners {
		if l.target == p {
			l.sequence++
			m.publish(l.conn, l.Operation, event.ToneReceived{Digit: in.Digit, Sequence: l.sequence, From: p.id})
		}
	}
	for _, c := range m.live() {
		if c.stream == streamUp && c.streaming.Digits {
			m.do(StreamDigit{c.id, p.id, in.Digit})
		}
	}
	if len(m.queue) == 0 {
		return
	}
	op := m.queue[0]
	if op.kind != recognizing || op.target != p {
		return
	}
	if op.prompt != promptOver && op.recognize.BargeIn {
		op.prompt = promptOver // the room stopped it in the tick of the digit, or it is still loading and not needed any more
		op.collector.Start(m.now)
	}
	op.collector.Press(m.now, in.Digit)
	m.judge(op)
}

// expireOperation ends a recognition that waited too long.
func (m *Machine) expireOperation() {
	if len(m.queue) == 0 {
		return
	}
	op := m.queue[0]
	if at, ok := op.deadline(); ok && !m.now.Before(at) {
		op.collector.Expire(m.now)
		m.judge(op)
	}
}

// deadline is when the operation's collection gives up.
func (op *operation) deadline() (time.Time, bool) {
	if op.kind != recognizing || op.prompt != promptOver {
		return time.Time{}, false
	}
	return op.collector.Deadline()
}
