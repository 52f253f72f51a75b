package recording_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tipring/tipring/internal/acs"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
)

const header = 44 // bytes before the samples

// count is a signal of which every sample says where it belongs.
func count(tick uint64, sample, channel int) int16 {
	return int16(uint16(tick*320+uint64(sample)) + uint16(channel)*4096)
}

// say lets a tap hear the counting signal for one tick.
func say(tap media.Sink, tick uint64, channel int) error {
	f := media.Frame{Rate: media.Rate16k, Tick: tick}
	for i := range f.PCM() {
		f.PCM()[i] = count(tick, i, channel)
	}
	return tap.Write(&f)
}

// folder is what is in a folder, by name.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func names(files map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(files)), " ")
}

// lay makes a store with these files.
func lay(t testing.TB, files map[string]string) *recording.Store {
	t.Helper()
	s := &recording.Store{Dir: t.TempDir(), Metrics: new(metric.Set)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func counted(s *recording.Store) string {
	var all []string
	for _, r := range s.Metrics.Read() {
		all = append(all, fmt.Sprintf("%s=%v", r.Value, r.Number))
	}
	return strings.Join(all, " ")
}

// crashed is what is on the disk after so many ticks of a recording of two
// voices in three channels, and what its normal close came to later.
func crashed(t *testing.T, o recording.Options, ticks uint64, during func(*tape)) (left map[string]string, closed recording.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, o)
		taps := []media.Sink{tp.Tap("4:+1"), tp.Tap("4:+2")}
		for tick := range ticks {
			for channel, tap := range taps {
				if err := say(tap, tick, channel); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		if during != nil {
			during(tp)
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		left = folder(t, tp.store.Dir)
		result, err := tp.Stop(t.Context())
		if err != nil || <-tp.ran != nil {
			t.Fatal(err)
		}
		closed = result
	})
	return left, closed
}

var three = recording.Options{ID: "rec", Call: "call-1", Resource: "res-1", MaxChannels: 3}

// repair repairs, and wants it to work.
func repair(t *testing.T, s *recording.Store) []recording.Result {
	t.Helper()
	results, err := s.Repair(t.Context())
	if err != nil {
		t.Error(err)
	}
	return results
}

// counting wants a document that counts, channel by channel, and gives its length.
func counting(t *testing.T, s *recording.Store, document string, voices int) int {
	t.Helper()
	channels, _ := open(t, s, document)
	for c, pcm := range channels {
		if len(pcm) != len(channels[0]) {
			t.Errorf("%s: channel %d has %d samples, channel 0 %d", document, c, len(pcm), len(channels[0]))
		}
		for i, v := range pcm {
			want := int16(0)
			if c < voices {
				want = count(0, i, c)
			}
			if v != want {
				t.Fatalf("%s: channel %d, sample %d is %d, want %d", document, c, i, v, want)
			}
		}
	}
	return len(channels[0])
}

// alike compares results, but for the times' inner clocks.
func alike(a, b recording.Result) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestARepairedRecordingIsAsIfItHadBeenStopped(t *testing.T) {
	left, _ := crashed(t, three, 100, nil)
	if got := names(left); got != "rec-0.manifest.json rec-0.wav.part" {
		t.Fatalf("left: %s", got)
	}
	s := lay(t, left)
	results := repair(t, s)
	if len(results) != 1 {
		t.Fatalf("results %+v", results)
	}
	r := results[0]
	people := []recording.Participant{{ID: "4:+1", Channel: 0}, {ID: "4:+2", Channel: 1}}
	if r.ID != "rec" || r.Call != "call-1" || r.Err != nil || r.Mixed || r.Format != "wav" || r.Rate != 16000 || r.Started.Year() != 2000 || !reflect.DeepEqual(r.Participants, people) {
		t.Errorf("%+v", r)
	}
	if r.Samples != 99*320 || r.Duration != 1980*time.Millisecond { // the last tick is not over
		t.Errorf("%d samples, %v; want 99 ticks", r.Samples, r.Duration)
	}
	chunk := recording.Chunk{Document: "rec-0", Started: r.Started, Duration: r.Duration, Bytes: header + 99*320*6, EndReason: "SessionEnded"}
	if len(r.Chunks) != 1 || r.Chunks[0] != chunk {
		t.Errorf("chunks %+v, want %+v", r.Chunks, chunk)
	}
	if n := counting(t, s, "rec-0", 2); n != 99*320 {
		t.Errorf("%d samples in the file", n)
	}
	text, err := s.Metadata("rec-0")
	var page acs.RecordingMetadata
	if err != nil || json.Unmarshal(text, &page) != nil || page.ResourceID != "res-1" || page.CallID != "call-1" || page.ChunkDuration != 1980 ||
		len(page.Participants) != 2 || page.RecordingInfo.Audio.Channels != 3 {
		t.Errorf("%s, %v", text, err)
	}
	if again := repair(t, s); len(again) != 1 || !alike(again[0], r) {
		t.Errorf("not announced, and the next start knows only %+v", again)
	}
	if err := s.Announced("rec"); err != nil {
		t.Error(err)
	}
	if again := repair(t, s); len(again) != 0 {
		t.Errorf("announced, and it comes again: %+v", again)
	}
	if err := s.Announced("rec"); err != nil { // is no harm
		t.Error(err)
	}
	if got := names(folder(t, s.Dir)); got != "rec-0.json rec-0.wav" {
		t.Errorf("in the folder: %s", got)
	}
	if got := counted(s); got != "announced late=1 completed=1" {
		t.Errorf("counted %s", got)
	}
}

// TestWhatWasStoppedButNotAnnounced: the server died between a recording's end
// and its event. Nobody can tell that from its result.
func TestWhatWasStoppedButNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, three)
		taps := []media.Sink{tp.Tap("4:+1"), tp.Tap("4:+2")}
		tp.hear(30, taps, 1, 2)
		tp.Pause()
		tp.hear(30, taps, 1, 2)
		want, err := tp.Stop(t.Context())
		if err != nil || <-tp.ran != nil {
			t.Fatal(err)
		}
		before := folder(t, tp.store.Dir)
		results := repair(t, tp.store)
		if len(results) != 1 || !alike(results[0], want) {
			t.Errorf("got  %+v\nwant %+v", results, want)
		}
		if after := folder(t, tp.store.Dir); !maps.Equal(before, after) {
			t.Errorf("Repair changed what was complete: %s", names(after))
		}
		if err := tp.store.Announced("rec"); err != nil {
			t.Error(err)
		}
		if err := tp.store.Delete("rec-0"); err != nil || len(folder(t, tp.store.Dir)) != 0 {
			t.Errorf("%v; left: %s", err, names(folder(t, tp.store.Dir)))
		}
	})
}

// TestPausesAreRepaired: those that ended, and one that did not.
func TestPausesAreRepaired(t *testing.T) {
	left, _ := crashed(t, three, 60, func(tp *tape) {
		tp.Pause()
		<-time.After(2 * time.Second)
		tp.Resume()
		<-time.After(time.Second)
		tp.Pause()
		<-time.After(20 * time.Second)
	})
	s := lay(t, left)
	stamp(t, s, left)
	r := repair(t, s)[0]
	if len(r.Pauses) != 2 || r.Pauses[0].Duration != 2*time.Second || r.Pauses[1].Duration < 20*time.Second || r.Pauses[1].Duration > 26*time.Second {
		t.Errorf("pauses %+v, want 2 s and about 23 s", r.Pauses)
	}
	text, _ := s.Metadata("rec-0")
	var page acs.RecordingMetadata
	if json.Unmarshal(text, &page); len(page.PauseResumeIntervals) != 2 || page.PauseResumeIntervals[0].Duration != 2000 {
		t.Errorf("%s", text)
	}
	if again := repair(t, s); len(again) != 1 || !alike(again[0], r) {
		t.Errorf("first %+v, then %+v", r, again)
	}
}

// stamp gives the sound in a store the time of its last sign of life: 25 s after
// its start.
func stamp(t *testing.T, s *recording.Store, left map[string]string) {
	t.Helper()
	var m struct{ Started time.Time }
	if err := json.Unmarshal([]byte(left["rec-0.manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	at := m.Started.Add(25 * time.Second)
	if err := os.Chtimes(filepath.Join(s.Dir, "rec-0.wav.part"), at, at); err != nil {
		t.Fatal(err)
	}
}

// TestAPauseLeavesASignOfLife: of a pause nothing is written, and yet a crash
// does not lose its length.
func TestAPauseLeavesASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, three)
		tp.hear(10, []media.Sink{tp.Tap("4:+1")}, 1)
		tp.Pause()
		<-time.After(time.Hour)
		synctest.Wait()
		stat, err := os.Stat(filepath.Join(tp.store.Dir, "rec-0.wav.part"))
		if err != nil {
			t.Fatal(err)
		}
		if behind := time.Since(stat.ModTime()); behind < 0 || behind > 6*time.Second {
			t.Errorf("the last sign of life is %v old", behind)
		}
		tp.stop()
	})
}

// TestTheManifestKeepsUp: who comes is in it, and what was resumed.
func TestTheManifestKeepsUp(t *testing.T) {
	left, _ := crashed(t, three, 10, func(tp *tape) {
		tp.Tap("4:+3")
		tp.Tap("4:+4") // beyond the last channel
		tp.Pause()
		<-time.After(time.Second)
		tp.Resume()
	})
	r := repair(t, lay(t, left))[0]
	if n := len(r.Participants); n != 4 || r.Participants[2] != (recording.Participant{ID: "4:+3", Channel: 2}) || r.Participants[3].Channel != -1 {
		t.Errorf("participants %+v", r.Participants)
	}
	if len(r.Pauses) != 1 || r.Pauses[0].Duration != time.Second {
		t.Errorf("pauses %+v", r.Pauses)
	}
}

// TestCutAnywhere: the file may end at any byte.
func TestCutAnywhere(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	sound := left["rec-0.wav.part"]
	cuts := []int{len(sound) - 7, len(sound) - 1, len(sound)}
	for n := range header + 20 {
		cuts = append(cuts, n)
	}
	for _, tick := range []int{1, 10, 50} {
		for d := -7; d <= 7; d++ {
			cuts = append(cuts, header+tick*320*6+d)
		}
	}
	for _, cut := range cuts {
		left["rec-0.wav.part"] = sound[:cut]
		s := lay(t, left)
		results, want := repair(t, s), max(cut-header, 0)/6
		if len(results) != 1 || results[0].Samples != int64(want) || results[0].ID != "rec" {
			t.Fatalf("cut at %d: %+v, want %d samples", cut, results, want)
		}
		there := "rec-0.json rec-0.wav"
		if want == 0 {
			there = ""
		} else if n := counting(t, s, "rec-0", 2); n != want {
			t.Errorf("cut at %d: %d samples in the file, want %d", cut, n, want)
		}
		if got := results[0].Chunks; len(got) == 0 != (want == 0) || want > 0 && got[0].Bytes != int64(header+6*want) {
			t.Errorf("cut at %d: chunks %+v", cut, got)
		}
		if err := s.Announced("rec"); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		}
		if got := names(folder(t, s.Dir)); got != there {
			t.Errorf("cut at %d: in the folder: %s, want %s", cut, got, there)
		}
	}
}

// TestStoppedInTheMiddleOfRepair: whatever was done already, the result is the
// same.
func TestStoppedInTheMiddleOfRepair(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	whole := lay(t, left)
	want := repair(t, whole)[0]
	complete := folder(t, whole.Dir)
	sound, page, manifest := complete["rec-0.wav"], complete["rec-0.json"], complete["rec-0.manifest.json"]
	for name, files := range map[string]map[string]string{
		"the header was filled in":       {"rec-0.wav.part": sound, "rec-0.manifest.json": manifest},
		"the manifest was being written": {"rec-0.wav.part": sound, "rec-0.manifest.json": manifest, "rec-0.manifest.json.part": manifest[:20]},
		"the sound has its name":         {"rec-0.wav": sound, "rec-0.manifest.json": manifest},
		"the page was being written":     {"rec-0.wav": sound, "rec-0.json.part": page[:20], "rec-0.manifest.json": manifest},
		"all was there":                  complete,
	} {
		s := lay(t, files)
		if results := repair(t, s); len(results) != 1 || !alike(results[0], want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, results, want)
		}
		if got := folder(t, s.Dir); !maps.Equal(got, complete) {
			t.Errorf("%s: in the folder: %s", name, names(got))
		}
	}
}

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

func TestNothingToRepair(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "not", "there")} {
		if results, err := (&recording.Store{Dir: dir}).Repair(t.Context()); len(results) != 0 || err != nil {
			t.Errorf("%+v, %v", results, err)
		}
	}
	s := &recording.Store{Dir: filepath.Join(t.TempDir(), "file")}
	if err := os.WriteFile(s.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Repair(t.Context()); err == nil {
		t.Error("a folder that is none")
	}
}

func TestAnnouncedTooEarly(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	s := lay(t, left)
	if err := s.Announced("rec"); !errors.Is(err, recording.ErrUnfinished) {
		t.Errorf("got %v", err)
	}
	if len(repair(t, s)) != 1 {
		t.Error("it was forgotten")
	}
	for _, id := range []string{"", "../rec", "nobody"} {
		if err := s.Announced(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestTheEventOfAResult(t *testing.T) {
	left, closed := crashed(t, recording.Options{ID: "rec", Mixed: true}, 60, nil)
	r := repair(t, lay(t, left))[0]
	for _, ready := range []any{r.Ready(), closed.Ready()} {
		text, _ := json.Marshal(ready)
		if !strings.Contains(string(text), `"Channel":"mixed","Format":"wav","EndReason":"CallEnded","Chunks":[{"Document":"rec-0","Index":0,"EndReason":"SessionEnded"}]`) {
			t.Errorf("%s", text)
		}
	}
}

// TestAnIDIsTakenUntilItIsAnnounced: two recordings never share a manifest.
func TestAnIDIsTakenUntilItIsAnnounced(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	delete(left, "rec-0.wav.part")
	s := lay(t, left)
	if _, err := s.Start(three); err == nil {
		t.Error("an id was taken twice")
	}
}
