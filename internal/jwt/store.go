package jwt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	keyBits    = 2048
	keySuffix  = ".pem"
	newPrefix  = ".new-"
	damaged    = ".damaged"
	pemType    = "PRIVATE KEY"
	fromHeader = "Signs-From"
	largest    = 64 << 10 // bytes of a file that is read
)

// A key signs from a moment on, until another one does.
type key struct {
	id      string // RFC 7638
	private *rsa.PrivateKey
	from    time.Time
}

// newKey makes one. It takes a core a tenth of a second.
func newKey(from time.Time) (*key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &key{thumbprint(&private.PublicKey), private, from.UTC().Truncate(time.Second)}, nil
}

// thumbprint is the SHA-256 of a public key's JWK (RFC 7638).
func thumbprint(public *rsa.PublicKey) string {
	jwk := fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, exponent(public), modulus(public))
	sum := sha256.Sum256([]byte(jwk))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func modulus(public *rsa.PublicKey) string {
	return base64.RawURLEncoding.EncodeToString(public.N.Bytes())
}

func exponent(public *rsa.PublicKey) string {
	return base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes())
}

// A store keeps keys in a folder: a file each, PKCS #8 in PEM, with the time
// from which it signs in a header. The name of a file does not matter.
type store struct{ dir string }

// load reads every key. A file that is not one is moved aside and named in
// damage; an error means that the folder or a file could not be read at all.
func (s store) load() (keys []*key, damage []error, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("list keys: %w", err)
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		if strings.HasPrefix(entry.Name(), newPrefix) {
			_ = os.Remove(path) // of a process that died while it wrote
			continue
		}
		if !strings.HasSuffix(entry.Name(), keySuffix) || entry.IsDir() {
			continue
		}
		data, err := readFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("read key: %w", err)
		}
		k, err := parseKey(data)
		if err != nil {
			damage = append(damage, s.moveAside(path, err))
			continue
		}
		if !seen[k.id] {
			seen[k.id] = true
			keys = append(keys, k)
		}
	}
	sort(keys)
	return keys, damage, nil
}

// readFile reads a file, but not an endless one.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > largest {
		return nil, nil // nothing of ours: it will not parse
	}
	return os.ReadFile(path)
}

// moveAside takes a damaged file out of the way, and says so.
func (s store) moveAside(path string, why error) error {
	if err := os.Rename(path, path+damaged); err != nil {
		return fmt.Errorf("%s is damaged (%w), and cannot be moved aside: %w", path, why, err)
	}
	return fmt.Errorf("%s is damaged and was renamed to %s: %w", path, filepath.Base(path)+damaged, why)
}

func parseKey(data []byte) (*key, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemType {
		return nil, errors.New("not a private key in PEM")
	}
	from, err := time.Parse(time.RFC3339, block.Headers[fromHeader])
	if err != nil {
		return nil, fmt.Errorf("its %s is no time of RFC 3339", fromHeader)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, fmt.Errorf("not an RSA key of %d bits or more", keyBits)
	}
	return &key{thumbprint(&private.PublicKey), private, from.UTC()}, nil
}

// save writes a key, in the place of an earlier spelling of it.
func (s store) save(k *key) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der,
		Headers: map[string]string{fromHeader: k.from.Format(time.RFC3339)}})
	return s.write(k.id+keySuffix, data)
}

// remove deletes a key.
func (s store) remove(k *key) error {
	if err := os.Remove(filepath.Join(s.dir, k.id+keySuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete key: %w", err)
	}
	return nil
}

// write puts a file there whole or not at all, for its owner's eyes only.
func (s store) write(name string, data []byte) (err error) {
	f, err := os.CreateTemp(s.dir, newPrefix) // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), filepath.Join(s.dir, name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return s.sync()
}

// sync makes a rename durable.
func (s store) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("open the folder of keys: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync the folder of keys: %w", err)
	}
	return nil
}

const audienceFile = "audience"

// audience gives the id of this folder: a UUID, made once.
func (s store) audience() (id string, damage, err error) {
	path := filepath.Join(s.dir, audienceFile)
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", nil, fmt.Errorf("read the audience: %w", err)
	default:
		if id, err := uuid.ParseBytes(bytes.TrimSpace(data)); err == nil {
			return id.String(), nil, nil
		}
		damage = s.moveAside(path, errors.New("not a UUID"))
	}
	id = uuid.NewString()
	return id, damage, s.write(audienceFile, []byte(id+"\n"))
}
