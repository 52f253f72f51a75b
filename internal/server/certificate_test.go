package server

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func mustMake(t *testing.T, now time.Time, dir string, hosts ...string) (tls.Certificate, string) {
	t.Helper()
	cert, ca, err := certificateAt(now, dir, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return cert, ca
}

func same(a, b tls.Certificate) bool { return a.Leaf.Equal(b.Leaf) }

func TestCertificateIsTrustedThroughTheCAFile(t *testing.T) {
	cert, caFile := mustMake(t, time.Now(), t.TempDir(), "calls.example.com", "192.0.2.1")
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "calls.example.com", "192.0.2.1"} {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: "other.example.com", Roots: roots}); err == nil {
		t.Error("the certificate is good for a host it was not made for")
	}

	client, server := net.Pipe()
	go func() { _ = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }()
	conn := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err := conn.Handshake(); err != nil {
		t.Error(err)
	}
	client.Close()
}

func TestCertificateIsMadeOnce(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	first, caFile := mustMake(t, now, dir, "a.example.com", "b.example.com")
	ca, _ := os.ReadFile(caFile)

	if again, _ := mustMake(t, now.Add(300*24*time.Hour), dir, "b.example.com", "a.example.com", "localhost"); !same(first, again) {
		t.Error("a new certificate though nothing changed")
	}
	later, _ := mustMake(t, now.Add(340*24*time.Hour), dir, "a.example.com", "b.example.com")
	if same(first, later) {
		t.Error("not renewed with less than 30 days left")
	}
	other, _ := mustMake(t, now.Add(340*24*time.Hour), dir, "c.example.com")
	if same(later, other) {
		t.Error("not renewed for another host")
	}
	if now, _ := os.ReadFile(caFile); string(now) != string(ca) {
		t.Error("the CA changed: clients would have to trust it anew")
	}
	mustMake(t, now.Add(3630*24*time.Hour), dir)
	if now, _ := os.ReadFile(caFile); string(now) == string(ca) {
		t.Error("the CA was not renewed at its end")
	}
}

func TestCertificateFilesAreForTheirOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certificates")
	mustMake(t, time.Now(), dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("%d files: %v", len(entries), entries)
	}
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	first, _ := mustMake(t, time.Now(), dir)
	if err := os.WriteFile(filepath.Join(dir, "server.pem"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, _ := mustMake(t, time.Now(), dir); same(first, again) {
		t.Error("a broken certificate was not replaced")
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := certificate(dir, nil); err == nil {
		t.Error("a broken CA was replaced without a word")
	}
}
