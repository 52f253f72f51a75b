package jwt_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
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

// TestKeysRotate: the coming key is published a day before it signs, and the
// old one until its last token is over, whatever restarts in between.
func TestKeysRotate(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dir, c := t.TempDir(), newClock()
			began := c.Now()
			s := open(t, dir, c)
			first := kid(t, sign(t, s, jwt.CallbackLife))
			look := func() (signing string, published []string) {
				if restarts {
					s = open(t, dir, c)
				} else {
					turn(t, s)
				}
				_, keys, _ := served(t, s)
				for _, k := range keys.Keys {
					published = append(published, k.KeyID)
				}
				return kid(t, sign(t, s, jwt.HandshakeLife)), published
			}
			var second string
			for _, step := range []struct {
				at        time.Duration
				published int
				first     bool // signs
			}{
				{0, 1, true}, {29*day - time.Minute, 1, true}, {29 * day, 2, true}, {30*day - time.Minute, 2, true},
				{30 * day, 2, false}, {31*day + 2*time.Hour, 2, false}, {31*day + 2*time.Hour + time.Minute, 1, false}, {59 * day, 2, false},
			} {
				c.add(began.Add(step.at).Sub(c.Now()))
				signing, published := look()
				if len(published) != step.published || (signing == first) != step.first {
					t.Errorf("restarts %v: after %v: %d keys, the first signs: %v", restarts, step.at, len(published), signing == first)
				}
				if step.at == 30*day {
					second = signing
				}
				if step.at == 59*day && signing != second {
					t.Errorf("after %v another key signs", step.at)
				}
			}
		})
	}
}

// turn has a signer look at its schedule once.
func turn(t *testing.T, s *jwt.Signer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second) // of the bubble
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestEveryTokenIsVerifiedAcrossRotations: at any moment of its life, with the
// keys as they are cached for as long as they may be, while the clock jumps.
func TestEveryTokenIsVerifiedAcrossRotations(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	type alive struct {
		token string
		until time.Time
	}
	var tokens []alive
	var cached jose.JSONWebKeySet
	var fetched time.Time
	steps := 0
	jumps := map[int]time.Duration{20: time.Hour, 40: -time.Hour, 61: -time.Hour, 80: time.Hour}
	for range 110 {
		steps++
		c.add(time.Hour + jumps[steps])
		s := open(t, dir, c, func(config *jwt.Config) { config.Rotate = 36 * time.Hour })
		now := c.Now()
		_, keys, _ := served(t, s)
		if now.Sub(fetched).Abs() > time.Hour { // as long as Cache-Control says
			cached, fetched = keys, now
		}
		token := sign(t, s, jwt.HandshakeLife)
		if len(cached.Key(kid(t, token))) == 0 {
			t.Fatalf("step %d: a key signs that whoever has cached the keys does not know", steps)
		}
		tokens = append(tokens, alive{token, now.Add(jwt.HandshakeLife)})
		for _, a := range tokens {
			if now.Before(a.until) {
				if _, err := verified(t, s, a.token, now); err != nil {
					t.Fatalf("step %d: a token until %v: %v", steps, a.until, err)
				}
			}
		}
		if n := len(keys.Keys); n > 4 {
			t.Fatalf("step %d: %d keys are published", steps, n)
		}
	}
}

// TestAKeyFromTheFarFuture, made while the clock was wrong, holds nothing up.
func TestAKeyFromTheFarFuture(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	c.add(20 * 365 * day)
	open(t, dir, c)
	c.add(-20 * 365 * day)
	for _, after := range []time.Duration{0, 29 * day} {
		c.add(after)
		s := open(t, dir, c)
		if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
			t.Error(err)
		}
		if _, keys, _ := served(t, s); len(keys.Keys) != 1+int(after/(29*day)) {
			t.Errorf("after %v there are %d keys", after, len(keys.Keys))
		}
	}
	c.add(20 * 365 * day) // and a server that was down for long goes on
	s := open(t, dir, c)
	if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
		t.Error(err)
	}
}

func TestKeysAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	open(t, dir, newClock())
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, e := range append(entries, nil) {
		path, want := dir, os.FileMode(0o700)
		if e != nil {
			path, want = filepath.Join(dir, e.Name()), 0o600
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestTheAudienceIsOfTheFolder(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	first := open(t, dir, c).Audience()
	if again := open(t, dir, c).Audience(); again != first || len(first) != 36 {
		t.Errorf("%q, then %q", first, again)
	}
	if other := open(t, t.TempDir(), c).Audience(); other == first {
		t.Error("two folders have the same audience")
	}
	if err := os.WriteFile(filepath.Join(dir, "audience"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other := open(t, dir, c).Audience(); len(other) != 36 || other == first {
		t.Errorf("after damage: %q", other)
	}
}

// TestDamagedKeys are moved aside with a word, and a new key begins.
func TestDamagedKeys(t *testing.T) {
	whole := func(t *testing.T, bits int, header string) []byte {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der, Headers: map[string]string{"Signs-From": header}})
	}
	for name, damage := range map[string]func(t *testing.T, was []byte) []byte{
		"empty":          func(*testing.T, []byte) []byte { return nil },
		"half":           func(_ *testing.T, was []byte) []byte { return was[:len(was)/2] },
		"another letter": func(_ *testing.T, was []byte) []byte { was[len(was)/2] ^= 1; return was },
		"no key":         func(*testing.T, []byte) []byte { return []byte("hello") },
		"endless":        func(*testing.T, []byte) []byte { return make([]byte, 1<<20) },
		"no time":        func(t *testing.T, _ []byte) []byte { return whole(t, 2048, "soon") },
		"too short":      func(t *testing.T, _ []byte) []byte { return whole(t, 1024, "2026-11-22T08:00:00Z") },
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), newClock()
			open(t, dir, c)
			files, _ := filepath.Glob(filepath.Join(dir, "*.pem"))
			was, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], damage(t, was), 0o600); err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			s := open(t, dir, c, func(config *jwt.Config) { config.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), filepath.Base(files[0])) || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("the log says %s", log.String())
			}
			if _, err := os.Stat(files[0] + ".damaged"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLeftoversOfACrash: a file that was being written is no key, and goes.
func TestLeftoversOfACrash(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	left := filepath.Join(dir, ".new-123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, c)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
}

// TestAFolderThatCannotBeWritten: no keys is an error; keys that are there go
// on.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Open(jwt.Config{Dir: filepath.Join(file, "keys")}); err == nil {
		t.Error("opened")
	}
	dir, c := t.TempDir(), newClock()
	s := open(t, dir, c)
	c.add(29 * day)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { turn(t, s) })
	if _, keys, _ := served(t, s); len(keys.Keys) != 1 {
		t.Errorf("%d keys: one that a restart would forget is published", len(keys.Keys))
	}
	if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
		t.Error(err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { turn(t, s) })
	if _, keys, _ := served(t, s); len(keys.Keys) != 2 {
		t.Errorf("%d keys when it can be written again", len(keys.Keys))
	}
}

func FuzzKeyFile(f *testing.F) {
	dir, c := f.TempDir(), newClock()
	open(f, dir, c)
	files, _ := filepath.Glob(filepath.Join(dir, "*.pem"))
	key, err := os.ReadFile(files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key)
	f.Add(key[:len(key)/2])
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nSigns-From: 2026-11-22T08:00:00Z\n\nAA==\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) { jwt.ParseKeyFile(data) })
}

func BenchmarkSign(b *testing.B) {
	for name, reuse := range map[string]time.Duration{"each": -1, "reused": time.Minute} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), newClock(), func(c *jwt.Config) { c.Reuse = reuse })
			b.ReportAllocs()
			for b.Loop() {
				sign(b, s, jwt.CallbackLife)
			}
		})
	}
}

func BenchmarkNewKey(b *testing.B) {
	for b.Loop() {
		jwt.NewKey()
	}
}
