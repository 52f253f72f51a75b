package jwt

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"
)

// leeway is how far an issuer's clock may be from ours.
const leeway = 5 * time.Minute

// Why a token does not count.
var (
	ErrToken = errors.New("the token does not count")
	// ErrNoIssuer: the issuer's keys could not be had, so nothing is known of the
	// token.
	ErrNoIssuer = errors.New("the token cannot be checked now")

	errUnknownKey = errors.New("it is signed with a key that the issuer does not publish")
)

// trusted are the keys of an issuer, and the iss that it gives its tokens.
type trusted struct {
	issuer string
	keys   map[string]*rsa.PublicKey // by kid
}

// check verifies a token: RS256 by one of the keys, for the audience, in its
// time. errUnknownKey says that none of the keys is the token's.
func (c trusted) check(token, audience string, now time.Time) error {
	var claims golangjwt.RegisteredClaims
	parser := golangjwt.NewParser(
		golangjwt.WithValidMethods([]string{"RS256"}), golangjwt.WithLeeway(leeway), golangjwt.WithExpirationRequired(), golangjwt.WithStrictDecoding(),
		golangjwt.WithTimeFunc(func() time.Time { return now }),
	)
	_, err := parser.ParseWithClaims(token, &claims, func(t *golangjwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical { // RFC 7515, section 4.1.11
			return nil, errors.New("it has critical headers, of which none is known")
		}
		id, _ := t.Header["kid"].(string)
		if key := c.keys[id]; key != nil {
			return key, nil
		}
		return nil, errUnknownKey
	})
	switch {
	case err != nil:
		return err
	case !sameURL(claims.Issuer, c.issuer):
		return fmt.Errorf("its issuer is %.200q, not %s", claims.Issuer, c.issuer)
	}
	for _, aud := range claims.Audience {
		if sameURL(aud, audience) {
			return nil
		}
	}
	return fmt.Errorf("its audience is %.200q, not %s", claims.Audience, audience)
}

// sameURL compares without a slash at the end: issuers and audiences are spelled
// either way.
func sameURL(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// parseConfiguration reads an OpenID configuration, which must be of issuer.
func parseConfiguration(text []byte, issuer string) (keysURL string, err error) {
	var c configuration
	if err := json.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("parse the OpenID configuration: %w", err)
	}
	if !sameURL(c.Issuer, issuer) {
		return "", fmt.Errorf("the OpenID configuration is of the issuer %.200q, not of %s", c.Issuer, issuer)
	}
	if c.KeysURL == "" {
		return "", errors.New("the OpenID configuration has no jwks_uri")
	}
	return c.KeysURL, nil
}

// Bounds of a set of keys.
const (
	mostKeys    = 100
	mostKeyBits = 8192 // a larger one would make a check cost too much
)

// parseKeys reads a set of keys (RFC 7517) and takes those that can verify
// RS256. Others are none of our business.
func parseKeys(text []byte) (map[string]*rsa.PublicKey, error) {
	var set jwks
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("parse keys: %w", err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if k.Type != "RSA" || k.ID == "" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != "RS256" {
			continue
		}
		n, err1 := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.N, "="))
		e, err2 := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.E, "="))
		if err1 != nil || err2 != nil || len(n)*8 > mostKeyBits || len(e) > 4 {
			continue
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if public.N.BitLen() >= keyBits && public.E > 1 && len(keys) < mostKeys {
			keys[k.ID] = public
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("none of the keys is for RS256")
	}
	return keys, nil
}
