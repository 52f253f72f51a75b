package sip

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// realm is what our challenges are about.
const realm = "tipring"

// nonceLife is how long a challenge can be answered.
const nonceLife = 5 * time.Minute

// maxUsed is how many nonces in use are remembered.
const maxUsed = 100_000

// A verdict says what a request's credentials are worth.
type verdict uint8

const (
	none  verdict = iota // there are none
	wrong                // not of a user, or a wrong password
	stale                // right, but for a nonce that is old or was used before
	right
)

// nonces makes challenges and knows which were used. A nonce holds its own time
// under a signature, so that a challenge costs no memory; only nonces that were
// answered rightly are kept, with their highest count, against replay.
type nonces struct {
	key  [32]byte
	mu   sync.Mutex
	used map[string]use
}

type use struct {
	count   int
	expires time.Time
}

func (n *nonces) init() {
	rand.Read(n.key[:]) // never fails (crypto/rand)
	n.used = map[string]use{}
}

// make is a nonce of this moment.
func (n *nonces) make(now time.Time) string {
	var b [16 + 16]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli()))
	rand.Read(b[8:16])
	copy(b[16:], n.sign(b[:16]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonces) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(b)
	return mac.Sum(nil)[:16]
}

// made is when a nonce of ours was made.
func (n *nonces) made(nonce string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], n.sign(b[:16])) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), true
}

// spend takes a nonce with its count, and reports whether it is fresh: not too
// old, and the count higher than any before. Without a count (RFC 2069) a
// nonce is good for once.
func (n *nonces) spend(nonce string, count int, now time.Time) bool {
	made, ok := n.made(nonce)
	if !ok || now.Sub(made) > nonceLife || made.Sub(now) > time.Second {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	before, seen := n.used[nonce]
	if seen && count <= before.count {
		return false
	}
	if !seen && len(n.used) >= maxUsed {
		for k, u := range n.used {
			if now.After(u.expires) {
				delete(n.used, k)
			}
		}
		if len(n.used) >= maxUsed {
			return false
		}
	}
	n.used[nonce] = use{count, made.Add(nonceLife)}
	return true
}

// challenge is the header that asks for credentials.
func (n *nonces) challenge(stale bool) sipgo.Header {
	c := digest.Challenge{Realm: realm, Nonce: n.make(time.Now()), Algorithm: "MD5", QOP: []string{"auth"}, Stale: stale}
	return sipgo.NewHeader("WWW-Authenticate", c.String())
}

// verify looks at the credentials of a request.
func (s *Server) verify(req *sipgo.Request) (user string, v verdict) {
	for _, h := range req.GetHeaders("Authorization") {
		cred, err := digest.ParseCredentials(h.Value())
		if err != nil || cred.Realm != realm {
			continue
		}
		password, ok := s.Users[cred.Username]
		if !ok || !answers(cred, req.Method.String(), password) {
			return clean(cred.Username, maxUser), wrong
		}
		if !s.nonces.spend(cred.Nonce, cred.Nc, time.Now()) {
			return cred.Username, stale
		}
		return cred.Username, right
	}
	return "", none
}

// answers reports whether credentials hold the right response.
func answers(cred *digest.Credentials, method, password string) bool {
	if cred.QOP != "" && cred.QOP != "auth" || cred.Algorithm != "" && !strings.EqualFold(cred.Algorithm, "MD5") {
		return false
	}
	c := digest.Challenge{Realm: realm, Nonce: cred.Nonce}
	if cred.QOP != "" {
		if cred.Cnonce == "" || cred.Nc <= 0 {
			return false
		}
		c.QOP = []string{cred.QOP}
	}
	want, err := digest.Digest(&c, digest.Options{
		Method: method, URI: cred.URI, Username: cred.Username, Password: password,
		Cnonce: cred.Cnonce, Count: cred.Nc,
	})
	return err == nil && subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(cred.Response))) == 1
}

// errNoChallenge: a 401 or 407 that we cannot answer.
var errNoChallenge = errors.New("no challenge that can be answered")

// authorize adds credentials to a request that was answered with 401 or 407.
func authorize(req *sipgo.Request, res *sipgo.Response, user, password string, count int) error {
	ask, reply := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		ask, reply = "Proxy-Authenticate", "Proxy-Authorization"
	}
	req.RemoveHeader(reply)
	done := false
	for _, h := range res.GetHeaders(ask) {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil || done {
			continue
		}
		for i := range c.QOP {
			c.QOP[i] = strings.TrimSpace(c.QOP[i])
		}
		if !digest.CanDigest(c) {
			continue
		}
		cred, err := digest.Digest(c, digest.Options{
			Method: req.Method.String(), URI: req.Recipient.String(), Username: user, Password: password, Count: count,
		})
		if err != nil {
			continue
		}
		req.AppendHeader(sipgo.NewHeader(reply, cred.String()))
		done = true
	}
	if !done {
		return errNoChallenge
	}
	return nil
}
