package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"

	"github.com/go-chi/chi/v5"

	"github.com/tipring/tipring/internal/call"
)

// An exchange is one request on its way through an operation.
type exchange struct {
	request *http.Request
	body    []byte
	chain   string // correlation id of the call, once known
}

// param is a part of the path, unescaped.
func (x *exchange) param(name string) string {
	value := chi.URLParam(x.request, name)
	if x.request.URL.RawPath == "" {
		return value // the router saw the unescaped path
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// An operation does what a request asks. It gives the status of success and
// the value of the body, nil for none.
type operation func(ctx context.Context, x *exchange) (status int, body any, err error)

// do makes a handler of an operation.
func (a *api) do(name string, op operation) http.HandlerFunc { return a.handle(name, op, false) }

// doOnce is do for an operation that would act again after a restart: it calls
// somebody. The others need something that a restart ends.
func (a *api) doOnce(name string, op operation) http.HandlerFunc { return a.handle(name, op, true) }

func (a *api) handle(name string, op operation, begun bool) http.HandlerFunc {
	total := a.Metrics.Counter("api_requests_total", "operation", name, "API requests that were signed, by operation")
	return func(w http.ResponseWriter, r *http.Request) {
		total.Add(1)
		body, err := io.ReadAll(r.Body) // in memory since the signature was checked
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), commandTimeout)
		defer cancel()
		run := func() reply { return a.run(ctx, op, &exchange{request: r, body: body}) }

		id := r.Header.Get("Repeatability-Request-ID")
		if id == "" || r.Method != http.MethodPost {
			run().write(w)
			return
		}
		key := r.Method + " " + r.URL.EscapedPath() + " " + id
		answer, err := a.seen.once(ctx, key, sha256.Sum256(body), begun, run)
		if err != nil {
			w.Header().Set("Repeatability-Result", "rejected")
			a.refuse(w, r, err)
			return
		}
		w.Header().Set("Repeatability-Result", "accepted")
		answer.write(w)
	}
}

func (a *api) run(ctx context.Context, op operation, x *exchange) reply {
	status, body, err := op(ctx, x)
	if err != nil {
		answer := a.failure(x.request, err)
		answer.chain = x.chain
		return answer
	}
	answer := reply{status: status, chain: x.chain}
	if body != nil {
		if answer.body, err = json.Marshal(body); err != nil {
			return a.failure(x.request, fmt.Errorf("encode the answer: %w", err))
		}
	}
	return answer
}

// A reply is an answer, ready to be written, and written again.
type reply struct {
	status int
	body   []byte // JSON, or empty
	chain  string
	later  bool // with Retry-After
}

func (p reply) write(w http.ResponseWriter) {
	h := w.Header()
	if p.chain != "" {
		h.Set("X-Microsoft-Skype-Chain-ID", p.chain)
	}
	if p.later {
		h.Set("Retry-After", "1")
	}
	if len(p.body) > 0 {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(p.status)
	_, _ = io.Copy(w, bytes.NewReader(p.body)) // whoever asked is gone if it fails
}

// echo gives the client its request id back.
func (a *api) echo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Ms-Client-Request-Id"); id != "" && len(id) <= 256 {
			w.Header().Set("X-Ms-Client-Request-Id", id)
		}
		next.ServeHTTP(w, r)
	})
}

// survive answers 500 when an operation panics, and says where in the log.
func (a *api) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			if err, ok := what.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(what)
			}
			a.Log.Error("API request panicked", "method", r.Method, "path", r.URL.Path, "panic", what, "stack", string(debug.Stack()))
			a.count("panic")
			a.failure(r, call.Errorf(call.Internal, "the server made a mistake")).write(w)
		}()
		next.ServeHTTP(w, r)
	})
}
