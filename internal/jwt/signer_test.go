package jwt_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/jwt"
	"github.com/tipring/tipring/internal/metric"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuer   = "https://calls.example.com"
	audience = "5e6f1d3c-0000-4000-8000-000000000001"
	day      = 24 * time.Hour
)

// clock is a wall clock that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open makes a signer on the keys of dir.
func open(t testing.TB, dir string, c *clock, change ...func(*jwt.Config)) *jwt.Signer {
	t.Helper()
	config := jwt.Config{Dir: dir, Issuer: issuer, KeysURL: issuer + "/calling/keys", Now: c.Now}
	for _, f := range change {
		f(&config)
	}
	s, err := jwt.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t testing.TB, s *jwt.Signer, life time.Duration) string {
	t.Helper()
	token, err := s.Sign(audience, life)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// served fetches what a signer publishes.
func served(t testing.TB, s *jwt.Signer) (configuration map[string]any, keys jose.JSONWebKeySet, cache string) {
	t.Helper()
	for _, d := range []struct {
		path string
		into any
	}{{"/calling/.well-known/acsopenidconfiguration", &configuration}, {"/calling/keys", &keys}} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", d.path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), d.into); err != nil || w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Fatalf("%s: %d %v: %s", d.path, w.Code, err, w.Body)
		}
		cache = w.Header().Get("Cache-Control")
	}
	return configuration, keys, cache
}

// verified has another library check a token against the published keys.
func verified(t testing.TB, s *jwt.Signer, token string, now time.Time) (claims josejwt.Claims, err error) {
	t.Helper()
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	_, keys, _ := served(t, s)
	if err := parsed.Claims(keys, &claims); err != nil {
		return claims, err
	}
	return claims, claims.ValidateWithLeeway(josejwt.Expected{Issuer: issuer, AnyAudience: josejwt.Audience{audience}, Time: now}, 0)
}

func kid(t testing.TB, token string) string {
	t.Helper()
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Headers[0].KeyID
}

func TestAnotherLibraryVerifiesOurTokens(t *testing.T) {
	c := newClock()
	s := open(t, t.TempDir(), c)
	for _, life := range []time.Duration{jwt.CallbackLife, jwt.HandshakeLife} {
		claims, err := verified(t, s, sign(t, s, life), c.Now())
		if err != nil {
			t.Fatalf("%v: %v", life, err)
		}
		if got := claims.Expiry.Time().Sub(claims.IssuedAt.Time()); got != life {
			t.Errorf("a token of %v lives %v", life, got)
		}
		if !claims.IssuedAt.Time().Equal(c.Now()) || claims.NotBefore.Time().After(c.Now()) {
			t.Errorf("made %v, counts from %v", claims.IssuedAt.Time(), claims.NotBefore.Time())
		}
		claims.IssuedAt = nil // this library wants it to be past, whatever nbf says
		for at, ok := range map[time.Duration]bool{life - time.Second: true, life + time.Second: false, -time.Minute: true, -2 * time.Minute: false} {
			if err := claims.ValidateWithLeeway(josejwt.Expected{Time: c.Now().Add(at)}, 0); (err == nil) != ok {
				t.Errorf("%v after its making: %v", at, err)
			}
		}
	}
	token := sign(t, s, jwt.CallbackLife)
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(decode(t, payload), audience, "somebody else", 1)))
	if _, err := verified(t, s, head+"."+forged+"."+signature, c.Now()); err == nil {
		t.Error("a forged token was verified")
	}
	if other := open(t, t.TempDir(), c); kid(t, sign(t, other, jwt.CallbackLife)) == kid(t, token) {
		t.Error("two folders have the same key")
	} else if _, err := verified(t, s, sign(t, other, jwt.CallbackLife), c.Now()); err == nil {
		t.Error("another server's token was verified")
	}
}

func decode(t *testing.T, part string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheConfigurationNamesTheKeys(t *testing.T) {
	s := open(t, t.TempDir(), newClock())
	configuration, keys, cache := served(t, s)
	if configuration["issuer"] != issuer || configuration["jwks_uri"] != issuer+"/calling/keys" || fmt.Sprint(configuration["id_token_signing_alg_values_supported"]) != "[RS256]" {
		t.Errorf("%v", configuration)
	}
	if cache != "public, max-age=3600" {
		t.Errorf("Cache-Control: %s", cache)
	}
	if len(keys.Keys) != 1 {
		t.Fatalf("%d keys", len(keys.Keys))
	}
	k := keys.Keys[0]
	if !k.IsPublic() || !k.Valid() || k.Algorithm != "RS256" || k.Use != "sig" || k.KeyID != kid(t, sign(t, s, jwt.CallbackLife)) {
		t.Errorf("%+v", k)
	}
}

func TestATokenIsGivenAgainForAMinute(t *testing.T) {
	c, set := newClock(), &metric.Set{}
	s := open(t, t.TempDir(), c, func(config *jwt.Config) { config.Metrics = set })
	first := sign(t, s, jwt.CallbackLife)
	c.add(59 * time.Second)
	if sign(t, s, jwt.CallbackLife) != first {
		t.Error("another token after 59 s")
	}
	if sign(t, s, jwt.HandshakeLife) == first {
		t.Error("handshakes have the token of callbacks")
	}
	if other, _ := s.Sign("somebody else", jwt.CallbackLife); other == first {
		t.Error("two audiences have the same token")
	}
	c.add(time.Second)
	second := sign(t, s, jwt.CallbackLife)
	if second == first {
		t.Error("the same token after a minute")
	}
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		c.add(jump)
		token := sign(t, s, jwt.CallbackLife)
		if _, err := verified(t, s, token, c.Now()); err != nil || token == second {
			t.Errorf("after a jump of %v: %v", jump, err)
		}
		second = token
	}
	if made, again := set.Counter("jwt_signatures_total", "", "", "").Value(), set.Counter("jwt_reused_total", "", "", "").Value(); made != 6 || again != 1 {
		t.Errorf("%d signatures, %d given again", made, again)
	}
	s = open(t, t.TempDir(), c, func(config *jwt.Config) { config.Rotate = 20 * time.Second }) // the next key signs in 20 s
	first = sign(t, s, jwt.CallbackLife)
	c.add(11 * time.Second)
	synctest.Test(t, func(t *testing.T) { turn(t, s) })
	c.add(10 * time.Second)
	if second = sign(t, s, jwt.CallbackLife); kid(t, second) == kid(t, first) {
		t.Error("a key that was replaced still has its token given")
	}
	set = &metric.Set{}
	never := open(t, t.TempDir(), c, func(config *jwt.Config) { config.Reuse, config.Metrics = -1, set })
	sign(t, never, jwt.CallbackLife)
	sign(t, never, jwt.CallbackLife)
	if made := set.Counter("jwt_signatures_total", "", "", "").Value(); made != 2 {
		t.Errorf("%d signatures: without reuse each token has its own", made)
	}
}

// TestManyAtOnceShareASignature: the sound path must not meet a crowd of them.
func TestManyAtOnceShareASignature(t *testing.T) {
	set := &metric.Set{}
	s := open(t, t.TempDir(), newClock(), func(config *jwt.Config) { config.Metrics = set })
	var all sync.WaitGroup
	tokens := make([]string, 100)
	for i := range tokens {
		all.Go(func() { tokens[i], _ = s.Sign(audience, jwt.CallbackLife) })
	}
	all.Wait()
	for _, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Fatal("not all have the same token")
		}
	}
	if n := set.Counter("jwt_signatures_total", "", "", "").Value(); n != 1 {
		t.Errorf("%d signatures", n)
	}
}
