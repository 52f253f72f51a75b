package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/jwt"
)

const prefix = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="

// The signatures of these requests were computed by another implementation.
func TestSignaturesOfOthersFit(t *testing.T) {
	const empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, c := range []struct {
		name, method, target, host, endpoint, body, hash, signature string
		status                                                      int
	}{
		{"with a body", "POST", "/calling/callConnections/conn-1:play?api-version=2026-03-12", host, "",
			`{"playSources":[{"kind":"file","file":{"uri":"http://localhost/a.wav"}}]}`,
			"CPdlYhlq191nHsEnucM2aAj/enIcafnI3SOj+nxBFzw=", "xTLZ3fkcFpKbmh+WMcuiGZjdOTzkhbQwQYCNLpQNa30=", 202},
		{"percent-encoded path", "GET", "/calling/callConnections/conn-1/participants/4%3A%2B14255550123?api-version=2026-03-12", host, "",
			"", empty, "sTLauvI44fg5o21vcV4Byr87b1xaK7E3uYnkZaY9nGM=", 200},
		{"host signed with a slash", "GET", "/calling/callConnections/conn-1?api-version=2026-03-12", host, "",
			"", empty, "ovRAFfRFY02YfaxY9aXJCg4lBecTCNY+eo4IWUk2ALY=", 200},
		{"download by another name", "GET", "/v1/objects/doc-1/content/acsrecording", "us-storage.asm.skype.com:28443", host,
			"", empty, "8Z6tFB8DZ519k1iQQG7veEGdfihUOgPZmTpI+CuSKGU=", 200},
		{"download with a query", "GET", "/v1/objects/doc-1/content/acsrecording?x=1", "us-storage.asm.skype.com:28443", host,
			"", empty, "8Z6tFB8DZ519k1iQQG7veEGdfihUOgPZmTpI+CuSKGU=", 200},
		{"x-ms-host does not count elsewhere", "GET", "/calling/callConnections/conn-1?api-version=2026-03-12", "other:1", host,
			"", empty, "ovRAFfRFY02YfaxY9aXJCg4lBecTCNY+eo4IWUk2ALY=", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Host = c.host
			r.Header.Set("x-ms-date", "Sun, 22 Nov 2026 07:59:50 GMT")
			r.Header.Set("x-ms-content-sha256", c.hash)
			r.Header.Set("authorization", prefix+c.signature)
			if c.endpoint != "" {
				r.Header.Set("x-ms-host", c.endpoint)
			}
			if w := newServer().do(r); w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
		})
	}
}

func TestWhoIsNotSignedIsRefused(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	add := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) }
	}
	shifted := func(by time.Duration) func(*http.Request) {
		return func(r *http.Request) {
			defer func(was time.Time) { now = was }(now)
			now = now.Add(by)
			signWith(r, key, r.RequestURI, host, "")
		}
	}
	for name, c := range map[string]struct {
		spoil  func(*http.Request)
		reason string // of the counter; empty: it passes
	}{
		"as it should be":     {func(*http.Request) {}, ""},
		"no header":           {func(r *http.Request) { r.Header.Del("authorization") }, "missing"},
		"another scheme":      {set("authorization", "Basic YTpi"), "scheme"},
		"two signatures":      {add("authorization"), "malformed"},
		"two dates":           {add("x-ms-date"), "malformed"},
		"two hashes":          {add("x-ms-content-sha256"), "malformed"},
		"two endpoints":       {func(r *http.Request) { r.Header["X-Ms-Host"] = []string{host, "evil:1"} }, "malformed"},
		"short":               {set("authorization", "HMAC"), "scheme"},
		"no signature":        {set("authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"), "malformed"},
		"not base64":          {set("authorization", prefix+"???"), "malformed"},
		"half a signature":    {set("authorization", prefix+"AAAA"), "malformed"},
		"other headers":       {set("authorization", "HMAC-SHA256 SignedHeaders=host&Signature=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "malformed"},
		"another's signature": {set("authorization", prefix+"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "signature"},
		"another key":         {func(r *http.Request) { signWith(r, []byte("other"), r.RequestURI, host, "") }, "signature"},
		"no date":             {func(r *http.Request) { r.Header.Del("x-ms-date") }, "date"},
		"nonsense for a date": {set("x-ms-date", "tomorrow"), "date"},
		"14 minutes late":     {shifted(-14 * time.Minute), ""},
		"15 minutes late":     {shifted(-15 * time.Minute), ""},
		"15 minutes early":    {shifted(15 * time.Minute), ""},
		"a second too late":   {shifted(-15*time.Minute - time.Second), "date"},
		"16 minutes late":     {shifted(-16 * time.Minute), "date"},
		"16 minutes early":    {shifted(16 * time.Minute), "date"},
		"no hash":             {func(r *http.Request) { r.Header.Del("x-ms-content-sha256") }, "body hash"},
		"another body's hash": {set("x-ms-content-sha256", "CPdlYhlq191nHsEnucM2aAj/enIcafnI3SOj+nxBFzw="), "body hash"},
		"another host":        {func(r *http.Request) { r.Host = "evil:1" }, "signature"},
		"another method":      {func(r *http.Request) { r.Method = http.MethodDelete }, "signature"},
		"another path":        {func(r *http.Request) { r.RequestURI = "/calling/callConnections/conn-2" }, "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, target := range []string{"/calling/callConnections/conn-1", "/v1/objects/doc-1/content/audio"} {
				s := newServer()
				w := s.do(signed(http.MethodGet, target, "", c.spoil))
				if c.reason == "" {
					if w.Code != http.StatusOK {
						t.Errorf("%s: status %d: %s", target, w.Code, w.Body)
					}
					continue
				}
				if w.Code != http.StatusUnauthorized {
					t.Fatalf("%s: status %d, want 401", target, w.Code)
				}
				if n := s.set.Counter("api_refused_total", "reason", "auth: "+c.reason, "").Value(); n != 1 {
					t.Errorf("%s: the reason %q was not counted: %v", target, c.reason, s.set.Read())
				}
				if strings.HasPrefix(target, "/v1/") {
					if w.Body.Len() > 0 {
						t.Errorf("a refused download has a body: %s", w.Body)
					}
				} else if e := problem(t, w); e.Code != "7509" || e.Message != "HMAC-SHA256 validation failed" || e.InnerError.Message == "" {
					t.Errorf("%+v", e)
				}
				if len(s.calls.asked) > 0 {
					t.Error("it was carried out")
				}
			}
		})
	}
}

// TestSpellingsOfTheHost: what a client signs is not always what it sends. The
// first names are those of the policies of Microsoft's clients.
func TestSpellingsOfTheHost(t *testing.T) {
	for _, c := range []struct {
		name, sent, signed string
		status             int
	}{
		{"JavaScript: the URL's host", "localhost:8443", "localhost:8443", 200},
		{"Python: the text of the endpoint", "localhost:8443", "localhost:8443/", 200},
		{"Python, the usual port in it", "calls.example.com", "calls.example.com:443/", 200},
		{"Python, over HTTP", "calls.example.com", "calls.example.com:80", 200},
		{".NET: Uri.Authority", "calls.example.com", "calls.example.com", 200},
		{".NET, the port sent by a proxy", "calls.example.com:443", "calls.example.com", 200},
		{"Java: host and port of the URL", "Calls.Example.com:8443", "Calls.Example.com:8443", 200},
		{"in small letters", "Calls.Example.com", "calls.example.com", 200},
		{"IPv6", "[::1]:8443", "[::1]:8443", 200},
		{"IPv6, the usual port left out", "[::1]:443", "[::1]", 200},
		{"IPv6, the usual port named", "[::1]", "[::1]:443/", 200},
		{"another port", "calls.example.com:8443", "calls.example.com", 401},
		{"another unusual port", "calls.example.com", "calls.example.com:8443", 401},
		{"another host", "calls.example.com", "calls.example.org", 401},
		{"part of the host", "calls.example.com", "calls.example", 401},
		{"two slashes", "localhost:8443", "localhost:8443//", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/calling/callConnections/conn-1", nil)
			r.Host = c.sent
			signWith(r, key, r.RequestURI, c.signed, "")
			if w := newServer().do(r); w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
		})
	}
}

// TestSpellingsOfTheTarget: JavaScript's client signs the query as its URL class
// writes it, whatever it sends.
func TestSpellingsOfTheTarget(t *testing.T) {
	const path = "/calling/callConnections/conn-1/participants"
	for _, c := range []struct {
		sent, signed string
		status       int
	}{
		{path + "?a=x%20y~&b=%2a%2F", path + "?a=x%20y~&b=%2a%2F", 200},
		{path + "?a=x%20y~&b=%2a%2F", path + "?a=x+y%7E&b=*%2F", 200},
		{path + "?a&&b=%C3%BC", path + "?a=&b=%C3%BC", 200},
		{path + "?a=x+y", path + "?a=x y", 401},
		{path + "?a=1&b=2", path + "?b=2&a=1", 401},
		{path + "?a=1", path, 401},
		{path, path + "?", 401},
		{"http://" + host + path + "?a=1", path + "?a=1", 200},
		{"http://" + host + path + "?a=1", "http://" + host + path + "?a=1", 401},
	} {
		r := httptest.NewRequest(http.MethodGet, c.sent, nil)
		r.Host = host
		signWith(r, key, c.signed, host, "")
		if w := newServer().do(r); w.Code != c.status {
			t.Errorf("%s signed as %s: status %d, want %d", c.sent, c.signed, w.Code, c.status)
		}
	}
}

// TestBearerTokens: they count where somebody checks them, and there alone.
func TestBearerTokens(t *testing.T) {
	check := func(_ context.Context, token string) error {
		switch token {
		case "good":
			return nil
		case "unknown":
			return fmt.Errorf("%w: the issuer is down", jwt.ErrNoIssuer)
		}
		return fmt.Errorf("%w: it is over", jwt.ErrToken)
	}
	for _, c := range []struct {
		authorization string
		bearer        func(context.Context, string) error
		status        int
		code          string
	}{
		{"Bearer good", check, 200, ""},
		{"bearer  good", check, 200, ""},
		{"Bearer bad", check, 401, "Denied"},
		{"Bearer", check, 401, "Denied"},
		{"Bearer unknown", check, 503, "ServiceUnavailable"},
		{"Bearer good", nil, 401, "Denied"},
		{"Bearers good", check, 401, "7509"},
	} {
		for _, target := range []string{"/calling/callConnections/conn-1", "/v1/objects/doc-1/content/audio"} {
			a := api.New(api.Config{Calls: &fakeCalls{}, Objects: fakeObjects{}, Keys: [][]byte{key}, Bearer: c.bearer, Now: func() time.Time { return now }})
			r := httptest.NewRequest(http.MethodGet, target, nil)
			r.Header.Set("Authorization", c.authorization)
			w := httptest.NewRecorder()
			if a.ServeHTTP(w, r); w.Code != c.status {
				t.Errorf("%q: %s: status %d, want %d", c.authorization, target, w.Code, c.status)
			}
			if later := w.Header().Get("Retry-After") != ""; later != (c.status == 503) {
				t.Errorf("%q: %s: Retry-After: %v", c.authorization, target, later)
			}
			switch {
			case c.code == "":
			case strings.HasPrefix(target, "/v1/"):
				if w.Body.Len() > 0 {
					t.Errorf("a refused download has a body: %s", w.Body)
				}
			default:
				if e := problem(t, w); e.Code != c.code || c.status == 401 && (e.InnerError == nil || e.InnerError.Message == "") {
					t.Errorf("%q: %+v", c.authorization, e)
				}
			}
		}
	}
}

// TestABearersBodyIsBounded, as a signed request's is.
func TestABearersBodyIsBounded(t *testing.T) {
	s := &fakeCalls{}
	a := api.New(api.Config{Calls: s, Bearer: func(context.Context, string) error { return nil }})
	r := httptest.NewRequest(http.MethodPost, "/calling/callConnections", strings.NewReader(strings.Repeat(" ", 1<<20+1)))
	r.Header.Set("Authorization", "Bearer good")
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge || len(s.asked) > 0 {
		t.Errorf("status %d, asked %v", w.Code, s.asked)
	}
}

// TestAnybodyMayVerifyTokens: what that takes needs no signature; its
// neighbours do.
func TestAnybodyMayVerifyTokens(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	for _, c := range []struct {
		method, path string
		pages        http.Handler
		status       int
	}{
		{"GET", "/calling/.well-known/acsopenidconfiguration", pages, 200},
		{"GET", "/calling/keys", pages, 200},
		{"GET", "/calling/keys", nil, 404},
		{"POST", "/calling/keys", pages, 401},
		{"GET", "/calling/keys/x", pages, 401},
		{"GET", "/calling/.well-known/other", pages, 401},
		{"GET", "/calling/callConnections/conn-1", pages, 401},
	} {
		a := api.New(api.Config{Calls: &fakeCalls{}, Tokens: c.pages})
		w := httptest.NewRecorder()
		if a.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil)); w.Code != c.status || c.status == 200 && w.Body.String() != c.path {
			t.Errorf("%s %s: status %d, want %d: %s", c.method, c.path, w.Code, c.status, w.Body)
		}
	}
}

// TestEndpointOfADownload: what is signed is the host of the endpoint, with its
// port; x-ms-host may name it without.
func TestEndpointOfADownload(t *testing.T) {
	a := api.New(api.Config{Calls: &fakeCalls{}, Objects: fakeObjects{}, Keys: [][]byte{key}, Ports: []string{"8080", "8443"}, Now: func() time.Time { return now }})
	for _, c := range []struct {
		name, host, endpoint, signed string
		status                       int
	}{
		{"both with the port", "files.asm.skype.com:8443", "localhost:8443", "localhost:8443", 200},
		{"of the request", "files.asm.skype.com:28443", "localhost", "localhost:28443", 200},
		{"of another listener", "files.asm.skype.com:8443", "127.0.0.1", "127.0.0.1:8080", 200},
		{"of another listener, with a slash", "files.asm.skype.com:8443", "127.0.0.1", "127.0.0.1:8080/", 200},
		{"IPv6", "files.asm.skype.com:8443", "::1", "[::1]:8443", 200},
		{"IPv6 in brackets", "files.asm.skype.com:8443", "[::1]", "[::1]:8443", 200},
		{"the usual port", "files.asm.skype.com", "acs.example.com", "acs.example.com", 200},
		{"a port that is not ours", "files.asm.skype.com:8443", "localhost", "localhost:9", 401},
		{"another port than the one named", "files.asm.skype.com:8443", "localhost:8443", "localhost:8080", 401},
		{"another host", "files.asm.skype.com:8443", "localhost", "other:8443", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v1/objects/doc-1/content/acsrecording", nil)
			r.Host = c.host
			signWith(r, key, r.RequestURI, c.signed, "")
			r.Header.Set("x-ms-host", c.endpoint)
			w := httptest.NewRecorder()
			if a.ServeHTTP(w, r); w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
		})
	}
}

func TestTwoKeysAndNone(t *testing.T) {
	two := api.New(api.Config{Calls: &fakeCalls{}, Keys: [][]byte{[]byte("old"), key}, Now: func() time.Time { return now }})
	w := httptest.NewRecorder()
	two.ServeHTTP(w, signed(http.MethodGet, "/calling/callConnections/conn-1", ""))
	if w.Code != http.StatusOK {
		t.Errorf("the second key: %d", w.Code)
	}
	none := api.New(api.Config{Calls: &fakeCalls{}, Now: func() time.Time { return now }})
	w = httptest.NewRecorder()
	none.ServeHTTP(w, signed(http.MethodGet, "/calling/callConnections/conn-1", ""))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("without keys: %d", w.Code)
	}
}
