package server

import (
	"context"
	"fmt"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/journal"
)

// callKey begins the keys of calls in the journal.
const callKey = "call/"

// keep makes a step of a call durable, and has its events delivered.
func (s *Server) keep(e call.Entry) error {
	var err error
	if e.Changed {
		if err = s.journal.Commit(context.Background(), journal.Record{Key: callKey + e.Call, Value: e.Memo}); err != nil {
			err = fmt.Errorf("keep call: %w", err)
		}
	}
	for _, ev := range e.Events {
		s.courier.Take(ev)
	}
	return err
}
