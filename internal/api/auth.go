package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/tipring/tipring/internal/acs"
)

// maxBody is how many bytes a request may have.
const maxBody = 1 << 20

// signed lets a request pass whose signature is right, and leaves its body in
// memory.
func (a *api) signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bad, err := a.check(w, r, []string{r.RequestURI}, hosts(r.Host))
		switch {
		case err != nil:
			a.refuse(w, r, err)
		case bad != nil:
			a.Log.Info("API request not authorized", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "reason", bad.message)
			errorReply(http.StatusUnauthorized, acs.Error{
				Code: acs.CodeUnauthorized, Message: acs.MessageUnauthorized,
				InnerError: &acs.Error{Code: acs.CodeUnauthorized, Message: bad.message},
			}).write(w)
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
		targets := []string{r.RequestURI}
		if path, _, found := strings.Cut(r.RequestURI, "?"); found {
			targets = append(targets, path)
		}
		names := hosts(r.Host)
		if endpoint := r.Header.Get("X-Ms-Host"); endpoint != "" {
			names = append(names, a.endpoints(endpoint, r.Host)...)
		}
		bad, err := a.check(w, r, targets, names)
		switch {
		case errors.Is(err, errTooLarge):
			a.count("too large")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
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

// check reads the body and verifies the signature.
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
	bad := verify(claims{
		method:        r.Method,
		targets:       targets,
		hosts:         names,
		date:          r.Header.Get("X-Ms-Date"),
		contentHash:   r.Header.Get("X-Ms-Content-Sha256"),
		authorization: r.Header.Get("Authorization"),
		body:          body,
	}, a.Keys, a.Now())
	if bad != nil {
		a.count("auth: " + bad.reason)
	}
	return bad, nil
}

// endpoints are the spellings of the endpoint that x-ms-host names. Python's
// client names it there without the port that it signs: that is the port of the
// request, or of another of our listeners.
func (a *api) endpoints(named, host string) []string {
	names := hosts(named)
	name := strings.TrimSuffix(named, "/")
	if _, _, err := net.SplitHostPort(name); err == nil {
		return names
	}
	ports := a.Ports
	if _, port, err := net.SplitHostPort(host); err == nil {
		ports = append([]string{port}, ports...)
	}
	name = strings.Trim(name, "[]") // of an IPv6 address
	for _, port := range ports {
		names = append(names, hosts(net.JoinHostPort(name, port))...)
	}
	return names
}

// hosts are the spellings of a host that clients sign: one of them takes it
// from the text of the endpoint, which may end in a slash.
func hosts(host string) []string {
	host = strings.TrimSuffix(host, "/")
	return []string{host, host + "/"}
}
