package call

import (
	"time"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// RingTime is how long an incoming call waits for an application to answer,
// reject or redirect it.
const RingTime = 30 * time.Second

// farewell is how long the end of a call waits for its legs to confirm.
const farewell = 2 * time.Second

// A Machine is everything that is known of one call, and every rule about it.
// It is pure: Step has no clock, no goroutine and no I/O, so that an hour of
// call is tested in a moment.
type Machine struct {
	// ID is the serverCallId, Correlation the correlation id of the call.
	ID, Correlation string

	phase       phase
	incoming    leg.Call
	first       LegID // the leg that rang
	due         time.Time
	connections []*connection
	people      []*participant
	queue       []*operation // media operations; the first one runs
	lastOp      uint64
	listeners   []*listener
	tapes       []*tape
	end         event.EndReason

	now time.Time
	out []Action
}

// phase is where a call is in its life.
type phase uint8

const (
	ringing     phase = iota // waits for an application
	refused                  // will not be answered; its leg is being told
	answering                // an application wants it; its leg is being told
	established              // sound flows
	ending                   // its legs are being told
	over                     // Finish has been said
)

// connection is one application's view of the call.
type connection struct {
	id, callback, context, answeredBy string

	seq       uint64 // of its events
	updates   int    // of its ParticipantsUpdated
	streaming *Streaming
	stream    streamState
	streamOp  Operation // of the command that started or stopped it
	leaving   bool      // the application hung up; its stream is being closed
	done      bool      // CallDisconnected has been said
}

// participant is a leg that is in the call.
type participant struct {
	leg LegID
	id  string
	// muted and held are shown to applications.
	muted, held bool
}

// Step tells the machine that something happened at now and returns what is to
// be done about it, in order. The slice is valid until the next Step.
func (m *Machine) Step(now time.Time, in Input) []Action {
	m.now, m.out = now, m.out[:0]
	switch in := in.(type) {
	case Rang:
		m.rang(in)
	case AnswerRequest:
		m.answer(in)
	case RejectRequest:
		m.reject(in)
	case AnswerDone:
		m.answered(in)
	case LegHappened:
		m.legHappened(in)
	case PortFailed:
		m.portFailed(in)
	case Request:
		m.request(in)
	case Loaded:
		m.loaded(in)
	case PlayEnded:
		m.playEnded(in)
	case Pressed:
		m.pressed(in)
	case StreamUp:
		m.streamUp(in)
	case StreamDown:
		m.streamDown(in)
	case RecordRequest:
		m.record(in)
	case RecordingOpened:
		m.recordingOpened(in)
	case RecordingRequest:
		m.recordingRequest(in)
	case RecordingClosed:
		m.recordingClosed(in)
	case Due:
		m.expire()
	case Shutdown:
		m.shutdown()
	}
	m.finish()
	return m.out
}

// Deadline is when the machine wants to be told Due; false for never.
func (m *Machine) Deadline() (time.Time, bool) {
	at := m.due
	for _, op := range m.queue {
		if d, ok := op.deadline(); ok && (at.IsZero() || d.Before(at)) {
			at = d
		}
	}
	return at, !at.IsZero()
}

// expire does what has fallen due.
func (m *Machine) expire() {
	if !m.due.IsZero() && !m.now.Before(m.due) {
		m.due = time.Time{}
		switch m.phase {
		case ringing:
			m.refuse(leg.NoAnswer)
		case ending:
			m.people = nil // they never confirmed; their legs end by themselves
		}
	}
	m.expireOperation()
}

// rang: the call begins.
func (m *Machine) rang(in Rang) {
	m.incoming, m.first, m.due = in.Call, in.Leg, m.now.Add(RingTime)
	m.do(Publish{event.Event{
		Call: m.ID, Correlation: m.Correlation, Time: m.now,
		Body: event.IncomingCall{
			From: in.Call.From.ID, To: in.Call.To.ID, DisplayName: in.Call.From.Display,
			Token: in.Token, Headers: in.Call.Headers,
		},
	}})
}

func (m *Machine) answer(in AnswerRequest) {
	switch m.phase {
	case ringing:
	case answering, established:
		m.refuseAsk(in.Ask, Errorf(Conflict, "The call has already been answered."))
		return
	default:
		m.refuseAsk(in.Ask, Errorf(NotFound, "The call has ended."))
		return
	}
	m.phase, m.due = answering, time.Time{}
	c := &connection{
		id: in.Connection, callback: in.Answer.Callback, context: in.Answer.Context,
		answeredBy: in.Answer.AnsweredBy, streaming: in.Answer.Streaming,
	}
	m.connections = append(m.connections, c)
	p := m.properties(c)
	p.State = Unknown // as the service answers answerCall
	m.do(AnswerLeg{m.first}, Reply{in.Ask, Answered{Properties: p}})
}

func (m *Machine) reject(in RejectRequest) {
	switch m.phase {
	case ringing:
		m.refuse(in.Cause)
		m.do(Reply{Ask: in.Ask})
	case answering, established:
		m.refuseAsk(in.Ask, Errorf(Conflict, "The call has already been answered."))
	default:
		m.refuseAsk(in.Ask, Errorf(NotFound, "The call has ended."))
	}
}

// refuse ends a call that nobody answered.
func (m *Machine) refuse(cause leg.Cause) {
	m.phase, m.due = refused, m.now.Add(farewell)
	m.do(HangupLeg{m.first, cause})
}

func (m *Machine) answered(in AnswerDone) {
	if m.phase != answering {
		return // it ended while the answer was on its way
	}
	if in.Err != nil {
		for _, c := range m.live() {
			m.publish(c, Operation{}, event.AnswerFailed{Reason: event.EndedFailed})
			c.done = true
		}
		m.refuse(leg.Failed)
		return
	}
	m.phase = established
	p := &participant{leg: in.Leg, id: m.incoming.From.ID}
	m.people = append(m.people, p)
	m.do(Plug{in.Leg, p.id})
	for _, c := range m.live() {
		m.publish(c, Operation{}, event.CallConnected{})
		if c.streaming != nil && c.streaming.StartAtOnce {
			m.openStream(c, Operation{})
		}
	}
	m.tellParticipants()
}

func (m *Machine) legHappened(in LegHappened) {
	switch e := in.Event.(type) {
	case leg.Ended:
		m.legEnded(in.Leg, e)
	case leg.Held:
		// The far end's own hold: its sound pauses, the call goes on.
	}
}

func (m *Machine) legEnded(id LegID, e leg.Ended) {
	reason := event.EndedFailed
	switch {
	case e.Cause == leg.MediaTimeout:
		reason = event.EndedTimeout
	case e.ByFarEnd:
		reason = event.EndedByCaller
	}
	switch m.phase {
	case ringing, refused:
		m.phase = over
		m.do(Unplug{id}, Finish{})
	case answering:
		m.do(Unplug{id})
		for _, c := range m.live() {
			m.publish(c, Operation{}, event.AnswerFailed{Reason: reason})
			c.done = true
		}
		m.phase = over
		m.do(Finish{})
	default:
		m.leave(id, reason)
	}
}

// portFailed: a leg has lost its sound for good.
func (m *Machine) portFailed(in PortFailed) {
	if m.participant(in.Leg) == nil {
		return
	}
	m.do(HangupLeg{in.Leg, leg.MediaTimeout})
	m.leave(in.Leg, event.EndedTimeout)
}

// leave takes a participant out of the call, and ends the call with the last.
func (m *Machine) leave(id LegID, reason event.EndReason) {
	m.do(Unplug{id})
	p := m.participant(id)
	if p == nil {
		return
	}
	for i, q := range m.people {
		if q == p {
			m.people = append(m.people[:i:i], m.people[i+1:]...)
			break
		}
	}
	if m.phase != established {
		return
	}
	if len(m.people) == 0 {
		m.terminate(reason)
		return
	}
	m.abandon(p)
	m.tellParticipants()
}

// terminate ends the call for everybody. What ran is canceled and said so
// first; CallDisconnected is said when the legs have confirmed.
func (m *Machine) terminate(reason event.EndReason) {
	if m.phase >= ending {
		return
	}
	if m.phase == answering { // its answer may be on the way: it is hung up all the same
		m.people = append(m.people, &participant{leg: m.first, id: m.incoming.From.ID})
	}
	m.phase, m.due, m.end = ending, m.now.Add(farewell), reason
	m.cancelAll()
	m.listeners = nil
	for _, c := range m.live() {
		m.closeStream(c)
	}
	m.stopRecordings()
	for _, p := range m.people {
		m.do(HangupLeg{p.leg, causeOf(reason)})
	}
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
	case answering, established:
		m.terminate(event.EndedShutdown)
	}
}

// do adds to what is to be done.
func (m *Machine) do(a ...Action) { m.out = append(m.out, a...) }

func (m *Machine) refuseAsk(ask Ask, err error) { m.do(Reply{ask, Answered{Err: err}}) }
