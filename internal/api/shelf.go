package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

// repeatKey begins the keys of repeats in the journal.
const repeatKey = "repeat/"

// journalKey is where the journal has a request: a hash, because a client's id
// may be anything.
func journalKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return repeatKey + hex.EncodeToString(sum[:16])
}

// keepTime bounds how long an answer waits for the journal.
const keepTime = 5 * time.Second

// A shelf keeps repeats in the journal. Without a journal, or when that fails,
// they last as long as the process.
type shelf struct {
	journal journal.Journal // may be nil
	log     *slog.Logger
	unkept  *metric.Counter
	failing *atomic.Bool // so that the log says it once
}

func newShelf(j journal.Journal, log *slog.Logger, set *metric.Set) shelf {
	return shelf{j, log, set.Counter("api_repeats_unkept_total", "", "", "Answers that a retry after a restart would not find"), new(atomic.Bool)}
}

// kept is a repeat as the journal has it. Without Status the request was begun.
type kept struct {
	Since  time.Time       `json:"since"`
	Body   []byte          `json:"body"` // hash of the request's
	Status int             `json:"status,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Chain  string          `json:"chain,omitempty"`
}

// begun keeps that a request is about to act.
func (s shelf) begun(ctx context.Context, r *repeat) {
	s.put(ctx, r, kept{Since: r.since, Body: r.body[:]})
}

// answered keeps an answer, before it leaves.
func (s shelf) answered(ctx context.Context, r *repeat) {
	s.put(ctx, r, kept{Since: r.since, Body: r.body[:], Status: r.reply.status, Answer: r.reply.body, Chain: r.reply.chain})
}

func (s shelf) put(ctx context.Context, r *repeat, k kept) {
	if s.journal == nil {
		return
	}
	value, err := json.Marshal(k)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, keepTime)
		defer cancel()
		err = s.journal.Commit(ctx, journal.Record{Key: r.key, Value: value})
	}
	if err != nil {
		s.unkept.Add(1)
	}
	if was := s.failing.Swap(err != nil); err != nil && !was {
		s.log.Error("answers are not kept: a request that is sent again after a restart could act twice", "error", err)
	}
}

// forget removes repeats.
func (s shelf) forget(keys ...string) {
	if s.journal == nil || len(keys) == 0 {
		return
	}
	records := make([]journal.Record, len(keys))
	for i, key := range keys {
		records[i].Key = key
	}
	s.journal.Later(records...)
}

// restore gives what an earlier process kept, oldest first, each as old as it
// is. One that the wall clock has from the future is new.
func (s shelf) restore(now time.Time) (all []*repeat) {
	if s.journal == nil {
		return nil
	}
	var old []string
	err := s.journal.Each(repeatKey, func(key string, value []byte) error {
		var k kept
		err := json.Unmarshal(value, &k)
		age := max(0, now.Round(0).Sub(k.Since))
		if err == nil && len(k.Body) != sha256.Size {
			err = fmt.Errorf("a hash of %d bytes", len(k.Body))
		}
		if err != nil {
			s.log.Error("the journal has an answer that cannot be read", "key", key, "error", err)
		}
		if err != nil || age >= rememberFor {
			old = append(old, key)
			return nil
		}
		r := &repeat{
			key: key, body: [32]byte(k.Body), since: now.Add(-age), done: make(chan struct{}),
			final: k.Status != 0, torn: k.Status == 0, reply: reply{status: k.Status, body: k.Answer, chain: k.Chain},
		}
		close(r.done)
		all = append(all, r)
		return nil
	})
	if err != nil {
		s.log.Error("earlier answers cannot be read: a request that is sent again could act twice", "error", err)
	}
	s.forget(old...)
	slices.SortStableFunc(all, func(a, b *repeat) int { return a.since.Compare(b.since) })
	return all
}
