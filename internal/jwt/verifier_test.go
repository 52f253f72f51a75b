package jwt_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/jwt"
	"github.com/tipring/tipring/internal/metric"
)

// provider is an OpenID issuer that a test steers. It is a RoundTripper, so that
// it works in a bubble.
type provider struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PrivateKey
	issuer  string // as its configuration says
	keysURL string
	broken  bool
	held    chan struct{} // if not nil, answers wait for it
	fetches atomic.Int32  // of keys
}

const tenant = "https://login.example.com/tenant/v2.0"

var entraKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		keys[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return keys
})

func newProvider() *provider {
	return &provider{keys: map[string]*rsa.PrivateKey{"one": entraKeys()[0]}, issuer: tenant, keysURL: "https://keys.example.com/keys"}
}

func (p *provider) set(f func(*provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w := httptest.NewRecorder()
	switch {
	case p.broken:
		return nil, errors.New("nobody there")
	case r.URL.String() == tenant+"/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.issuer, "jwks_uri": p.keysURL, "token_endpoint": tenant + "/token"})
	case r.URL.String() == p.keysURL:
		p.fetches.Add(1)
		set := jose.JSONWebKeySet{}
		for id, key := range p.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: id, Use: "sig"})
		}
		_ = json.NewEncoder(w).Encode(set)
	default:
		w.WriteHeader(404)
	}
	return w.Result(), nil
}

// made is a token by hand, so that it can be wrong in any way.
func made(header, claims map[string]any, sign func(text string) []byte) string {
	part := func(m map[string]any) string {
		text, _ := json.Marshal(m)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

func by(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return signature
	}
}

func header(more ...any) map[string]any {
	return with(map[string]any{"alg": "RS256", "typ": "JWT", "kid": "one"}, more)
}

func claims(now time.Time, more ...any) map[string]any {
	return with(map[string]any{"iss": tenant, "aud": "https://communication.azure.com", "exp": now.Add(time.Hour).Unix(), "nbf": now.Unix()}, more)
}

func with(m map[string]any, more []any) map[string]any {
	for i := 0; i < len(more); i += 2 {
		if m[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(m, more[i].(string))
		}
	}
	return m
}

func verifier(p *provider, now func() time.Time, set *metric.Set) *jwt.Verifier {
	return jwt.NewVerifier(jwt.VerifierConfig{
		Issuer: tenant, Audience: "https://communication.azure.com", Client: &http.Client{Transport: p}, Now: now, Metrics: set,
	})
}

func TestWhichTokensCount(t *testing.T) {
	now := newClock().Now()
	p := newProvider()
	v := verifier(p, func() time.Time { return now }, nil)
	good, other := by(entraKeys()[0]), by(entraKeys()[1])
	public := entraKeys()[0].PublicKey.N.Bytes()
	hs := func(text string) []byte {
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for _, c := range []struct {
		name, token string
		say         string // part of the error; empty: it counts
	}{
		{"as it should be", made(header(), claims(now), good), ""},
		{"audience with a slash", made(header(), claims(now, "aud", "https://communication.azure.com/"), good), ""},
		{"one audience of many", made(header(), claims(now, "aud", []string{"a", "https://communication.azure.com"}), good), ""},
		{"issuer with a slash", made(header(), claims(now, "iss", tenant+"/"), good), ""},
		{"over for 4 minutes", made(header(), claims(now, "exp", at(-4*time.Minute)), good), ""},
		{"over for 6 minutes", made(header(), claims(now, "exp", at(-6*time.Minute)), good), "expired"},
		{"in 4 minutes", made(header(), claims(now, "nbf", at(4*time.Minute)), good), ""},
		{"in 6 minutes", made(header(), claims(now, "nbf", at(6*time.Minute)), good), "not valid yet"},
		{"without end", made(header(), claims(now, "exp", nil), good), "exp claim is required"},
		{"another issuer", made(header(), claims(now, "iss", "https://login.example.com/other"), good), "its issuer is"},
		{"no issuer", made(header(), claims(now, "iss", nil), good), "its issuer is"},
		{"another audience", made(header(), claims(now, "aud", "https://graph.example.com"), good), "its audience is"},
		{"no audience", made(header(), claims(now, "aud", nil), good), "its audience is"},
		{"another's signature", made(header(), claims(now), other), "signature is invalid"},
		{"no signature", made(header(), claims(now), func(string) []byte { return nil }), "signature is invalid"},
		{"alg none", made(header("alg", "none"), claims(now), func(string) []byte { return nil }), "signing method none is invalid"},
		{"alg None", made(header("alg", "None"), claims(now), func(string) []byte { return nil }), "unavailable"},
		{"HMAC with the public key", made(header("alg", "HS256"), claims(now), hs), "signing method HS256 is invalid"},
		{"RS512", made(header("alg", "RS512"), claims(now), good), "signing method RS512 is invalid"},
		{"unknown key", made(header("kid", "two"), claims(now), good), "a key that the issuer does not publish"},
		{"no key", made(header("kid", nil), claims(now), good), "a key that the issuer does not publish"},
		{"its own key", made(header("kid", nil, "jwk", map[string]any{"kty": "RSA"}), claims(now), other), "a key that the issuer does not publish"},
		{"critical header", made(header("crit", []string{"b64"}, "b64", false), claims(now), good), "critical"},
		{"nothing", "", "malformed"},
		{"two parts", "a.b", "malformed"},
		{"too long", strings.Repeat("a", 33<<10), "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := v.Verify(t.Context(), c.token)
			switch {
			case c.say == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.say != "" && (!errors.Is(err, jwt.ErrToken) || !strings.Contains(err.Error(), c.say)):
				t.Errorf("%v does not say %q", err, c.say)
			}
		})
	}
}

// TestAnIssuersKeysAreFetchedSeldom: once, each hour, and for a key that is not
// known; but never more often than a bound, whatever tokens come.
func TestAnIssuersKeysAreFetchedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, set := newProvider(), &metric.Set{}
		v := verifier(p, nil, set)
		token := func(id string, key int) string {
			return made(header("kid", id), claims(time.Now()), by(entraKeys()[key]))
		}
		check := func(id string, key int, ok bool, fetches int32) {
			t.Helper()
			if err := v.Verify(t.Context(), token(id, key)); (err == nil) != ok {
				t.Errorf("key %s: %v", id, err)
			}
			if n := p.fetches.Load(); n != fetches {
				t.Errorf("fetched %d times, want %d", n, fetches)
			}
		}
		for range 3 {
			check("one", 0, true, 1)
		}
		p.set(func(p *provider) { p.keys["two"] = entraKeys()[1] })
		check("two", 1, false, 1) // too soon
		<-time.After(31 * time.Second)
		check("two", 1, true, 2)
		for range 100 {
			check("three", 1, false, 2)
		}
		<-time.After(31 * time.Second)
		for range 100 {
			check("three", 1, false, 3)
		}
		p.set(func(p *provider) { delete(p.keys, "one") })
		<-time.After(59 * time.Minute)
		check("one", 0, true, 3)
		<-time.After(time.Minute)
		check("one", 0, false, 4) // withdrawn
		check("two", 1, true, 4)
	})
}

// TestAnIssuerThatIsDown: what is known counts for a day; without it nothing
// can be said of a token.
func TestAnIssuerThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, set := newProvider(), &metric.Set{}
		p.broken = true
		v := verifier(p, nil, set)
		verify := func() error { return v.Verify(t.Context(), made(header(), claims(time.Now()), by(entraKeys()[0]))) }
		for range 10 {
			if err := verify(); !errors.Is(err, jwt.ErrNoIssuer) {
				t.Fatal(err)
			}
		}
		failed := set.Counter("jwt_fetches_total", "result", "failed", "")
		if n := failed.Value(); n != 1 {
			t.Errorf("%d attempts", n)
		}
		p.set(func(p *provider) { p.broken = false })
		<-time.After(6 * time.Second)
		if err := verify(); err != nil {
			t.Error(err)
		}
		p.set(func(p *provider) { p.broken = true })
		<-time.After(23 * time.Hour)
		if err := verify(); err != nil {
			t.Errorf("after 23 hours: %v", err)
		}
		<-time.After(2 * time.Hour)
		if err := verify(); !errors.Is(err, jwt.ErrNoIssuer) {
			t.Errorf("after 25 hours: %v", err)
		}
	})
}

// TestNobodyWaitsForAFetchInVain: a stranger's token has the keys fetched, from
// an issuer that hangs; those whose key is known pass meanwhile.
func TestNobodyWaitsForAFetchInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		v := verifier(p, nil, nil)
		good := made(header(), claims(time.Now()), by(entraKeys()[0]))
		if err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		<-time.After(31 * time.Second)
		p.set(func(p *provider) { p.held = make(chan struct{}) })
		var all sync.WaitGroup
		all.Go(func() {
			_ = v.Verify(t.Context(), made(header("kid", "x"), claims(time.Now()), by(entraKeys()[0])))
		})
		synctest.Wait()
		began := time.Now()
		if err := v.Verify(t.Context(), good); err != nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := v.Verify(gone, made(header("kid", "y"), claims(time.Now()), by(entraKeys()[0]))); err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(p.held)
		all.Wait()
	})
}

func TestDocumentsThatAreNoGood(t *testing.T) {
	for name, spoil := range map[string]func(*provider){
		"another issuer":     func(p *provider) { p.issuer = "https://login.example.com/other" },
		"keys in the clear":  func(p *provider) { p.keysURL = "http://keys.example.com/keys" },
		"keys from a file":   func(p *provider) { p.keysURL = "file:///etc/passwd" },
		"no address of keys": func(p *provider) { p.keysURL = "" },
		"no keys":            func(p *provider) { p.keys = nil },
		"a short key": func(p *provider) {
			short, _ := rsa.GenerateKey(rand.Reader, 1024)
			p.keys = map[string]*rsa.PrivateKey{"one": short}
		},
	} {
		p := newProvider()
		spoil(p)
		now := newClock().Now()
		err := verifier(p, func() time.Time { return now }, nil).Verify(t.Context(), made(header(), claims(now), by(entraKeys()[0])))
		if !errors.Is(err, jwt.ErrNoIssuer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnEndlessDocument is not read to its end.
func TestAnEndlessDocument(t *testing.T) {
	defer goleak.VerifyNone(t)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := fmt.Fprint(w, strings.Repeat(" ", 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	defer endless.Client().CloseIdleConnections()
	v := jwt.NewVerifier(jwt.VerifierConfig{Issuer: endless.URL, Audience: "a", Client: endless.Client()})
	if err := v.Verify(t.Context(), "a.b.c"); !errors.Is(err, jwt.ErrNoIssuer) || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://a","jwks_uri":"https://a/keys"}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","use":"sig","kid":"1","n":"AQAB","e":"AQAB"},{"kty":"EC"},null]}`))
	f.Fuzz(func(_ *testing.T, text []byte) { jwt.ParseDocuments(text) })
}

func FuzzVerify(f *testing.F) {
	now := newClock().Now()
	p := newProvider()
	v := verifier(p, func() time.Time { return now }, nil)
	good := made(header(), claims(now), by(entraKeys()[0]))
	if err := v.Verify(f.Context(), good); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(made(header("alg", "none"), claims(now), func(string) []byte { return nil }))
	f.Fuzz(func(t *testing.T, token string) {
		if err := v.Verify(t.Context(), token); err == nil && strings.NewReplacer("\r", "", "\n", "").Replace(token) != good {
			t.Fatalf("%q counts", token)
		}
	})
}
