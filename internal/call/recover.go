package call

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tipring/tipring/internal/event"
	"github.com/tipring/tipring/internal/recording"
)

// recoverAtOnce is how many calls are recovered at one time, so that they share
// what it costs to make a commit durable.
const recoverAtOnce = 64

// Recover ends the calls that a killed process has left. memos are the last ones
// that it kept, by serverCallId; recordings are what recording.Store.Repair has
// given. Each call says its last words, which are kept together with the removal
// of its memo. Recover returns when all are through, and how many were; call it
// once, before the first call of this process.
//
// A memo that cannot be read is logged and counted
// (call_memos_refused_total), and left out. One of another version stays where
// it is, for the program that can read it; a garbled one is removed. An error
// says how many calls could not be recovered, and why the first: those whose
// last words could not be kept say them again after the next restart, with the
// same ids.
func (r *Registry) Recover(memos iter.Seq2[string, []byte], recordings []recording.Result) (n int, err error) {
	rec := recovery{registry: r, kept: map[string]bool{}, told: Restarted{
		Files: map[string]event.RecordingFileReady{}, Unfinished: map[string]bool{},
	}}
	for _, result := range recordings {
		if errors.Is(result.Err, recording.ErrUnfinished) {
			rec.told.Unfinished[result.ID] = true
		} else {
			rec.told.Files[result.ID] = result.Ready()
		}
	}
	type left struct {
		id   string
		memo []byte
	}
	todo := make(chan left)
	var workers sync.WaitGroup
	for range recoverAtOnce {
		workers.Go(func() {
			for l := range todo {
				rec.note(rec.one(l.id, l.memo))
			}
		})
	}
	for id, memo := range memos {
		todo <- left{id, memo}
	}
	close(todo)
	workers.Wait()
	for id := range rec.told.Files {
		if rec.kept[id] || rec.failed == 0 { // what no call asks for was told before, or promised to nobody
			r.announced(id)
		}
	}
	if rec.failed > 0 {
		return rec.n, fmt.Errorf("%d calls could not be recovered; the first: %w", rec.failed, rec.first)
	}
	return rec.n, nil
}

// recovery is the work of one Recover.
type recovery struct {
	registry *Registry
	told     Restarted

	mu        sync.Mutex
	n, failed int
	first     error
	kept      map[string]bool // recordings that were told of
}

// one ends one call.
func (rec *recovery) one(id string, memo []byte) error {
	r := rec.registry
	m, err := restore(id, memo)
	if err != nil {
		return rec.refuse(id, err)
	}
	tapes := slices.Clone(m.tapes)
	e := Entry{Call: id, Changed: true}
	for i, a := range m.Step(time.Now(), rec.told) {
		if p, ok := a.(Publish); ok {
			p.Event.ID = lastID(id, memo, i)
			e.Events = append(e.Events, p.Event)
		}
	}
	e.Memo = m.memo()
	if err := r.keep(e); err != nil {
		r.config.Log.Error("recover", "call", id, "correlation", m.Correlation, "err", err)
		return fmt.Errorf("recover call: %w", err)
	}
	r.config.Log.Debug("recovered", "call", id, "correlation", m.Correlation, "events", len(e.Events))
	rec.tell(tapes)
	return nil
}

// refuse says that a memo cannot be read.
func (rec *recovery) refuse(id string, err error) error {
	r, reason := rec.registry, "version"
	if errors.Is(err, errMemoGarbled) {
		reason = "garbled"
		if err := r.keep(Entry{Call: id, Changed: true}); err != nil {
			r.config.Log.Error("remove memo", "call", id, "err", err)
		}
	}
	r.config.Metrics.Counter("call_memos_refused_total", "reason", reason, "Memos of calls that a restart could not read.").Add(1)
	r.config.Log.Error("recover", "call", id, "err", err)
	return err
}

// note counts what has become of one call.
func (rec *recovery) note(err error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if err == nil {
		rec.n++
		rec.registry.recovered.Add(1)
		return
	}
	if rec.failed++; rec.first == nil {
		rec.first = err
	}
}

// tell notes whose files have been told of.
func (rec *recovery) tell(tapes []*tape) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, t := range tapes {
		rec.kept[t.id] = true
	}
}

// lastID is the id of a call's last words. It is always the same for the same
// memo: should they have to be said again, they can be told from new ones.
func lastID(call string, memo []byte, i int) string {
	name := append([]byte(call+" "+strconv.Itoa(i)+" "), memo...)
	return uuid.NewSHA1(uuid.NameSpaceURL, name).String()
}
