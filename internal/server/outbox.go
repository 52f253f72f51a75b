package server

import (
	"fmt"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/outbox"
)

// outbox opens what must be delivered, and the shelf of what was given up.
func (s *Server) outbox() (*outbox.Box, error) {
	shelf, err := s.journal.Shelf("deadletters", journal.ShelfConfig{})
	if err != nil {
		return nil, fmt.Errorf("open the dead letters: %w", err)
	}
	return outbox.Open(outbox.Config{Journal: s.journal, Shelf: shelf, Metrics: s.metrics, Log: s.log})
}
