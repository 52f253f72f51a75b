package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour // a certificate with less left is made anew
	clockSlack    = time.Hour           // how far behind a client's clock may be
)

// certificate gives the server's own certificate for hosts (names and IP
// addresses) and the file of the authority that signed it, which clients trust.
// Both are made once under dir and found again; the certificate is renewed when
// it runs out soon or hosts has changed, the authority only when it runs out.
func certificate(dir string, hosts []string) (tls.Certificate, string, error) {
	return certificateAt(time.Now(), dir, hosts)
}

func certificateAt(now time.Time, dir string, hosts []string) (tls.Certificate, string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, "", fmt.Errorf("make folder for certificates: %w", err)
	}
	caFile := filepath.Join(dir, "ca.pem")
	ca, err := authority(now, caFile, filepath.Join(dir, "ca-key.pem"))
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("certificate authority: %w", err)
	}
	leaf, err := serverLeaf(now, filepath.Join(dir, "server.pem"), ca, hosts)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("server certificate: %w", err)
	}
	return leaf, caFile, nil
}

// authority loads the CA, or makes it when there is none or its time is up. One
// that is there and cannot be read is an error: making another would break
// every client that trusts the first.
func authority(now time.Time, certFile, keyFile string) (tls.Certificate, error) {
	ca, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ca, err
	}
	if err == nil && now.Add(renewBefore).Before(ca.Leaf.NotAfter) {
		return ca, nil
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "tipring development CA"},
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, key, err := issue(now, template, nil)
	if err != nil {
		return ca, err
	}
	// The key first: a certificate without its key would be trusted for nothing.
	if err := errors.Join(writeFile(keyFile, key), writeFile(certFile, cert)); err != nil {
		return ca, err
	}
	return tls.X509KeyPair(cert, key)
}

// serverLeaf loads the server's certificate, or makes one. It keeps certificate
// and key in one file, so that the two always belong together.
func serverLeaf(now time.Time, file string, ca tls.Certificate, hosts []string) (tls.Certificate, error) {
	names, ips := split(hosts)
	leaf, err := tls.LoadX509KeyPair(file, file)
	if err == nil && fits(now, leaf.Leaf, ca.Leaf, names, ips) {
		return leaf, nil
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "tipring"},
		NotAfter:    now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    names,
		IPAddresses: ips,
	}
	cert, key, err := issue(now, template, &ca)
	if err != nil {
		return leaf, err
	}
	if err := writeFile(file, slices.Concat(cert, key)); err != nil {
		return leaf, err
	}
	return tls.X509KeyPair(cert, key)
}

func fits(now time.Time, leaf, ca *x509.Certificate, names []string, ips []net.IP) bool {
	return now.Add(renewBefore).Before(leaf.NotAfter) && leaf.CheckSignatureFrom(ca) == nil &&
		slices.Equal(leaf.DNSNames, names) && slices.EqualFunc(leaf.IPAddresses, ips, net.IP.Equal)
}

// split sorts hosts into names and addresses and adds those of loopback.
func split(hosts []string) (names []string, ips []net.IP) {
	for _, h := range slices.Concat([]string{"localhost", "127.0.0.1", "::1"}, hosts) {
		ip := net.ParseIP(h)
		switch {
		case ip != nil && !slices.ContainsFunc(ips, ip.Equal):
			ips = append(ips, ip)
		case ip == nil && h != "" && !slices.Contains(names, h):
			names = append(names, h)
		}
	}
	slices.Sort(names)
	slices.SortFunc(ips, func(a, b net.IP) int { return bytes.Compare(a.To16(), b.To16()) })
	return names, ips
}

// issue makes a key and a certificate for it after template, both as PEM. Without
// parent it signs itself.
func issue(now time.Time, template *x509.Certificate, parent *tls.Certificate) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template.NotBefore = now.Add(-clockSlack)
	signer, signerKey := template, any(private)
	if parent != nil {
		signer, signerKey = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, private.Public(), signerKey)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// writeFile writes path whole or not at all, for its owner's eyes only.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
