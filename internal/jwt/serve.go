package jwt

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// What is served, as OpenID Connect Discovery 1.0 (section 3) and RFC 7517
// spell it.
type (
	configuration struct {
		Issuer     string   `json:"issuer"`
		KeysURL    string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Subjects   []string `json:"subject_types_supported"`
		Responses  []string `json:"response_types_supported"`
	}
	jwk struct {
		Type      string `json:"kty"`
		Use       string `json:"use,omitempty"`
		ID        string `json:"kid"`
		Algorithm string `json:"alg,omitempty"`
		N         string `json:"n"`
		E         string `json:"e"`
	}
	jwks struct {
		Keys []jwk `json:"keys"`
	}
)

// Handler serves the OpenID configuration under every path that ends in
// "configuration", and the keys under every other. Anybody may ask.
func (s *Signer) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var document any
		if strings.HasSuffix(r.URL.Path, "configuration") {
			document = configuration{
				Issuer: s.config.Issuer, KeysURL: s.config.KeysURL,
				Algorithms: []string{"RS256"}, Subjects: []string{"public"}, Responses: []string{"id_token"},
			}
		} else {
			document = s.set()
		}
		text, err := json.Marshal(document)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(s.schedule.fresh().Seconds())))
		_, _ = w.Write(text) // whoever asked is gone if it fails
	})
}

// set is every key that signs, did sign, or will.
func (s *Signer) set() jwks {
	all := jwks{Keys: []jwk{}}
	for _, k := range s.published() {
		public := &k.private.PublicKey
		all.Keys = append(all.Keys, jwk{Type: "RSA", Use: "sig", ID: k.id, Algorithm: "RS256", N: modulus(public), E: exponent(public)})
	}
	return all
}
