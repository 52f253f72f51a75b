package server

import (
	"fmt"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/journal"
)

// callKey begins the keys of calls in the journal.
const callKey = "call/"

// keep makes a step of a call durable, and has its events delivered.
func (s *Server) keep(e call.Entry) error {
	var memo []journal.Record
	if e.Changed {
		memo = append(memo, journal.Record{Key: callKey + e.Call, Value: e.Memo})
	}
	if err := s.courier.Take(e.Events, memo...); err != nil {
		return fmt.Errorf("keep call: %w", err)
	}
	return nil
}
