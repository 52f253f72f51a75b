package recording_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/recording"
)

// A ruin is what somebody else, an older version or a broken disk left.
type ruin struct {
	change  func(files map[string]string)
	results string // of each: id, samples and what is wrong
	folder  string
	counted string
	fine    bool // Repair has nothing to complain of
}

func TestRuins(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	sound, manifest := left["rec-0.wav.part"], left["rec-0.manifest.json"]
	const whole, kept = "rec-0.json rec-0.manifest.json rec-0.wav", "damaged/rec-0.wav.part rec-0.manifest.json"
	edit := func(old, with string) func(map[string]string) {
		return func(f map[string]string) {
			f["rec-0.manifest.json"] = strings.Replace(manifest, old, with, 1)
		}
	}
	put := func(name, text string) func(map[string]string) {
		return func(f map[string]string) { f[name] = text }
	}
	drop := func(name string) func(map[string]string) { return func(f map[string]string) { delete(f, name) } }
	adopted := ruin{results: "rec 18880", folder: "damaged/rec-0.manifest.json " + whole, counted: "completed=1", fine: true}
	for name, r := range map[string]ruin{
		"no manifest":       {drop("rec-0.manifest.json"), "rec 18880", whole, "completed=1", true},
		"nothing to adopt":  {func(f map[string]string) { clear(f); f["rec-0.wav.part"] = sound[:header] }, "", "", "empty=1", true},
		"nothing at all":    {func(f map[string]string) { clear(f); f["rec-0.wav.part"] = "" }, "", "", "empty=1", true},
		"no sound":          {drop("rec-0.wav.part"), "rec 0", "rec-0.manifest.json", "empty=1", true},
		"an empty file":     {put("rec-0.wav.part", ""), "rec 0", "rec-0.manifest.json", "empty=1", true},
		"a header only":     {put("rec-0.wav.part", sound[:header]), "rec 0", "rec-0.manifest.json", "empty=1", true},
		"a header of zeros": {put("rec-0.wav.part", strings.Repeat("\x00", header)+sound[header:]), "rec 18880", whole, "completed=1", true},
		"wrong sizes":       {put("rec-0.wav.part", sound[:4]+"abcd"+sound[8:40]+"efgh"+sound[header:]), "rec 18880", whole, "completed=1", true},
		"another's file":    {put("rec-0.wav.part", "%PDF-1.7 "+sound), "rec 0 damaged", kept, "damaged=1", false},
		"a short foreign":   {put("rec-0.wav.part", "hello"), "rec 0 damaged", kept, "damaged=1", false},
		"a zero header, and nobody knows": {func(f map[string]string) {
			clear(f)
			f["rec-0.wav.part"] = strings.Repeat("\x00", header) + sound[header:]
		}, "rec 0 damaged", "damaged/rec-0.wav.part", "damaged=1", false},
		"foreign, and nobody knows": {func(f map[string]string) { clear(f); f["rec-0.wav.part"] = "hello" }, "rec 0 damaged", "damaged/rec-0.wav.part", "damaged=1", false},
		"the samples are gone": {func(f map[string]string) {
			delete(f, "rec-0.wav.part")
			edit(`"version":1`, `"version":1,"samples":9`)(f)
		}, "rec 0 damaged", "rec-0.manifest.json", "damaged=1", false},
		"a manifest that is empty": adopted.with(put("rec-0.manifest.json", "")),
		"a manifest cut off":       adopted.with(put("rec-0.manifest.json", manifest[:len(manifest)/2])),
		"a manifest of zeros":      adopted.with(put("rec-0.manifest.json", strings.Repeat("\x00", len(manifest)))),
		"a manifest without end":   adopted.with(put("rec-0.manifest.json", strings.Repeat(" ", 2<<20))),
		"a version to come":        adopted.with(edit(`"version":1`, `"version":2`)),
		"another's manifest":       adopted.with(edit(`"id":"rec"`, `"id":"other"`)),
		"an id that leads out":     adopted.with(edit(`"id":"rec"`, `"id":"../rec"`)),
		"no channels":              adopted.with(edit(`"channels":3`, `"channels":0`)),
		"too many channels":        adopted.with(edit(`"channels":3`, `"channels":3000`)),
		"a channel too far":        adopted.with(edit(`"Channel":1`, `"Channel":3`)),
		"no rate":                  adopted.with(edit(`"rate":16000`, `"rate":1`)),
		"a strange format":         adopted.with(edit(`"format":"wav"`, `"format":"mp3"`)),
		"the end of time":          adopted.with(edit(`"started":"2000`, `"started":"9999`)),
		"a pause before time":      adopted.with(edit(`"version":1`, `"version":1,"pauses":[{"started":"2000-01-01T00:00:00Z","duration":-1}]`)),
		"a manifest for a finished one": {func(f map[string]string) {
			delete(f, "rec-0.wav.part")
			f["rec-0.wav"], f["rec-0.manifest.json"] = sound, "?"
		}, "rec 18880", "damaged/rec-0.manifest.json " + whole, "announced late=1", true},
		"two sounds": {put("rec-0.wav", sound), "rec 18880", "damaged/rec-0.wav.part " + whole, "damaged=1", false},
		"foreign names": {func(f map[string]string) {
			f["up load-0.wav.part"], f["notes.manifest.json"], f["x.wav.part"], f["-0.wav.part"], f["report.txt"], f["a-0.wav"] = "a", "b", "c", "d", "e", "f"
		}, "rec 18880", "a-0.wav damaged/-0.wav.part damaged/notes.manifest.json damaged/up load-0.wav.part damaged/x.wav.part " +
			"rec-0.json rec-0.manifest.json rec-0.wav report.txt", "completed=1 damaged=4", true},
	} {
		t.Run(name, func(t *testing.T) { r.test(t, maps.Clone(left)) })
	}
}

func (r ruin) with(change func(map[string]string)) ruin {
	r.change = change
	return r
}

func (r ruin) test(t *testing.T, files map[string]string) {
	r.change(files)
	files["good-0.wav.part"] = files["rec-0.wav.part"][:0] + wav3(t)
	s := lay(t, files)
	results, err := s.Repair(t.Context())
	if (err == nil) != r.fine {
		t.Errorf("Repair says %v", err)
	}
	var got []string
	good := false
	for _, r := range results {
		if r.ID == "good" { // whatever became of the other
			good = r.Err == nil && r.Samples == 100
			continue
		}
		said := fmt.Sprintf("%s %d", r.ID, r.Samples)
		if errors.Is(r.Err, recording.ErrDamaged) && len(r.Chunks) == 0 {
			said += " damaged"
		}
		got = append(got, said)
	}
	if strings.Join(got, ", ") != r.results || !good {
		t.Errorf("results %v (good: %v), want %s", got, good, r.results)
	}
	there := folder(t, s.Dir)
	maps.DeleteFunc(there, func(name, _ string) bool { return strings.HasPrefix(name, "good-0.") })
	if got := names(there); got != r.folder {
		t.Errorf("in the folder: %s\nwant %s", got, r.folder)
	}
	if want := plus(r.counted); counted(s) != want {
		t.Errorf("counted %s, want %s", counted(s), want)
	}
}

// plus counts the good one beside the ruin.
func plus(counted string) string {
	if strings.Contains(counted, "completed=1") {
		return strings.Replace(counted, "completed=1", "completed=2", 1)
	}
	parts := append(strings.Split(strings.ReplaceAll(counted, "announced ", "announced_"), " "), "completed=1")
	slices.Sort(parts)
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(parts, " "), "announced_", "announced "))
}

// wav3 is a recording of 100 samples on three channels, as an older version left
// one.
func wav3(t testing.TB) string {
	t.Helper()
	b := []byte("RIFF....WAVEfmt \x10\x00\x00\x00\x01\x00\x03\x00\x80\x3e\x00\x00\x00\x77\x01\x00\x06\x00\x10\x00data....")
	for i := range 300 {
		b = binary.LittleEndian.AppendUint16(b, uint16(i))
	}
	return string(b)
}
