package jwt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/tipring/tipring/internal/metric"
)

// How long tokens live.
const (
	CallbackLife  = 5 * time.Minute
	HandshakeLife = 24 * time.Hour
)

// early is how long before its making a token counts, for apps whose clock is
// behind ours.
const early = time.Minute

// Config is what a Signer is told. Dir, Issuer and KeysURL must be given.
type Config struct {
	Dir     string        // the folder of the keys; made if need be
	Issuer  string        // iss
	KeysURL string        // where the keys are served: jwks_uri of the OpenID configuration
	Rotate  time.Duration // how long a key signs; 0: 30 days

	Reuse time.Duration // how long a token is given again; 0: a minute, negative: never

	Metrics *metric.Set      // jwt_signatures_total, jwt_reused_total, jwt_keys; may be nil
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

// A Signer signs tokens. Make it with Open. Its methods may be called by
// anyone at any time.
type Signer struct {
	config   Config
	schedule schedule
	store    store
	audience string
	turn     chan struct{} // held while a signature is made

	mu     sync.Mutex
	keys   []*key // sorted; never changed, only replaced
	tokens map[use]token

	signed, reused *metric.Counter
}

// use is what callers who share a token have in common.
type use struct {
	audience string
	life     time.Duration
}

type token struct {
	text string
	made time.Time
	by   *key
}

// mostTokens bounds how many tokens are remembered.
const mostTokens = 64

// Open loads the keys of a folder, and makes the first. What is damaged is
// moved aside and logged.
func Open(c Config) (*Signer, error) {
	c.Rotate = cmp.Or(c.Rotate, 30*24*time.Hour)
	c.Reuse = cmp.Or(c.Reuse, time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Signer{
		config: c, schedule: newSchedule(c.Rotate), store: store{c.Dir},
		turn: make(chan struct{}, 1), tokens: map[use]token{},
		signed: c.Metrics.Counter("jwt_signatures_total", "", "", "RSA signatures made"),
		reused: c.Metrics.Counter("jwt_reused_total", "", "", "Tokens that were given once more"),
	}
	keys, damage, err := s.store.load()
	if err != nil {
		return nil, err
	}
	id, bad, err := s.store.audience()
	if err != nil {
		return nil, err
	}
	s.audience = id
	if bad != nil {
		damage = append(damage, bad)
	}
	for _, err := range damage {
		c.Log.Error("tokens", "error", err)
	}
	s.keys = keys
	if err := s.rotate(); err != nil {
		if len(s.published()) == 0 {
			return nil, err
		}
		c.Log.Error("keys are not rotated; the last one goes on", "error", err)
	}
	c.Metrics.Gauge("jwt_keys", "", "", "Keys that are published", func() float64 { return float64(len(s.published())) })
	return s, nil
}

// Audience is the id of this folder: a UUID that was made with it.
func (s *Signer) Audience() string { return s.audience }

// Run replaces keys when their time has come, until ctx is done.
func (s *Signer) Run(ctx context.Context) error {
	// It looks often, rather than wait for the moment: the schedule goes by the
	// wall clock, which may jump.
	look := time.NewTicker(max(min(s.schedule.lead/8, time.Minute), 10*time.Millisecond))
	defer look.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		err := s.rotate()
		if err != nil && !failed {
			s.config.Log.Error("keys are not rotated; the last one goes on", "error", err)
		}
		failed = err != nil
	}
}

// rotate does what the schedule asks for now.
func (s *Signer) rotate() error {
	now := s.config.Now().Round(0)
	keys := slices.Clone(s.published())
	var errs []error
	astray := s.schedule.astray(keys, now)
	for i, k := range keys {
		from, is := astray[k]
		if !is {
			continue
		}
		moved := &key{k.id, k.private, from.UTC().Truncate(time.Second)}
		errs = append(errs, s.store.save(moved))
		keys[i] = moved
		s.config.Log.Warn("a key was to sign in a time too far away: the clock has changed", "kid", k.id, "was", k.from, "now", moved.from)
	}
	sort(keys)
	if from, due := s.schedule.coming(keys, now); due {
		next, err := newKey(from)
		if err == nil {
			err = s.store.save(next)
		}
		if err == nil { // one that would be forgotten by a restart does not sign
			keys = append(keys, next)
			s.config.Log.Info("new key for tokens", "kid", next.id, "signs from", next.from)
		}
		errs = append(errs, err)
	}
	gone := over(keys, now)
	for _, k := range gone {
		errs = append(errs, s.store.remove(k))
	}
	keys = slices.DeleteFunc(keys, func(k *key) bool { return slices.Contains(gone, k) })
	s.mu.Lock()
	s.keys = keys
	s.mu.Unlock()
	return errors.Join(errs...)
}

// published are the keys that others may meet.
func (s *Signer) published() []*key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

// signer is the key that signs now.
func (s *Signer) signer(now time.Time) *key {
	keys := s.published()
	return keys[signing(keys, now.Round(0))]
}

// Sign gives a token for an audience that lives so long from its making, or
// one that the same key made within the last minute.
func (s *Signer) Sign(audience string, life time.Duration) (string, error) {
	u := use{audience, life}
	if text := s.recent(u); text != "" {
		return text, nil
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if text := s.recent(u); text != "" { // made while this one waited
		return text, nil
	}
	now := s.config.Now()
	by := s.signer(now)
	text, err := sign(by, golangjwt.MapClaims{
		"iss": s.config.Issuer, "aud": audience,
		"iat": now.Unix(), "nbf": now.Add(-early).Unix(), "exp": now.Unix() + int64(life/time.Second),
	})
	if err != nil {
		return "", err
	}
	s.signed.Add(1)
	s.remember(u, token{text, now, by})
	return text, nil
}

func sign(k *key, claims golangjwt.MapClaims) (string, error) {
	t := golangjwt.NewWithClaims(golangjwt.SigningMethodRS256, claims)
	t.Header["kid"] = k.id
	text, err := t.SignedString(k.private)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text, nil
}

// recent is the token of this use, if the key that signs now made it, and if it
// is young by both clocks: after a jump of the wall clock it would not count.
func (s *Signer) recent(u use) string {
	now := s.config.Now()
	by := s.signer(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, there := s.tokens[u]
	if !there || t.by != by || now.Sub(t.made) >= s.config.Reuse || now.Round(0).Sub(t.made.Round(0)).Abs() >= s.config.Reuse {
		return ""
	}
	s.reused.Add(1)
	return t.text
}

func (s *Signer) remember(u use, t token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) >= mostTokens {
		clear(s.tokens)
	}
	s.tokens[u] = t
}
