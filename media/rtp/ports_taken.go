package rtp

import (
	"errors"
	"syscall"
)

// taken reports whether a port could not be had because somebody has it, or
// because the system keeps it for itself.
func taken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)
}
