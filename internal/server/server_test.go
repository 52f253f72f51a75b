package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/server"
)

func newServer(t *testing.T, change func(*config.Config)) (*server.Server, error) {
	t.Helper()
	cfg := config.Default()
	cfg.HTTP, cfg.HTTPS, cfg.SIP, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	if change != nil {
		change(&cfg)
	}
	return server.New(cfg, slog.New(slog.DiscardHandler))
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServerRunsAndLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s, err := newServer(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for status := 0; status != http.StatusOK; {
		status, _ = get(t, "http://"+s.HTTPAddr()+"/healthz")
	}
	if _, page := get(t, "http://"+s.HTTPAddr()+"/metrics"); !strings.Contains(page, "tipring_calls 0") {
		t.Errorf("no gauge of calls among the metrics:\n%s", page)
	}
	if status, body := get(t, "http://"+s.HTTPAddr()+"/calling/callConnections/x"); status != http.StatusUnauthorized || !strings.Contains(body, `"7509"`) {
		t.Errorf("an unsigned request got %d %s", status, body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	goleak.VerifyNone(t, before)
}

// TestLinksAreTrusted: who trusts the development CA can open what begins with
// --public-url.
func TestLinksAreTrusted(t *testing.T) {
	s, err := newServer(t, func(c *config.Config) { c.PublicURL = "https://files.example.com:8443" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, name := range []string{"files.example.com", "localhost"} {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name}}
		if conn, err := dialer.DialContext(t.Context(), "tcp", s.HTTPSAddr()); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			conn.Close()
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestServerNamesTheFlagOfATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for flag, change := range map[string]func(*config.Config){
		"--http":  func(c *config.Config) { c.HTTP = taken.Addr().String() },
		"--https": func(c *config.Config) { c.HTTPS = taken.Addr().String() },
		"--sip":   func(c *config.Config) { c.SIP = taken.Addr().String() },
		"--cert":  func(c *config.Config) { c.Cert, c.Key = "missing.pem", "missing.key" },
	} {
		if _, err := newServer(t, change); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: err = %v", flag, err)
		}
	}
}
