package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tipring/tipring/internal/leg"
)

// A fork is one leg of several calls: all ring, and the first to answer is the
// leg from then on. One goroutine (run) owns what is below the line.
type fork struct {
	server   *Server
	party    leg.Party
	total    int // calls, those that could not be sent included
	branches []*dialog
	events   chan leg.Event
	orders   chan order
	early    digits // SendDigits before the answer
	news     chan news
	done     chan struct{} // closed at the end of run

	mu     sync.Mutex // guards the choice against Close
	closed bool
	winner atomic.Pointer[dialog]

	// ——— owned by run ———
	rang   bool
	ended  bool // Ended is out
	causes []leg.Cause
	ending sync.WaitGroup // branches that are being told their end
}

// news is an event of one of the calls; nil: it has none any more.
type news struct {
	from  *dialog
	event leg.Event
}

// DialAny calls several telephones at once and returns one leg: all ring, the
// first to answer has the call, and the others are withdrawn with the reason
// "Call completed elsewhere" (one whose answer crosses that gets a BYE).
//
// The leg tells Ringing once, with the first that rings. When all have failed
// it ends with the cause that says most: busy, declined, no answer, forbidden,
// no codec, overload, unreachable, failed, in this order. A telephone that
// declines stops only its own ringing, whatever its status code. Hangup before
// the answer withdraws all. Party is that of the first call.
//
// An error says that not one INVITE could be sent; it wraps those of Dial. A
// call that could not be sent, though others could, counts as unreachable.
func (s *Server) DialAny(ctx context.Context, calls []DialConfig) (leg.Leg, error) {
	switch len(calls) {
	case 0:
		return nil, errors.New("dial: nobody to call")
	case 1:
		return s.Dial(ctx, calls[0])
	}
	if !s.running() {
		return nil, ErrNotRunning
	}
	f := &fork{
		server: s, total: len(calls),
		events: make(chan leg.Event, eventsSize),
		orders: make(chan order),
		news:   make(chan news),
		done:   make(chan struct{}),
	}
	f.early.sent = make(chan error, eventsSize)
	var errs []error
	for _, c := range calls {
		d, err := s.dial(ctx, c)
		if err != nil {
			errs = append(errs, fmt.Errorf("dial %q: %w", clean(c.Target, maxUser), err))
			f.causes = append(f.causes, leg.Unreachable)
			continue
		}
		f.branches = append(f.branches, d)
	}
	if len(f.branches) == 0 {
		return nil, errors.Join(errs...)
	}
	for _, err := range errs {
		s.Log.Info("sip: one of several not called", "error", err)
	}
	f.party = f.branches[0].party
	if !s.start(f.run) { // then they end by themselves
		return nil, ErrNotRunning
	}
	return f, nil
}

// run is the fork's life. It ends when all its calls have; a server that stops
// ends them.
func (f *fork) run(context.Context) {
	defer close(f.done)
	for _, d := range f.branches {
		f.ending.Go(func() {
			for e := range d.events {
				f.news <- news{d, e}
			}
			f.news <- news{from: d}
		})
	}
	for left := len(f.branches); left > 0; {
		select {
		case n := <-f.news:
			if n.event == nil {
				left--
			} else {
				f.take(n.from, n.event)
			}
		case o := <-f.orders:
			f.hangup(o.cause)
		case err := <-f.early.sent:
			f.emit(leg.DigitsSent{Err: err})
		}
	}
	f.end(leg.Ended{Cause: leg.Failed}) // for form's sake: the last call has ended it
	f.ending.Wait()
}

// take takes an event of one of the calls.
func (f *fork) take(d *dialog, e leg.Event) {
	winner := f.winner.Load()
	switch e := e.(type) {
	case leg.Ended:
		switch {
		case d == winner:
			f.end(e)
		case winner == nil:
			f.failed(e)
		}
		return
	case leg.Ringing:
		if winner == nil && !f.rang {
			f.rang = true
			f.emit(e)
		}
		return
	case leg.Answered:
		if !f.choose(d) {
			f.dismiss(d, leg.Canceled, true)
			return
		}
		for _, other := range f.branches {
			if other != d {
				f.dismiss(other, leg.Canceled, true)
			}
		}
		f.emit(e)
		return
	}
	if d == winner {
		f.emit(e)
	}
}

// choose makes d the winner, unless there is one or nobody wants one any more.
func (f *fork) choose(d *dialog) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.ended || f.winner.Load() != nil {
		return false
	}
	f.winner.Store(d)
	return true
}

// dismiss ends a call that is not wanted, and frees it: nobody has heard it.
func (f *fork) dismiss(d *dialog, cause leg.Cause, elsewhere bool) {
	f.ending.Go(func() {
		select {
		case d.orders <- order{hangup: make(chan struct{}), cause: cause, elsewhere: elsewhere}:
		case <-d.done:
		}
		<-d.done
		if err := d.Close(); err != nil {
			f.server.Log.Info("sip: sound not closed", "error", err)
		}
	})
}

// ranking is which cause of several says most to who has called.
var ranking = []leg.Cause{
	leg.Busy, leg.Declined, leg.NoAnswer, leg.Forbidden, leg.NoCodec, leg.Overload, leg.Unreachable, leg.Failed,
}

// failed counts a call that came to nothing. The last one ends the leg.
func (f *fork) failed(e leg.Ended) {
	f.causes = append(f.causes, e.Cause)
	if len(f.causes) < f.total {
		return
	}
	for _, best := range ranking {
		if slices.Contains(f.causes, best) {
			e = leg.Ended{Cause: best, ByFarEnd: true}
			break
		}
	}
	f.end(e)
}

// hangup ends the leg from our side.
func (f *fork) hangup(cause leg.Cause) {
	if w := f.winner.Load(); w != nil {
		f.ending.Go(func() {
			select {
			case w.orders <- order{hangup: make(chan struct{}), cause: cause}:
			case <-w.done:
			}
		})
		return
	}
	if f.ended {
		return
	}
	f.end(leg.Ended{Cause: cause})
	for _, d := range f.branches {
		f.dismiss(d, cause, false)
	}
}

// emit tells the leg's owner, as dialog.emit does.
func (f *fork) emit(e leg.Event) {
	if f.ended {
		return
	}
	if len(f.events) >= cap(f.events)-1 {
		f.server.count("event lost")
		return
	}
	f.events <- e
}

// end tells the leg's owner that it is over, once.
func (f *fork) end(e leg.Ended) {
	if f.ended {
		return
	}
	f.early.end(f.emit)
	f.ended = true
	f.events <- e
	close(f.events)
}
