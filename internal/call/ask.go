package call

import (
	"context"
	"fmt"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/leg"
)

// Answer answers a ringing call and returns when its leg is being told. The
// second to answer gets Conflict.
func (r *Registry) Answer(ctx context.Context, a Answer) (Properties, error) {
	c, err := r.find(r.ringing, a.Token, "The incoming call")
	if err != nil {
		return Properties{}, err
	}
	id := newID()
	r.know(r.connections, id, c) // first: an event must not name a connection that is not to be found
	answer, err := c.send(ctx, func(ask Ask) Input { return AnswerRequest{ask, id, a} })
	return answer.Properties, err
}

// Reject refuses a ringing call: with leg.Declined, leg.Busy or leg.Forbidden.
func (r *Registry) Reject(ctx context.Context, token string, cause leg.Cause) error {
	c, err := r.find(r.ringing, token, "The incoming call")
	if err != nil {
		return err
	}
	_, err = c.send(ctx, func(ask Ask) Input { return RejectRequest{ask, cause} })
	return err
}

// request gives a command to a connection.
func (r *Registry) request(ctx context.Context, connection string, cmd Command) (Answered, error) {
	c, err := r.find(r.connections, connection, "Call connection "+connection)
	if err != nil {
		return Answered{}, err
	}
	return c.send(ctx, func(ask Ask) Input { return Request{ask, connection, cmd} })
}

// Send gives a command to a connection and returns when it was accepted or
// refused.
func (r *Registry) Send(ctx context.Context, connection string, cmd Command) error {
	_, err := r.request(ctx, connection, cmd)
	return err
}

// Properties describes a connection.
func (r *Registry) Properties(ctx context.Context, connection string) (Properties, error) {
	a, err := r.request(ctx, connection, describe{})
	return a.Properties, err
}

// Participants lists who is in a connection's call.
func (r *Registry) Participants(ctx context.Context, connection string) ([]event.Participant, error) {
	a, err := r.request(ctx, connection, roster{})
	return a.Participants, err
}

// Record starts a recording of the call that rec names.
func (r *Registry) Record(ctx context.Context, rec Record) (RecordingState, error) {
	c, err := r.find(r.connections, rec.Connection, "Call connection "+rec.Connection)
	if rec.Connection == "" {
		c, err = r.find(r.calls, rec.Call, "The call")
	}
	if err != nil {
		return RecordingState{}, err
	}
	id := newID()
	r.know(r.recordings, id, c)
	a, err := c.send(ctx, func(ask Ask) Input { return RecordRequest{ask, id, rec} })
	return a.Recording, err
}

// Recording is the state of a recording.
func (r *Registry) Recording(ctx context.Context, id string) (RecordingState, error) {
	return r.turn(ctx, id, DescribeRecording)
}

// PauseRecording stops a recording's time for now.
func (r *Registry) PauseRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, PauseRecording)
	return err
}

// ResumeRecording lets it go on.
func (r *Registry) ResumeRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, ResumeRecording)
	return err
}

// StopRecording ends it.
func (r *Registry) StopRecording(ctx context.Context, id string) error {
	_, err := r.turn(ctx, id, StopRecording)
	return err
}

func (r *Registry) turn(ctx context.Context, id string, verb RecordingVerb) (RecordingState, error) {
	c, err := r.find(r.recordings, id, "Recording "+id)
	if err != nil {
		return RecordingState{}, err
	}
	a, err := c.send(ctx, func(ask Ask) Input { return RecordingRequest{ask, id, verb} })
	return a.Recording, err
}

// Create begins a call and returns while it rings.
func (r *Registry) Create(ctx context.Context, create Create) (Properties, error) {
	c, id := newCall(r, r.newServerCallID(), newID()), newID()
	if !r.begin(c, entry{r.connections, id}) {
		return Properties{}, Errorf(Draining, "The server is shutting down.")
	}
	ask := make(chan Answered, 1)
	c.pending = append(c.pending, CreateRequest{ask, id, create})
	go func() {
		defer r.running.Done()
		defer r.forget(c)
		c.Run(context.WithoutCancel(ctx)) // it outlives the request; Shutdown ends it
	}()
	return (<-ask).Properties, nil // it is the first thing that the call does
}

// Redirect hands a ringing call over to others.
func (r *Registry) Redirect(ctx context.Context, redirect Redirect) error {
	c, err := r.find(r.ringing, redirect.Token, "The incoming call")
	if err != nil {
		return err
	}
	_, err = c.send(ctx, func(ask Ask) Input { return RedirectRequest{ask, redirect} })
	return err
}

// Connect adds a connection to a running call.
func (r *Registry) Connect(ctx context.Context, connect Connect) (Properties, error) {
	var c *Call
	var err error
	switch {
	case connect.Call != "":
		c, err = r.find(r.calls, connect.Call, "The call")
	case connect.Group != "":
		c, err = r.find(r.open, "group."+connect.Group, "Group call "+connect.Group)
	default:
		c, err = r.find(r.open, "room."+connect.Room, "Room "+connect.Room)
	}
	if err != nil {
		return Properties{}, err
	}
	id := newID()
	r.know(r.connections, id, c)
	a, err := c.send(ctx, func(ask Ask) Input { return ConnectRequest{ask, id, connect} })
	return a.Properties, err
}

// depart takes a participant out of the call of a connection, for another call.
func (r *Registry) depart(ctx context.Context, to *Call, connection, participant string) (leg.Leg, error) {
	from, err := r.find(r.connections, connection, "Call connection "+connection)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("participant %s is in this call already", participant)
	}
	a, err := from.send(ctx, func(ask Ask) Input { return DepartRequest{ask, participant} })
	return a.Leg, err
}
