package recording_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/wav"
)

// TestMain is also where a child of these tests begins.
func TestMain(m *testing.M) {
	if work, dir := os.Getenv("RECORDING_CHILD"), os.Getenv("RECORDING_DIR"); work != "" {
		if err := children[work](dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// tape is a recording that runs, and the room around it.
type tape struct {
	*recording.Recording
	t     *testing.T
	store *recording.Store
	tick  uint64
	ran   chan error
}

func begin(t *testing.T, o recording.Options) *tape {
	t.Helper()
	store := &recording.Store{Dir: filepath.Join(t.TempDir(), "recordings")}
	rec, err := store.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	tp := &tape{Recording: rec, t: t, store: store, tick: 1000, ran: make(chan error, 1)}
	go func() { tp.ran <- rec.Run(context.Background()) }()
	return tp
}

// hear lets some ticks go by, in which each tap hears the value at its place.
func (tp *tape) hear(ticks int, taps []media.Sink, values ...int16) {
	tp.t.Helper()
	f := media.Frame{Rate: media.Rate16k}
	for range ticks {
		f.Tick = tp.tick
		for i, tap := range taps {
			pcm := f.PCM()
			for j := range pcm {
				pcm[j] = values[i]
			}
			if err := tap.Write(&f); err != nil {
				tp.t.Fatalf("tap %d: %v", i, err)
			}
		}
		tp.tick++
		synctest.Wait() // a ring's patience is that of a disk, not of a loop
		<-time.After(media.Period)
	}
}

func (tp *tape) stop() recording.Result {
	tp.t.Helper()
	result, err := tp.Stop(tp.t.Context())
	if err != nil {
		tp.t.Fatal(err)
	}
	if err := <-tp.ran; !errors.Is(err, result.Err) {
		tp.t.Errorf("Run returned %v, the result says %v", err, result.Err)
	}
	if err := tp.store.Announced(result.ID); err != nil {
		tp.t.Error(err)
	}
	return result
}

// open reads a document, all channels apart.
func open(t *testing.T, s *recording.Store, document string) (channels [][]int16, info recording.Info) {
	t.Helper()
	f, info, err := s.Open(document)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.Format().Rate != 16000 {
		t.Errorf("recorded at %d Hz, want 16000", r.Format().Rate)
	}
	channels = make([][]int16, r.Format().Channels)
	buf := make([]int16, 500*len(channels))
	for {
		n, err := r.ReadChannels(buf)
		for i, v := range buf[:n] {
			channels[i%len(channels)] = append(channels[i%len(channels)], v)
		}
		if err == io.EOF {
			return channels, info
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func only(t *testing.T, what string, pcm []int16, want int16) {
	t.Helper()
	for i, v := range pcm {
		if v != want {
			t.Errorf("%s: sample %d is %d, want %d", what, i, v, want)
			return
		}
	}
}

func TestEachOnTheirChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", Call: "call", Resource: "res", Channels: []string{"8:acs:bob", "4:+1"}, MaxChannels: 4})
		started := time.Now()
		// In the order in which they come: the second of the list, a stranger, the first.
		taps := []media.Sink{tp.Tap("4:+1"), tp.Tap("8:acs:eve"), tp.Tap("8:acs:bob")}
		tp.hear(100, taps, 11, 22, 33)
		if again := tp.Tap("8:acs:eve"); again != taps[1] {
			t.Error("who comes back gets another channel")
		}
		result := tp.stop()

		want := []recording.Participant{{ID: "4:+1", Channel: 1}, {ID: "8:acs:eve", Channel: 2}, {ID: "8:acs:bob", Channel: 0}}
		if len(result.Participants) != 3 || result.Participants[0] != want[0] || result.Participants[1] != want[1] || result.Participants[2] != want[2] {
			t.Errorf("participants %+v, want %+v", result.Participants, want)
		}
		if result.Err != nil || len(result.Chunks) != 1 || result.Duration != 2*time.Second || result.Samples != 32000 || result.Dropped != 0 || !result.Started.Equal(started) {
			t.Fatalf("result %+v", result)
		}
		c := result.Chunks[0]
		channels, info := open(t, tp.store, c.Document)
		if len(channels) != 4 || len(channels[0]) != 32000 {
			t.Fatalf("%d channels of %d samples, want 4 of 32000", len(channels), len(channels[0]))
		}
		for i, v := range []int16{33, 11, 22, 0} {
			only(t, "channel "+string(rune('0'+i)), channels[i], v)
		}
		if info.ContentType != "audio/wav" || info.Size != c.Bytes || info.Size < 4*2*32000 {
			t.Errorf("info %+v, %d bytes", info, c.Bytes)
		}
		names, _ := filepath.Glob(filepath.Join(tp.store.Dir, "*"))
		if len(names) != 2 {
			t.Errorf("in the folder: %v", names)
		}
	})
}

func TestMetadataIsAzures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", Call: "call-1", Resource: "res-1", MaxChannels: 2})
		began := time.Now().UTC()
		taps := []media.Sink{tp.Tap("4:+1")}
		tp.hear(50, taps, 1)
		tp.Pause()
		paused := time.Now().UTC()
		tp.hear(25, taps, 2)
		tp.Resume()
		tp.hear(50, taps, 3)
		c := tp.stop().Chunks[0]
		page, err := tp.store.Metadata(c.Document)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"resourceId":"res-1","callId":"call-1","chunkDocumentId":"rec-0","chunkIndex":0,` +
			`"chunkStartTime":"` + began.Format(time.RFC3339Nano) + `","chunkDuration":2000,` +
			`"pauseResumeIntervals":[{"startTime":"` + paused.Format(time.RFC3339Nano) + `","duration":500}],` +
			`"recordingInfo":{"contentType":"unmixed","channelType":"audio","format":"wav","audioConfiguration":{"sampleRate":16000,"bitRate":512000,"channels":2}},` +
			`"participants":[{"participantId":"4:+1","channel":0}]}`
		if got := strings.TrimSpace(string(page)); got != want || !json.Valid(page) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAPauseIsNotInTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		taps := []media.Sink{tp.Tap("a")}
		if err := tp.Resume(); !errors.Is(err, recording.ErrState) {
			t.Errorf("resume of what runs: %v", err)
		}
		tp.hear(10, taps, 1)
		if err := tp.Pause(); err != nil || tp.Active() {
			t.Error("pause:", err, tp.Active())
		}
		if err := tp.Pause(); !errors.Is(err, recording.ErrState) {
			t.Errorf("a second pause: %v", err)
		}
		tp.hear(200, taps, 2)
		if err := tp.Resume(); err != nil || !tp.Active() {
			t.Error("resume:", err, tp.Active())
		}
		tp.hear(10, taps, 3)
		result := tp.stop()
		for name, verb := range map[string]func() error{"pause": tp.Pause, "resume": tp.Resume} {
			if err := verb(); !errors.Is(err, recording.ErrState) || tp.Active() {
				t.Errorf("%s of what has ended: %v", name, err)
			}
		}
		channels, _ := open(t, tp.store, result.Chunks[0].Document)
		if len(channels[0]) != 20*320 || result.Duration != 400*time.Millisecond {
			t.Fatalf("%d samples, %v; want 20 ticks", len(channels[0]), result.Duration)
		}
		only(t, "before the pause", channels[0][:3200], 1)
		only(t, "after the pause", channels[0][3200:], 3)
		if again, err := tp.Stop(t.Context()); err != nil || again.Duration != result.Duration {
			t.Errorf("a second stop: %+v, %v", again, err)
		}
	})
}

func TestPauseOnStart(t *testing.T) {
	for name, c := range map[string]struct {
		resume bool
		files  int
	}{"resumed": {true, 2}, "never resumed": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1, PauseOnStart: true})
				if tp.Active() {
					t.Error("it is active")
				}
				taps := []media.Sink{tp.Tap("a")}
				tp.hear(50, taps, 1)
				if c.resume {
					tp.Resume()
					tp.hear(10, taps, 2)
				}
				result := tp.stop()
				if c.resume {
					channels, _ := open(t, tp.store, result.Chunks[0].Document)
					if len(channels[0]) != 3200 || len(result.Pauses) != 1 || result.Pauses[0].Duration != time.Second {
						t.Errorf("%d samples, pauses %+v", len(channels[0]), result.Pauses)
					}
					only(t, "what was resumed", channels[0], 2)
				}
				if names, _ := filepath.Glob(filepath.Join(tp.store.Dir, "*")); len(names) != c.files || len(result.Chunks) != c.files/2 || result.Err != nil {
					t.Errorf("files %v, %+v", names, result)
				}
			})
		})
	}
}

func TestMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", Mixed: true, Format: "WAV", MaxChannels: 5, Channels: []string{"a"}})
		tp.hear(10, []media.Sink{tp.Tap("")}, 5)
		result := tp.stop()
		channels, _ := open(t, tp.store, result.Chunks[0].Document)
		if len(channels) != 1 || len(channels[0]) != 3200 || !result.Mixed || len(result.Participants) != 0 {
			t.Errorf("%d channels, %+v", len(channels), result)
		}
		only(t, "the mix", channels[0], 5)
	})
}

func TestBeyondTheLastChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		tp.hear(5, []media.Sink{tp.Tap("a")}, 5)
		if err := tp.Tap("b").Write(&media.Frame{Rate: media.Rate8k}); err == nil {
			t.Error("a tap without a channel takes frames")
		}
		if result := tp.stop(); len(result.Participants) != 2 || result.Participants[1].Channel != -1 {
			t.Errorf("participants %+v", result.Participants)
		}
	})
}

func TestItEndsWithItsContext(t *testing.T) {
	store := &recording.Store{Dir: t.TempDir()}
	rec, err := store.Start(recording.Options{ID: "rec", MaxChannels: 1})
	if err != nil {
		t.Fatal(err)
	}
	f := media.Frame{Rate: media.Rate16k}
	tap := rec.Tap("a")
	for f.Tick = range 20 {
		tap.Write(&f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := rec.Run(ctx); err != nil {
		t.Error(err)
	}
	result, err := rec.Stop(t.Context())
	if err != nil || result.Err != nil || result.Samples != 20*320 || len(result.Chunks) != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestADiskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		tap := tp.Tap("a")
		tp.hear(110, []media.Sink{tap}, 5) // flushed at least once
		tp.Break()
		f := media.Frame{Rate: media.Rate16k}
		for f.Tick = tp.tick; tap.Write(&f) == nil; f.Tick++ { // until the recording gives up
			synctest.Wait()
		}
		result, err := tp.Stop(t.Context())
		if err != nil || result.Err == nil || <-tp.ran == nil {
			t.Fatalf("%v, %+v: want the error in the result", err, result)
		}
		if len(result.Chunks) != 1 {
			t.Fatalf("what was written before is lost: %+v", result)
		}
		channels, _ := open(t, tp.store, result.Chunks[0].Document)
		if len(channels[0]) < 16000 {
			t.Errorf("%d samples are there, want those before the failure", len(channels[0]))
		}
		only(t, "before the failure", channels[0], 5)
		again, err := tp.store.Repair(t.Context())
		if err != nil || len(again) != 1 || again[0].Err == nil || again[0].Samples != result.Samples {
			t.Errorf("the next start knows %+v, %v", again, err)
		}
	})
}

func TestAFolderThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := begin(t, recording.Options{ID: "rec", MaxChannels: 1})
		tp.hear(10, []media.Sink{tp.Tap("a")}, 5)
		if err := os.RemoveAll(tp.store.Dir); err != nil {
			t.Fatal(err)
		}
		if result := tp.stop(); result.Err == nil || len(result.Chunks) != 0 {
			t.Errorf("%+v", result)
		}
	})
}

func TestStopHonoursItsContext(t *testing.T) {
	store := &recording.Store{Dir: t.TempDir()}
	rec, err := store.Start(recording.Options{ID: "rec"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rec.Stop(ctx); !errors.Is(err, context.Canceled) { // nobody runs it
		t.Errorf("got %v", err)
	}
	rec.Run(t.Context()) // gives the file back
}

func TestWhatCannotBeStarted(t *testing.T) {
	store := &recording.Store{Dir: t.TempDir()}
	for name, c := range map[string]struct {
		o    recording.Options
		want error
	}{
		"mp3":     {recording.Options{ID: "a", Format: "mp3"}, recording.ErrUnsupported},
		"mp4":     {recording.Options{ID: "a", Format: "mp4"}, recording.ErrUnsupported},
		"no name": {recording.Options{ID: ""}, nil},
		"a path":  {recording.Options{ID: "../a"}, nil},
	} {
		if _, err := store.Start(c.o); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(store.Dir, "taken-0.wav"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Start(recording.Options{ID: "taken"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := (&recording.Store{Dir: filepath.Join(store.Dir, "taken-0.wav", "in-a-file")}).Start(recording.Options{ID: "a"}); err == nil {
		t.Error("a folder that cannot be made")
	}
}

func TestTapsAreSinks(t *testing.T) {
	var stop []func()
	mediatest.TestSink(t, func() media.Sink {
		store := &recording.Store{Dir: t.TempDir()}
		rec, err := store.Start(recording.Options{ID: "rec"})
		if err != nil {
			t.Fatal(err)
		}
		stop = append(stop, func() {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			rec.Run(ctx)
		})
		return rec.Tap("a")
	})
	for _, f := range stop {
		f()
	}
}
