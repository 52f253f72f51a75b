package call

import (
	"errors"
	"fmt"
)

// A Code says what kind of refusal an Error is. Package api alone knows what
// HTTP and Azure make of it.
type Code uint8

// The codes.
const (
	Internal     Code = iota // something of ours broke
	NotFound                 // no such call, connection, participant or recording
	Invalid                  // an argument makes no sense; Field names it
	WrongState               // the call is not established
	NotNow                   // it runs already, or does not run
	NotPausable              // a recording that is paused already, or is not
	Conflict                 // somebody else was first
	Duplicate                // it is there, or running, already
	Incompatible             // another media operation stands in the way
	Unsupported              // not offered here
	Gone                     // it is ending or has ended
	Busy                     // too much at once
	Draining                 // the server takes no new calls any more
	Absent                   // the participant is not in the call
	NotGroup                 // it needs a call of more than two
)

// An Error is a refusal that the application is told.
type Error struct {
	Code    Code
	Field   string // with Invalid: the argument, as the caller spells it
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf is the code of err: Internal for an error that is not ours.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
