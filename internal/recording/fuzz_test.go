package recording_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/recording"
)

const manifest = `{"version":1,"id":"rec","call":"c","format":"wav","rate":16000,"channels":3,"started":"2026-01-02T03:04:05Z",` +
	`"pauses":[{"started":"2026-01-02T03:04:06Z","duration":1000000000},{"started":"2026-01-02T03:04:09Z","open":true}],` +
	`"participants":[{"ID":"4:+1","Channel":0},{"ID":"4:+2","Channel":-1}],"ended":true,"samples":100,"dropped":1,"error":"full"}`

// FuzzManifest: a manifest that is taken can be told of, whatever it says.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(manifest))
	f.Add([]byte(strings.Replace(manifest, "16000", "4000", 1)))
	f.Add([]byte(`{"version":1,"id":"rec","format":"wav","rate":8000,"channels":1,"started":"0001-01-01T00:00:00+23:59"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		switch taken, err := recording.CheckManifest(text); {
		case taken && err != nil:
			t.Fatal(err)
		case !taken && !errors.Is(err, recording.ErrDamaged):
			t.Fatalf("%v, want ErrDamaged", err)
		}
	})
}

// FuzzRepair: whatever stands in a manifest and a file, nothing that may be
// sound is lost, and a second Repair says what the first said.
func FuzzRepair(f *testing.F) {
	f.Add([]byte(manifest), []byte(wav3(f)))
	f.Add([]byte(manifest[:50]), []byte(wav3(f))[:47])
	f.Add([]byte(strings.Replace(manifest, "2026", "9999", -1)), make([]byte, 60))
	f.Add([]byte("{}"), []byte("hello"))
	f.Fuzz(func(t *testing.T, manifest, sound []byte) {
		s := lay(t, map[string]string{"rec-0.manifest.json": string(manifest), "rec-0.wav.part": string(sound)})
		first, _ := s.Repair(t.Context())
		if len(first) > 1 || len(first) == 1 && first[0].ID != "rec" {
			t.Fatalf("%+v", first)
		}
		kept := false
		for _, at := range []string{"rec-0.wav", "rec-0.wav.part", "damaged/rec-0.wav.part"} {
			b, err := os.ReadFile(filepath.Join(s.Dir, at))
			if err == nil && len(b) <= len(sound) && bytes.HasPrefix(sound[min(44, len(sound)):], b[min(44, len(b)):]) && len(sound)-len(b) < 512 {
				kept = true
			}
		}
		if !kept && len(sound) >= 44+512 { // less than a sample of 256 channels may be dropped
			t.Fatalf("%d bytes of sound are lost", len(sound))
		}
		second, err := s.Repair(t.Context())
		if len(first) == 1 && len(first[0].Chunks) == 1 {
			if err != nil || len(second) != 1 || !alike(first[0], second[0]) {
				t.Fatalf("first %+v, then %+v, %v", first, second, err)
			}
			checkDocument(t, s, first[0])
		}
		if err := s.Announced("rec"); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Repair(t.Context()); err != nil || len(again) != 0 {
			t.Fatalf("announced, and yet %+v, %v", again, err)
		}
	})
}

// checkDocument wants a document of the length that its result says.
func checkDocument(t *testing.T, s *recording.Store, r recording.Result) {
	t.Helper()
	file, info, err := s.Open("rec-0")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info.Size != r.Chunks[0].Bytes || r.Samples <= 0 {
		t.Fatalf("%+v of %+v", info, r)
	}
	if _, err := s.Metadata("rec-0"); err != nil {
		t.Fatal(err)
	}
}
