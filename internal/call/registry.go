package call

import (
	"context"

	"github.com/tipring/tipring/internal/leg"
)

// A Registry knows every call of this server: those that ring, those that run.
type Registry struct{}

// Incoming takes in a leg that rings at our door, announces it and sees it to
// its end. It returns when the leg is over.
func (r *Registry) Incoming(ctx context.Context, l leg.Incoming) { panic("soon") }

// Answer answers a ringing call. The second to answer gets Conflict.
func (r *Registry) Answer(ctx context.Context, a Answer) (Properties, error) { panic("soon") }

// Reject refuses a ringing call: leg.Declined, leg.Busy or leg.Forbidden.
func (r *Registry) Reject(ctx context.Context, token string, cause leg.Cause) error { panic("soon") }

// Send gives a command to a connection and returns when it was accepted or
// refused.
func (r *Registry) Send(ctx context.Context, connection string, c Command) error { panic("soon") }

// Properties describes a connection.
func (r *Registry) Properties(connection string) (Properties, error) { panic("soon") }

// Record starts a recording.
func (r *Registry) Record(ctx context.Context, rec Record) (RecordingState, error) { panic("soon") }

// Recording is the state of a recording.
func (r *Registry) Recording(id string) (RecordingState, error) { panic("soon") }

// PauseRecording stops a recording's time for now.
func (r *Registry) PauseRecording(ctx context.Context, id string) error { panic("soon") }

// ResumeRecording lets it go on.
func (r *Registry) ResumeRecording(ctx context.Context, id string) error { panic("soon") }

// StopRecording ends it.
func (r *Registry) StopRecording(ctx context.Context, id string) error { panic("soon") }
