package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/jwt"
)

// maxBody is how many bytes a request may have.
const maxBody = 1 << 20

// signed lets a request pass that is signed with an access key, or has a bearer
// token that counts, and leaves its body in memory.
func (a *api) signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bad, err := a.check(w, r, targets(r.RequestURI), hosts(r.Host))
		switch {
		case err != nil:
			a.refuse(w, r, err)
		case bad != nil:
			a.Log.Info("API request not authorized", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "reason", bad.message)
			errorReply(http.StatusUnauthorized, bad.spell()).write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// signedObject is signed for the files of recordings: a client may sign the path
// without its query, and signs the host of its endpoint, which it names in
// x-ms-host; a refusal has no body.
func (a *api) signedObject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths := targets(r.RequestURI)
		if path, _, found := strings.Cut(paths[0], "?"); found {
			paths = append(paths, path)
		}
		names := hosts(r.Host)
		if endpoint := r.Header.Get("X-Ms-Host"); endpoint != "" {
			names = append(names, a.endpoints(endpoint, r.Host)...)
		}
		bad, err := a.check(w, r, paths, names)
		switch {
		case errors.Is(err, errTooLarge):
			a.count("too large")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case errors.Is(err, jwt.ErrNoIssuer):
			refusal := a.failure(r, err)
			refusal.body = nil
			refusal.write(w)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		case bad != nil:
			a.Log.Info("download not authorized", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "reason", bad.message)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// check reads the body and finds out whether the request may pass. An error
// says that this cannot be known.
func (a *api) check(w http.ResponseWriter, r *http.Request, targets, names []string) (*fault, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return nil, errTooLarge
		}
		return nil, fmt.Errorf("read the body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	bad := once(r.Header)
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case bad != nil:
	case strings.EqualFold(scheme, "Bearer"):
		bad, err = a.borne(r, strings.TrimSpace(token))
	default:
		bad = verify(claims{
			method:        r.Method,
			targets:       targets,
			hosts:         names,
			date:          r.Header.Get("X-Ms-Date"),
			contentHash:   r.Header.Get("X-Ms-Content-Sha256"),
			authorization: r.Header.Get("Authorization"),
			body:          body,
		}, a.Keys, a.Now())
	}
	if bad != nil {
		a.count("auth: " + bad.reason)
	}
	return bad, err
}

// once refuses headers of which there are two: one might be checked, and the
// other used by somebody between us and the client.
func once(h http.Header) *fault {
	for _, name := range []string{"Authorization", "X-Ms-Date", "X-Ms-Content-Sha256", "X-Ms-Host"} {
		if len(h.Values(name)) > 1 {
			return &fault{reason: "malformed", message: "the header " + name + " is there more than once"}
		}
	}
	return nil
}

// borne checks a bearer token.
func (a *api) borne(r *http.Request, token string) (*fault, error) {
	if a.Bearer == nil {
		return &fault{reason: "bearer", message: "bearer tokens are not accepted by this server: it has no --entra-issuer", bearer: true}, nil
	}
	err := a.Bearer(r.Context(), token)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, jwt.ErrNoIssuer):
		return nil, err
	}
	return &fault{reason: "bearer", message: err.Error(), bearer: true}, nil
}

// spell is the body of a refusal.
func (f fault) spell() acs.Error {
	e := acs.Error{Code: acs.CodeUnauthorized, Message: acs.MessageUnauthorized}
	if f.bearer {
		e = acs.Error{Code: acs.CodeDenied, Message: acs.MessageDenied}
	}
	e.InnerError = &acs.Error{Code: e.Code, Message: f.message}
	return e
}
