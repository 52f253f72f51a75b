package recording_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/recording"
)

func TestStoreFindsAndDeletes(t *testing.T) {
	dir := t.TempDir()
	s := &recording.Store{Dir: dir}
	for name, text := range map[string]string{"rec-0.wav": "RIFF…", "rec-0.json": "{}", "half-0.wav.part": "RIFF…", "old-0.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, info, err := s.Open("rec-0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(1, io.SeekStart); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(f); err != nil || string(rest) != "IFF…" || info.Size != 7 || info.ModTime.IsZero() {
		t.Errorf("%q, %v, %+v", rest, err, info)
	}
	f.Close()
	if page, err := s.Metadata("rec-0"); err != nil || string(page) != "{}" {
		t.Errorf("%q, %v", page, err)
	}
	for _, name := range []string{"rec-0", "old-0"} { // with and without sound
		if err := s.Delete(name); err != nil {
			t.Error(err)
		}
		if err := s.Delete(name); !errors.Is(err, recording.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left: %v", names)
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	outside := t.TempDir()
	s := &recording.Store{Dir: filepath.Join(outside, "in")}
	if err := os.MkdirAll(filepath.Join(s.Dir, "folder.wav"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"secret.wav", "secret.json", "in/half-0.wav.part"} {
		if err := os.WriteFile(filepath.Join(outside, file), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "../secret", `..\secret`, "/etc/passwd", "in/../secret", "a/b", "a:b", "a\x00b", "secret.wav", "half-0",
		"half-0.wav.part", "folder", "folder.wav/x", "é", "%2e%2e%2fsecret", strings.Repeat("a", 129), "missing",
	} {
		if _, _, err := s.Open(name); !errors.Is(err, recording.ErrNotFound) {
			t.Errorf("open %.40q: %v", name, err)
		}
		if _, err := s.Metadata(name); !errors.Is(err, recording.ErrNotFound) {
			t.Errorf("metadata of %.40q: %v", name, err)
		}
		if err := s.Delete(name); !errors.Is(err, recording.ErrNotFound) && name != "folder" {
			t.Errorf("delete %.40q: %v", name, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(outside, "secret.wav")); err != nil || string(b) != "secret" {
		t.Errorf("%q, %v", b, err)
	}
}
