package server_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/server"
)

// running runs a server until the test calls stop.
func running(t *testing.T, change func(*config.Config)) (s *server.Server, stop func()) {
	t.Helper()
	s, err := newServer(t, change)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// TestAnybodyMayFetchTheKeys, over HTTP, without a signature, at the address
// that the configuration names.
func TestAnybodyMayFetchTheKeys(t *testing.T) {
	data := t.TempDir()
	var first string
	for _, c := range []struct{ given, issuer string }{
		{"", "https://calls.example.com"},
		{"https://acscallautomation.communication.azure.com", "https://acscallautomation.communication.azure.com"},
	} {
		s, stop := running(t, func(cfg *config.Config) {
			cfg.Data, cfg.TokenIssuer, cfg.PublicURL = data, c.given, "https://calls.example.com/"
		})
		var openid struct {
			Issuer string
			Keys   string `json:"jwks_uri"`
		}
		_, text := get(t, "http://"+s.HTTPAddr()+"/calling/.well-known/acsopenidconfiguration")
		if err := json.Unmarshal([]byte(text), &openid); err != nil || openid.Issuer != c.issuer || openid.Keys != "https://calls.example.com/calling/keys" {
			t.Errorf("%v %s", err, text)
		}
		var keys jose.JSONWebKeySet
		_, text = get(t, "http://"+s.HTTPAddr()+"/calling/keys")
		if err := json.Unmarshal([]byte(text), &keys); err != nil || len(keys.Keys) != 1 || !keys.Keys[0].Valid() || !keys.Keys[0].IsPublic() {
			t.Fatalf("%v %s", err, text)
		}
		if first == "" {
			first = keys.Keys[0].KeyID
		} else if first != keys.Keys[0].KeyID {
			t.Error("a restart has made another key")
		}
		stop()
	}
}

// TestBearerTokensOfAnIssuer that only --roots has us trust.
func TestBearerTokensOfAnIssuer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var issuer *httptest.Server
	issuer = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tenant/v2.0/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer.URL + "/tenant/v2.0", "jwks_uri": issuer.URL + "/keys"})
		case "/keys":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "one", Use: "sig"}}})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer issuer.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := func(audience string) string {
		text, err := josejwt.Signed(signer).Claims(josejwt.Claims{
			Issuer: issuer.URL + "/tenant/v2.0", Audience: josejwt.Audience{audience}, Expiry: josejwt.NewNumericDate(time.Now().Add(time.Hour)),
		}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		name, roots, token string
		issuer             bool
		status             int // 404: it was let in, and there is no such call
	}{
		{"trusted", roots, token("https://communication.azure.com/"), true, http.StatusNotFound},
		{"for another", roots, token("https://graph.example.com"), true, http.StatusUnauthorized},
		{"an issuer that is not trusted", "", token("https://communication.azure.com"), true, http.StatusServiceUnavailable},
		{"no issuer", roots, token("https://communication.azure.com"), false, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, stop := running(t, func(cfg *config.Config) {
				if cfg.Roots = c.roots; c.issuer {
					cfg.EntraIssuer = issuer.URL + "/tenant/v2.0"
				}
			})
			defer stop()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTPAddr()+"/calling/callConnections/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+c.token)
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != c.status {
				t.Errorf("status %d, want %d", answer.StatusCode, c.status)
			}
		})
	}
}

func TestBadRootsNameTheirFlag(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".missing"} {
		if _, err := newServer(t, func(c *config.Config) { c.Roots = path }); err == nil || !strings.HasPrefix(err.Error(), "--roots: ") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
