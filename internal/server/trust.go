package server

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tipring/tipring/internal/dial"
	"github.com/tipring/tipring/internal/jwt"
)

// keysPath is where our own tokens' keys are served, as on Azure.
const keysPath = "/calling/keys"

// trust makes what others know us by: the tokens on callbacks and handshakes.
func (s *Server) trust() (err error) {
	issuer := s.config.TokenIssuer
	if issuer == "" {
		issuer = s.PublicURL()
	}
	s.tokens, err = jwt.Open(jwt.Config{
		Dir: filepath.Join(s.config.Data, "keys"), Issuer: issuer, KeysURL: s.PublicURL() + keysPath,
		Rotate: s.config.TokenRotate, Metrics: s.metrics, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("--data: keys of tokens: %w", err)
	}
	return nil
}

// audience is whom our tokens are for.
func (s *Server) audience() string {
	if s.config.TokenAudience != "" {
		return s.config.TokenAudience
	}
	return s.tokens.Audience()
}

// sign makes the token of a callback.
func (s *Server) sign(audience string) (string, error) {
	return s.tokens.Sign(audience, jwt.CallbackLife)
}

// authorize makes the Authorization header of a websocket's handshake.
func (s *Server) authorize() string {
	token, err := s.tokens.Sign(s.audience(), jwt.HandshakeLife)
	if err != nil {
		s.log.Error("a websocket's handshake goes out without its token", "error", err)
		return ""
	}
	return "Bearer " + token
}

// bearers gives what checks the bearer tokens of requests; nil without
// --entra-issuer.
func (s *Server) bearers(out *dial.Dialer) func(context.Context, string) error {
	if s.config.EntraIssuer == "" {
		return nil
	}
	return jwt.NewVerifier(jwt.VerifierConfig{
		Issuer: s.config.EntraIssuer, Audience: s.config.EntraAudience,
		Client:  out.HTTPClient(dial.Limits{Timeout: 10 * time.Second, Redirects: -1, PerHost: 2, Body: 1 << 20}),
		Metrics: s.metrics, Log: s.log,
	}).Verify
}

// roots are whom our own connections trust: the system, the development CA, so
// that an app behind the same CA can be called, and --roots. Nil is the system
// alone.
func (s *Server) roots() (*x509.CertPool, error) {
	if s.caFile == "" && s.config.Roots == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, file := range []struct{ flag, path string }{{"--data", s.caFile}, {"--roots", s.config.Roots}} {
		if file.path == "" {
			continue
		}
		pem, err := os.ReadFile(file.path)
		if err != nil {
			return nil, fmt.Errorf("%s: read certificates: %w", file.flag, err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: %s holds no certificate in PEM", file.flag, file.path)
		}
	}
	return pool, nil
}
