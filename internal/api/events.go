package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/outbox"
)

// Letters is what the API needs of the events that were given up:
// *webhook.Courier has it. A letter that does not exist is outbox.ErrNotFound; no
// room to send it again is outbox.ErrFull.
type Letters interface {
	Letters(after uint64, n int) ([]outbox.Letter, error)
	Letter(seq uint64) (outbox.Letter, error)
	Resend(ctx context.Context, seq uint64) error
	Discard(seq uint64) error
}

// lettersPage is how many dead letters a page has at most.
const lettersPage = 100

// letterRoutes are the paths of dead letters, which Azure does not have.
func (a *api) letterRoutes(r chi.Router) {
	r.Use(a.signed)
	r.NotFound(a.unknown)
	r.MethodNotAllowed(a.notAllowed)
	r.Get("/events", a.do("listDeadLetters", a.letters))
	r.Get("/events/{seq}", a.do("getDeadLetter", a.letter))
	r.Delete("/events/{seq}", a.do("removeDeadLetter", a.removeLetter))
	r.Post("/events/{seq}:resend", a.do("resendDeadLetter", a.resendLetter))
}

// A DeadLetter is an event that was given up, as it is told. Times are UTC; a list
// leaves out Headers and Body.
type DeadLetter struct {
	Seq      uint64            `json:"seq"`
	ID       string            `json:"id"`
	Type     string            `json:"type"`
	To       string            `json:"to"`
	Created  time.Time         `json:"created"`
	GivenUp  time.Time         `json:"givenUp"`
	Reason   string            `json:"reason"`
	Attempts int               `json:"attempts"`
	Error    string            `json:"error,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Body     json.RawMessage   `json:"body,omitempty"` // JSON as it is; other text as a string
}

// DeadLetters is a page of them, oldest first.
type DeadLetters struct {
	Value []DeadLetter `json:"value"`
	Next  uint64       `json:"next,omitempty"` // after for the next page; 0: this is the last
}

func line(l outbox.Letter) DeadLetter {
	return DeadLetter{
		Seq: l.Seq, ID: l.ID, Type: l.Type, To: l.URL, Created: l.Created.UTC(), GivenUp: l.At.UTC(),
		Reason: l.Reason, Attempts: l.Attempts, Error: l.Error,
	}
}

// letters answers a page of dead letters, oldest first.
func (a *api) letters(_ context.Context, x *exchange) (int, any, error) {
	after, err := sequence("after", x.request.URL.Query().Get("after"))
	if err != nil {
		return 0, nil, err
	}
	if a.Letters == nil {
		return 0, nil, noLetter(0)
	}
	list, err := a.Letters.Letters(after, lettersPage+1)
	if err != nil {
		return 0, nil, err
	}
	page := DeadLetters{Value: []DeadLetter{}}
	for i, l := range list {
		if i == lettersPage {
			page.Next = list[i-1].Seq
			break
		}
		page.Value = append(page.Value, line(l))
	}
	return http.StatusOK, page, nil
}

// letter answers one dead letter with its headers and body.
func (a *api) letter(_ context.Context, x *exchange) (int, any, error) {
	seq, err := a.ofLetter(x)
	if err != nil {
		return 0, nil, err
	}
	l, err := a.Letters.Letter(seq)
	if err != nil {
		return 0, nil, letterFailure(seq, err)
	}
	whole := line(l)
	whole.Headers, whole.Body = l.Header, l.Body
	if !json.Valid(l.Body) {
		if whole.Body, err = json.Marshal(string(l.Body)); err != nil {
			return 0, nil, fmt.Errorf("tell dead letter %d: %w", seq, err)
		}
	}
	return http.StatusOK, whole, nil
}

// resendLetter queues the event of a dead letter once more.
func (a *api) resendLetter(ctx context.Context, x *exchange) (int, any, error) {
	seq, err := a.ofLetter(x)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, nil, letterFailure(seq, a.Letters.Resend(ctx, seq))
}

// removeLetter forgets a dead letter.
func (a *api) removeLetter(_ context.Context, x *exchange) (int, any, error) {
	seq, err := a.ofLetter(x)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, letterFailure(seq, a.Letters.Discard(seq))
}

// ofLetter reads the number in the path.
func (a *api) ofLetter(x *exchange) (uint64, error) {
	seq, err := sequence("seq", x.param("seq"))
	if err == nil && a.Letters == nil {
		err = noLetter(seq)
	}
	return seq, err
}

func sequence(field, text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, invalid(field, "%q is not the number of a dead letter", clip(text))
	}
	return n, nil
}

func letterFailure(seq uint64, err error) error {
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return noLetter(seq)
	case errors.Is(err, outbox.ErrFull):
		return call.Errorf(call.Busy, "too many events wait for that host: the letter stays where it is")
	}
	return err
}

func noLetter(seq uint64) error { return call.Errorf(call.NotFound, "there is no dead letter %d", seq) }
