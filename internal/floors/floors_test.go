// Package floors keeps the house standing: imports go down only, packages of
// one floor are strangers, and every package says what it is.
package floors

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tipring/tipring/"

// floor is where each package stands; ARCHITECTURE.md draws it. A package in a
// folder of its own below another (an engine, a test kit) stands beside it and
// may import it.
var floor = map[string]int{
	"media": 0, "internal/metric": 0,

	"media/codec": 1, "media/jitter": 1, "media/plc": 1, "media/resample": 1, "media/mix": 1,
	"media/level": 1, "media/wav": 1, "media/mp3": 1, "media/metronome": 1, "media/mediatest": 1,
	"dtmf": 1, "internal/leg": 1, "internal/sdp": 1, "internal/event": 1, "internal/journal": 1,
	"internal/acs": 1, "internal/jwt": 1, "internal/dial": 1, "internal/config": 1,

	"media/room": 2, "media/rtp": 2, "media/record": 2, "tts": 2, "stream": 2, "transcription": 2,
	"internal/directory": 2, "internal/leg/legtest": 2, "internal/outbox": 2,

	"internal/sip": 3, "internal/webrtc": 3, "internal/recording": 3, "internal/prompt": 3,

	"internal/call": 4,

	"internal/api": 5, "internal/webhook": 5, "internal/console": 5,

	"internal/server": 6,

	"cmd/tipring": 7, "bench": 7, "internal/e2e": 7, "internal/floors": 7,
}

type pkg struct {
	ImportPath, Doc  string
	GoFiles, Imports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,GoFiles,Imports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// home is the place on the map of a package: its own, or its parent folder's.
func home(name string) (string, bool) {
	for p := name; p != "." && p != "/"; p = path.Dir(p) {
		if _, ok := floor[p]; ok {
			return p, true
		}
	}
	return "", false
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name+"/" == module {
			continue
		}
		here, ok := home(name)
		if !ok {
			t.Errorf("%s has no floor: give it one in this test and in ARCHITECTURE.md", name)
			continue
		}
		for _, imported := range p.Imports {
			dep, ours := strings.CutPrefix(imported, module)
			if !ours {
				if floor[here] == 0 && strings.Contains(imported, ".") {
					t.Errorf("%s (floor 0) imports %s: words need the standard library only", name, imported)
				}
				continue
			}
			there, _ := home(dep)
			if there != here && floor[there] >= floor[here] {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only", name, floor[here], dep, floor[there])
			}
		}
	}
}

// TestSoundKnowsNothingOfCalls: the top-level folders are for anyone to import,
// so nothing of internal/ but the counters stands below them.
func TestSoundKnowsNothingOfCalls(t *testing.T) {
	allowed := []string{"internal/metric", "internal/dial"}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/") || strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "bench") {
			continue
		}
		for _, imported := range p.Imports {
			if dep, ours := strings.CutPrefix(imported, module); ours && strings.HasPrefix(dep, "internal/") && !slices.Contains(allowed, dep) {
				t.Errorf("%s imports %s: the sound path knows nothing of calls", name, dep)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}
