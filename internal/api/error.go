package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/jwt"
)

// verdict is what HTTP and Azure make of a call.Code.
type verdict struct {
	status int
	code   string
	reason string // label of api_refused_total
}

// verdicts is the one table from codes to statuses.
var verdicts = map[call.Code]verdict{
	call.Internal:     {http.StatusInternalServerError, acs.CodeUnknown, "internal"},
	call.NotFound:     {http.StatusNotFound, acs.CodeNotFound, "not found"},
	call.Invalid:      {http.StatusBadRequest, acs.CodeInvalid, "invalid"},
	call.WrongState:   {http.StatusBadRequest, acs.CodeWrongState, "wrong state"},
	call.NotNow:       {http.StatusBadRequest, acs.CodeNotNow, "not now"},
	call.NotPausable:  {http.StatusBadRequest, acs.CodeNotPausable, "not pausable"},
	call.Duplicate:    {http.StatusBadRequest, acs.CodeTwice, "duplicate"},
	call.Absent:       {http.StatusBadRequest, acs.CodeAbsent, "absent"},
	call.NotGroup:     {http.StatusBadRequest, acs.CodeNotGroup, "not a group"},
	call.Conflict:     {http.StatusConflict, acs.CodeConflict, "conflict"},
	call.Incompatible: {http.StatusPreconditionFailed, acs.CodeIncompatible, "incompatible"},
	call.Unsupported:  {http.StatusMethodNotAllowed, acs.CodeUnsupported, "unsupported"},
	call.Gone:         {http.StatusBadRequest, acs.CodeGone, "gone"},
	call.Busy:         {http.StatusTooManyRequests, acs.CodeThrottled, "busy"},
	call.Draining:     {http.StatusServiceUnavailable, acs.CodeUnavailable, "draining"},
}

// ownVerdicts are the rows of the table that some operations have for
// themselves, by what their paths begin or end with.
var ownVerdicts = []struct {
	begins, ends string
	code         call.Code
	verdict      verdict
}{
	{"/calling/recordings", "", call.Conflict, verdict{http.StatusConflict, acs.CodeRecordingConflict, "recording conflict"}},
	{"/calling/recordings", "", call.Duplicate, verdict{http.StatusConflict, acs.CodeDuplicate, "recording duplicate"}},
	{"", ":transferToParticipant", call.Conflict, verdict{http.StatusConflict, acs.CodeTransferConflict, "transfer conflict"}},
}

// judge looks an error's code up.
func judge(r *http.Request, code call.Code) verdict {
	for _, own := range ownVerdicts {
		if own.code == code && strings.HasPrefix(r.URL.Path, own.begins) && strings.HasSuffix(r.URL.Path, own.ends) {
			return own.verdict
		}
	}
	if v, ok := verdicts[code]; ok {
		return v
	}
	return verdicts[call.Internal]
}

// errTooLarge refuses a body over maxBody.
var errTooLarge = errors.New("the body is larger than 1 MiB")

// failure spells an error. One that is not a call.Error is ours to be ashamed
// of: it is logged, and the client learns nothing of it.
func (a *api) failure(r *http.Request, err error) reply {
	if errors.Is(err, errTooLarge) {
		a.count("too large")
		return errorReply(http.StatusRequestEntityTooLarge, acs.Error{Code: acs.CodeInvalid, Message: err.Error()})
	}
	if errors.Is(err, jwt.ErrNoIssuer) {
		a.Log.Warn("API request could not be authorized", "method", r.Method, "path", r.URL.Path, "error", err)
		a.count("auth: no issuer")
		answer := errorReply(http.StatusServiceUnavailable, acs.Error{Code: acs.CodeUnavailable,
			Message: "the bearer token cannot be checked now: its issuer's keys could not be fetched"})
		answer.later = true
		return answer
	}
	var e *call.Error
	if !errors.As(err, &e) {
		a.Log.Error("API request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		e = &call.Error{Code: call.Internal, Message: "the server failed to do it; its log says why"}
		if errors.Is(err, context.DeadlineExceeded) {
			e.Message = "it took too long"
		}
	}
	v := judge(r, e.Code)
	a.count(v.reason)
	message := e.Message
	if e.Field != "" && !strings.Contains(message, e.Field) {
		message = e.Field + ": " + message
	}
	answer := errorReply(v.status, acs.Error{Code: v.code, Message: message, Target: e.Field})
	answer.later = v.status == http.StatusTooManyRequests || v.status == http.StatusServiceUnavailable
	return answer
}

func errorReply(status int, e acs.Error) reply {
	body, err := json.Marshal(acs.ErrorBody{Error: e})
	if err != nil {
		body = nil // strings always encode
	}
	return reply{status: status, body: body}
}

func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	a.failure(r, err).write(w)
}

func (a *api) count(reason string) {
	a.Metrics.Counter("api_refused_total", "reason", reason, "API requests that were refused").Add(1)
}

// unknown answers a path that is not in the contract.
func (a *api) unknown(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, call.Errorf(call.NotFound, "there is no operation %s %s", r.Method, r.URL.Path))
}

// notAllowed answers a method that a path does not have.
func (a *api) notAllowed(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, call.Errorf(call.Unsupported, "%s is not possible on %s", r.Method, r.URL.Path))
}

// noEngine answers an operation of the contract that needs a speech engine.
func noEngine(name string) operation {
	return func(context.Context, *exchange) (int, any, error) {
		return 0, nil, &call.Error{Code: call.Unsupported,
			Message: name + " is not offered by this server: it needs a speech engine, and there is none"}
	}
}

// noSpeech refuses what needs to understand speech.
func noSpeech(field, what string) error {
	return &call.Error{Code: call.Unsupported, Field: field,
		Message: fmt.Sprintf("%s: %s is not offered by this server: it needs a speech engine, and there is none", field, what)}
}

func unsupported(field, value string) error {
	return &call.Error{Code: call.Unsupported, Field: field,
		Message: fmt.Sprintf("%s: %s is not offered by this server", field, value)}
}

// empty answers with a status and no body, as the storage of recordings does.
func empty(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}
