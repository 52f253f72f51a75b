package jwt_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tipring/tipring/internal/jwt"
)

func TestKeysAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	open(t, dir, newClock())
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v %v", entries, err)
	}
	for _, e := range append(entries, nil) {
		path, want := dir, os.FileMode(0o700)
		if e != nil {
			path, want = filepath.Join(dir, e.Name()), 0o600
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}

func TestTheAudienceIsOfTheFolder(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	first := open(t, dir, c).Audience()
	if again := open(t, dir, c).Audience(); again != first || len(first) != 36 {
		t.Errorf("%q, then %q", first, again)
	}
	if other := open(t, t.TempDir(), c).Audience(); other == first {
		t.Error("two folders have the same audience")
	}
	if err := os.WriteFile(filepath.Join(dir, "audience"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other := open(t, dir, c).Audience(); len(other) != 36 || other == first {
		t.Errorf("after damage: %q", other)
	}
}

// TestDamagedKeys are moved aside with a word, and a new key begins.
func TestDamagedKeys(t *testing.T) {
	whole := func(t *testing.T, bits int, header string) []byte {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der, Headers: map[string]string{"Signs-From": header}})
	}
	for name, damage := range map[string]func(t *testing.T, was []byte) []byte{
		"empty":          func(*testing.T, []byte) []byte { return nil },
		"half":           func(_ *testing.T, was []byte) []byte { return was[:len(was)/2] },
		"another letter": func(_ *testing.T, was []byte) []byte { was[len(was)/2] ^= 1; return was },
		"no key":         func(*testing.T, []byte) []byte { return []byte("hello") },
		"endless":        func(*testing.T, []byte) []byte { return make([]byte, 1<<20) },
		"no time":        func(t *testing.T, _ []byte) []byte { return whole(t, 2048, "soon") },
		"too short":      func(t *testing.T, _ []byte) []byte { return whole(t, 1024, "2026-11-22T08:00:00Z") },
	} {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), newClock()
			open(t, dir, c)
			files, _ := filepath.Glob(filepath.Join(dir, "*.pem"))
			was, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], damage(t, was), 0o600); err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			s := open(t, dir, c, func(config *jwt.Config) { config.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), filepath.Base(files[0])) || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("the log says %s", log.String())
			}
			if _, err := os.Stat(files[0] + ".damaged"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLeftoversOfACrash: a file that was being written is no key, and goes.
func TestLeftoversOfACrash(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	left := filepath.Join(dir, ".new-123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, c)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("it is still there")
	}
}

// TestAFolderThatCannotBeWritten: no keys is an error; keys that are there go
// on.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Open(jwt.Config{Dir: filepath.Join(file, "keys")}); err == nil {
		t.Error("opened")
	}
	dir, c := t.TempDir(), newClock()
	s := open(t, dir, c)
	c.add(29 * day)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { turn(t, s) })
	if _, keys, _ := served(t, s); len(keys.Keys) != 1 {
		t.Errorf("%d keys: one that a restart would forget is published", len(keys.Keys))
	}
	if _, err := verified(t, s, sign(t, s, jwt.CallbackLife), c.Now()); err != nil {
		t.Error(err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { turn(t, s) })
	if _, keys, _ := served(t, s); len(keys.Keys) != 2 {
		t.Errorf("%d keys when it can be written again", len(keys.Keys))
	}
}

func FuzzKeyFile(f *testing.F) {
	dir, c := f.TempDir(), newClock()
	open(f, dir, c)
	files, _ := filepath.Glob(filepath.Join(dir, "*.pem"))
	key, err := os.ReadFile(files[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key)
	f.Add(key[:len(key)/2])
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nSigns-From: 2026-11-22T08:00:00Z\n\nAA==\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) { jwt.ParseKeyFile(data) })
}
