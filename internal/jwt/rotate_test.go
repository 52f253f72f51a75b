package jwt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tipring/tipring/internal/jwt"
)

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
