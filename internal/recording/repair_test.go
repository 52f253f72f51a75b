package recording_test

import (
	"bytes"
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
		if err := tp.store.Delete("rec-0"); err != nil || len(folder(t, tp.store.Dir)) != 0 { // so it was heard of
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
	left["rec-0.wav.part"] = left["rec-0.wav.part"][:header+1000] // so that there is something to mend
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
	if _, info := open(t, s, "rec-0"); !info.ModTime.Equal(r.Started.Add(25 * time.Second)) {
		t.Errorf("the document is of %v, not of its last sound", info.ModTime)
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
