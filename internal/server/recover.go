package server

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

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

// recover ends what a killed process has left: its recordings are completed, and
// its calls say their last words. What cannot be recovered is logged, and the
// rest goes on. It comes before the first call.
func (s *Server) recover(ctx context.Context) {
	began := time.Now()
	repaired, err := s.recordings.Repair(ctx)
	if err != nil {
		s.log.Error("recover recordings", "err", err)
	}
	memos, err := s.left(callKey)
	if err != nil {
		s.log.Error("recover calls: read the journal", "err", err)
	}
	calls, err := s.calls.Recover(memos, repaired)
	if err != nil {
		s.log.Error("recover calls", "err", err)
	}
	if calls > 0 || len(repaired) > 0 {
		s.log.Info("recovered what a killed server left", "calls", calls, "recordings", len(repaired), "took", time.Since(began))
	}
}

// left is what an earlier run has kept of one kind, by the id that follows it in
// the key. All of it is read first: what is done about it changes the journal.
func (s *Server) left(kind string) (iter.Seq2[string, []byte], error) {
	var all []journal.Record
	err := s.journal.Each(kind, func(key string, value []byte) error {
		all = append(all, journal.Record{Key: strings.TrimPrefix(key, kind), Value: value})
		return nil
	})
	return func(yield func(string, []byte) bool) {
		for _, r := range all {
			if !yield(r.Key, r.Value) {
				return
			}
		}
	}, err
}
