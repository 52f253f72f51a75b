package call

import (
	"errors"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/prompt"
)

// playCause says what an error of a prompt means to an application.
func playCause(err error) event.PlayCause {
	switch {
	case errors.Is(err, prompt.ErrFormat):
		return event.PlayBadFormat
	case errors.Is(err, prompt.ErrUnreachable):
		return event.PlayUnreachable
	}
	return event.PlayInternal
}
