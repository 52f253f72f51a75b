package e2e_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A verifiedToken is what the jose library says of a token.
type verifiedToken struct {
	Payload struct {
		Iss, Aud      string
		Iat, Nbf, Exp int64
	}
	ProtectedHeader struct{ Alg, Kid, Typ string }
}

// verify has the app verify a token as an app would: the OpenID configuration,
// the keys that it names, and jose.
func (w *world) verify(t *testing.T, token, audience string) (v verifiedToken, err *restError) {
	t.Helper()
	raw, err := w.do(t, "app", "", "verify", token, "https://"+w.https+"/calling/.well-known/acsopenidconfiguration", audience)
	if err == nil {
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
	}
	return v, err
}

// bearer is the token of a header.
func bearer(t *testing.T, header string) string {
	t.Helper()
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || token == "" {
		t.Fatalf("the Authorization header is %q", header)
	}
	return token
}

// TestTokens has an independent library verify what callbacks and handshakes
// carry, against what the server publishes, also when the key has been replaced.
func TestTokens(t *testing.T) {
	w := startWorld(t, "--token-rotate=6s")
	id, err := os.ReadFile(filepath.Join(w.data, "keys", "audience"))
	if err != nil {
		t.Fatal(err)
	}
	audience := strings.TrimSpace(string(id))
	issuer := "https://localhost" + w.https[strings.LastIndexByte(w.https, ':'):]
	_, call, _ := w.converse(t, silence(8000, time.Second), streaming(strings.Replace(w.url, "http:", "ws:", 1)+"/", nil))

	check := func(what, header string, life int64) verifiedToken {
		t.Helper()
		v, err := w.verify(t, bearer(t, header), audience)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		p, h := v.Payload, v.ProtectedHeader
		if p.Iss != issuer || p.Aud != audience || p.Exp-p.Iat != life || p.Nbf > p.Iat || h.Alg != "RS256" || h.Kid == "" || h.Typ != "JWT" {
			t.Errorf("%s: %+v", what, v)
		}
		if made := time.Unix(p.Iat, 0); time.Since(made).Abs() > time.Minute {
			t.Errorf("%s: made %v", what, made)
		}
		return v
	}
	opened := w.app.await(t, "StreamOpened", 10*time.Second, nil)
	handshake := opened.text("headers.authorization")
	check("handshake", handshake, 24*60*60)
	if _, err := w.verify(t, bearer(t, handshake), "somebody else"); err == nil || err.Code != "ERR_JWT_CLAIM_VALIDATION_FAILED" {
		t.Errorf("for another audience: %v", err)
	}
	// Until the next key signs.
	seen := map[string]string{} // tokens by key
	for began := time.Now(); len(seen) < 2; {
		if time.Since(began) > 60*time.Second {
			t.Fatalf("%d keys in a minute", len(seen))
		}
		w.must(t, "media", call, "playToAll", []any{w.prompt(t, "short.wav", tone(8000, 440, 100*time.Millisecond))}, map[string]any{"operationContext": "short"})
		header := w.app.await(t, "PlayCompleted", 10*time.Second, nil).headers["authorization"]
		seen[check("callback", header, 5*60).ProtectedHeader.Kid] = header
		<-time.After(200 * time.Millisecond)
	}
	for _, header := range seen {
		check("a callback's token of any key", header, 5*60)
	}
	check("the handshake, later", handshake, 24*60*60)
	w.checkForgeries(t, bearer(t, handshake), audience)
	var callbacks []*event
	w.came(func(e *event) bool {
		if e.grid != nil && e.headers["authorization"] != "" {
			t.Errorf("%s of Event Grid has a token", e.kind)
		}
		if e.cloud != nil {
			callbacks = append(callbacks, e)
		}
		return false
	})
	for _, e := range callbacks {
		check(e.kind, e.headers["authorization"], 5*60)
	}
	if n := w.counted(t, "tipring_jwt_signatures_total", ""); n < 3 || n > 40 {
		t.Errorf("%v signatures for a handshake and the callbacks under two keys", n)
	}
	w.must(t, "connection", call, "hangUp", true)
	w.stop(t, 15*time.Second)
}

// checkForgeries wants nothing but the server's own tokens to be verified.
func (w *world) checkForgeries(t *testing.T, token, audience string) {
	t.Helper()
	parts := strings.Split(token, ".")
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	later := strings.Replace(string(payload), `"exp":1`, `"exp":9`, 1)
	for what, forged := range map[string]string{
		"a stranger's signature": signedBy(stranger, parts[0]+"."+parts[1]),
		"a longer life":          parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(later)) + "." + parts[2],
		"no signature":           base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
	} {
		if v, err := w.verify(t, forged, audience); err == nil {
			t.Errorf("%s: verified: %+v", what, v)
		} else if code := err.Code; code != "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" && code != "ERR_JOSE_ALG_NOT_ALLOWED" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// signedBy puts an RS256 signature behind the first two parts of a token.
func signedBy(key *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// An issuer plays Microsoft Entra.
type issuer struct {
	url string
	key *rsa.PrivateKey
}

func startIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document any
		switch r.URL.Path {
		case "/tenant/v2.0/.well-known/openid-configuration":
			document = map[string]any{"issuer": i.url, "jwks_uri": strings.TrimSuffix(i.url, "/v2.0") + "/keys"}
		case "/tenant/keys":
			document = map[string]any{"keys": []any{map[string]any{
				"kty": "RSA", "use": "sig", "kid": "entra-1", "x5c": []string{"…"}, "e": "AQAB",
				"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			}}}
		default:
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(document)
	}))
	t.Cleanup(s.Close)
	i.url = s.URL + "/tenant/v2.0"
	return i
}

// token makes a token of these claims, beside those that are as they should be.
func (i *issuer) token(header, claims map[string]any) string {
	h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": "entra-1"}
	c := map[string]any{
		"iss": i.url, "aud": "https://communication.azure.com", "appid": "an app",
		"nbf": time.Now().Unix(), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	for k, v := range header {
		h[k] = v
	}
	for k, v := range claims {
		c[k] = v
	}
	hb, _ := json.Marshal(h)
	cb, _ := json.Marshal(c)
	text := base64.RawURLEncoding.EncodeToString(hb) + "." + base64.RawURLEncoding.EncodeToString(cb)
	if h["alg"] == "none" {
		return text + "."
	}
	return signedBy(i.key, text)
}

// TestTokenCredential has Microsoft's client sign in with a token of an issuer:
// a whole call with one that counts, and 401 with any other.
func TestTokenCredential(t *testing.T) {
	entra := startIssuer(t)
	w := startWorld(t, "--entra-issuer="+entra.url)
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(w.connection, "endpoint="), ";")
	w.must(t, "app", "", "connectWith", endpoint, entra.token(nil, map[string]any{"aud": "https://communication.azure.com/"}))
	p, call, _ := w.converse(t, silence(8000, time.Second), nil)
	w.must(t, "connection", call, "getCallConnectionProperties")

	stranger := &issuer{url: entra.url, key: startIssuer(t).key}
	for what, token := range map[string]string{
		"another issuer":         entra.token(nil, map[string]any{"iss": entra.url + "/other"}),
		"another audience":       entra.token(nil, map[string]any{"aud": "https://graph.microsoft.com"}),
		"over":                   entra.token(nil, map[string]any{"exp": time.Now().Add(-6 * time.Minute).Unix()}),
		"not yet":                entra.token(nil, map[string]any{"nbf": time.Now().Add(6 * time.Minute).Unix()}),
		"alg none":               entra.token(map[string]any{"alg": "none"}, nil),
		"an unknown key":         entra.token(map[string]any{"kid": "entra-2"}, nil),
		"a stranger's signature": stranger.token(nil, nil),
		"no token":               "nothing",
	} {
		w.must(t, "app", "", "connectWith", endpoint, token)
		_, err := w.do(t, "connection", call, "hangUp", true)
		if err == nil || err.StatusCode != 401 || err.Code != "Denied" {
			t.Errorf("%s: %v, want 401 Denied", what, err)
		}
	}
	w.must(t, "app", "", "connect", w.connection) // the key is as good as before
	w.must(t, "connection", call, "hangUp", true)
	p.await(t, "CALL_CLOSED", 5*time.Second)
	w.app.await(t, "CallDisconnected", 5*time.Second, of(call))

	closed := startWorld(t)
	endpoint, _, _ = strings.Cut(strings.TrimPrefix(closed.connection, "endpoint="), ";")
	closed.must(t, "app", "", "connectWith", endpoint, entra.token(nil, nil))
	closed.refused(t, 401, "Denied", "connection", "no-such-call", "getCallConnectionProperties")
}
