package jwt_test

import (
	"testing"
	"time"

	"github.com/tipring/tipring/internal/jwt"
)

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

func BenchmarkVerify(b *testing.B) {
	now := newClock().Now()
	v := verifier(newProvider(), func() time.Time { return now }, nil)
	token := made(header(), claims(now), by(entraKeys()[0]))
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
