package record_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A file keeps what is written, row by row, as one value for each tick and
// channel: the first sample of it.
type file struct {
	channels int
	ticks    [][]int16
	flushes  int
	whole    int // ticks in the file after the last flush
	closed   int
	err      error
	gate     chan struct{} // if set, a write waits for it
}

func (f *file) WriteSamples(pcm []int16) error {
	if f.gate != nil {
		<-f.gate
	}
	if f.err != nil {
		return f.err
	}
	for row := range slices.Chunk(pcm, f.channels*record.Rate.Samples()) {
		f.ticks = append(f.ticks, slices.Clone(row[:f.channels]))
	}
	return nil
}

func (f *file) Flush() error { f.flushes++; f.whole = len(f.ticks); return nil }
func (f *file) Close() error { f.closed++; return nil }

// channel is what the file has on one channel.
func (f *file) channel(i int) []int16 {
	var all []int16
	for _, row := range f.ticks {
		all = append(all, row[i])
	}
	return all
}

// say writes frames of one level to an ear, for each tick of from … to−1.
func say(t *testing.T, ear media.Sink, from, to uint64, level int16) {
	t.Helper()
	f := media.Frame{Rate: record.Rate}
	for i := range f.PCM() {
		f.PCM()[i] = level
	}
	for f.Tick = from; f.Tick < to; f.Tick++ {
		if err := ear.Write(&f); err != nil {
			t.Fatalf("tick %d: %v", f.Tick, err)
		}
	}
}

// levels is n values each of a row of values.
func levels(pairs ...int16) []int16 {
	var all []int16
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, slices.Repeat([]int16{pairs[i+1]}, int(pairs[i]))...)
	}
	return all
}

func finish(t *testing.T, r *record.Recorder, at uint64) record.Report {
	t.Helper()
	r.Stop(at)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.Report()
}

func TestChannelsStayInStep(t *testing.T) {
	out := &file{channels: 3}
	r := record.Unmixed(out, 3)
	r.Start(100)
	say(t, r.Channel(0), 100, 110, 1)
	say(t, r.Channel(0), 110, 120, 2)
	say(t, r.Channel(1), 105, 110, 7) // came late, left early, came back after a gap
	say(t, r.Channel(1), 117, 120, 8)
	report := finish(t, r, 125)
	if got, want := out.channel(0), levels(10, 1, 10, 2, 5, 0); !slices.Equal(got, want) {
		t.Errorf("channel 0: %v, want %v", got, want)
	}
	if got, want := out.channel(1), levels(5, 0, 5, 7, 7, 0, 3, 8, 5, 0); !slices.Equal(got, want) {
		t.Errorf("channel 1: %v, want %v", got, want)
	}
	if got, want := out.channel(2), levels(25, 0); !slices.Equal(got, want) {
		t.Errorf("channel 2: %v, want %v", got, want)
	}
	if report.Start != 100 || report.Stop != 125 || report.Duration() != 500*time.Millisecond || report.Samples != 8000 || report.Dropped != 0 {
		t.Errorf("report %+v, want ticks 100 to 125, 500 ms, nothing dropped", report)
	}
	if out.closed != 1 {
		t.Errorf("closed %d times, want once", out.closed)
	}
}

func TestWithoutAStartItBeginsWithTheFirstTickHeard(t *testing.T) {
	out := &file{channels: 2}
	r := record.Unmixed(out, 2)
	say(t, r.Channel(1), 40, 42, 5)
	say(t, r.Channel(0), 41, 42, 4)
	if report := finish(t, r, r.Now()); report.Start != 40 || report.Stop != 42 {
		t.Errorf("report %+v, want ticks 40 to 42", report)
	}
	if got, want := out.channel(0), levels(1, 0, 1, 4); !slices.Equal(got, want) {
		t.Errorf("channel 0: %v, want %v", got, want)
	}
}

func TestPausesTakeTimeOut(t *testing.T) {
	type at = struct {
		name string
		tick uint64
	}
	for _, test := range []struct {
		name   string
		marks  []at
		want   []int16
		pauses []record.Interval
	}{
		{"one", []at{{"pause", 10}, {"resume", 20}, {"stop", 30}},
			levels(10, 10, 10, 30), []record.Interval{{From: 10, To: 20}}},
		{"two", []at{{"pause", 5}, {"resume", 10}, {"pause", 20}, {"resume", 25}, {"stop", 30}},
			levels(5, 10, 10, 20, 5, 30), []record.Interval{{From: 5, To: 10}, {From: 20, To: 25}}},
		{"from the start", []at{{"pause", 0}, {"resume", 20}, {"stop", 30}},
			levels(10, 30), []record.Interval{{From: 0, To: 20}}},
		{"to the end", []at{{"pause", 10}, {"stop", 30}},
			levels(10, 10), []record.Interval{{From: 10, To: 30}}},
		{"asked for twice", []at{{"pause", 10}, {"pause", 12}, {"resume", 20}, {"resume", 22}, {"stop", 30}},
			levels(10, 10, 10, 30), []record.Interval{{From: 10, To: 20}}},
		{"and a stop in the past", []at{{"pause", 10}, {"resume", 20}, {"stop", 15}},
			levels(10, 10), []record.Interval{{From: 10, To: 15}}},
		{"nothing after a stop", []at{{"stop", 10}, {"resume", 20}, {"stop", 30}},
			levels(10, 10), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := &file{channels: 1}
			r := record.Mixed(out)
			r.Start(0)
			for _, m := range test.marks {
				switch m.name {
				case "pause":
					r.Pause(m.tick)
				case "resume":
					r.Resume(m.tick)
				case "stop":
					r.Stop(m.tick)
				}
			}
			say(t, r.Channel(0), 0, 10, 10)
			say(t, r.Channel(0), 10, 20, 20)
			say(t, r.Channel(0), 20, 30, 30)
			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := out.channel(0); !slices.Equal(got, test.want) {
				t.Errorf("wrote %v, want %v", got, test.want)
			}
			if got := r.Report(); !slices.Equal(got.Pauses, test.pauses) || got.Samples != uint64(320*len(test.want)) {
				t.Errorf("report %+v, want pauses %v", got, test.pauses)
			}
		})
	}
}

func TestAnEmptyRecording(t *testing.T) {
	for _, started := range []bool{false, true} {
		out := &file{channels: 1}
		r := record.Mixed(out)
		if started {
			r.Start(1000)
			r.Pause(1000)
		}
		if report := finish(t, r, r.Now()); report.Samples != 0 || out.closed != 1 {
			t.Errorf("started %v: report %+v, closed %d times", started, report, out.closed)
		}
	}
}

// TestASlowDiskCostsItsOwnSoundOnly: nobody reads the ring while far more than
// it holds is said.
func TestASlowDiskCostsItsOwnSoundOnly(t *testing.T) {
	out := &file{channels: 2}
	r := record.Unmixed(out, 2)
	r.Start(0)
	say(t, r.Channel(0), 0, 250, 3) // only the last two seconds have room
	say(t, r.Channel(1), 249, 250, 4)
	report := finish(t, r, 250)
	if got, want := out.channel(0), levels(150, 0, 100, 3); !slices.Equal(got, want) {
		t.Errorf("channel 0: %v, want %v", got, want)
	}
	if got, want := out.channel(1), levels(249, 0, 1, 4); !slices.Equal(got, want) {
		t.Errorf("channel 1: %v, want %v", got, want)
	}
	if report.Dropped != 150 || report.Samples != 250*320 {
		t.Errorf("report %+v, want 150 frames dropped of 250", report)
	}
}

func TestTwoOnOneChannel(t *testing.T) {
	out := &file{channels: 1}
	r := record.Mixed(out)
	r.Start(0)
	for tick := range uint64(5) {
		say(t, r.Channel(0), tick, tick+1, 1)
		say(t, r.Channel(0), tick, tick+1, 2)
	}
	if report := finish(t, r, 5); report.Dropped != 5 {
		t.Errorf("report %+v, want 5 dropped", report)
	}
	if got, want := out.channel(0), levels(5, 1); !slices.Equal(got, want) {
		t.Errorf("wrote %v, want %v", got, want)
	}
}

func TestRunWritesWhileItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &file{channels: 1}
		r := record.Mixed(out)
		synced := 0
		r.Sync = func() error { synced++; return nil }
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		for second := range uint64(10) {
			say(t, r.Channel(0), second*50, second*50+50, 1)
			synctest.Wait()
			if got := out.whole; got < int(second*50+25) {
				t.Fatalf("after %d s, a file of %d ticks", second+1, got)
			}
		}
		r.Stop(500)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(out.ticks) != 500 || out.flushes < 10 || synced < 6 || synced > 11 {
			t.Errorf("%d ticks, %d flushes, %d syncs in 10 s", len(out.ticks), out.flushes, synced)
		}
		if err := r.Channel(0).Write(&media.Frame{Rate: record.Rate}); !errors.Is(err, record.ErrClosed) {
			t.Errorf("an ear says %v after the end, want ErrClosed", err)
		}
	})
}

// TestWhatWasHeardIsWrittenThoughNobodyIsLeft: the last one's voice does not
// stay in memory until the next one comes.
func TestWhatWasHeardIsWrittenThoughNobodyIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &file{channels: 1}
		r := record.Mixed(out)
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		synctest.Wait()
		say(t, r.Channel(0), 0, 20, 1)
		<-time.After(time.Second)
		synctest.Wait()
		if out.whole < 19 { // the tick of the last one may not be over
			t.Errorf("a second later %d ticks of 20 are in the file", out.whole)
		}
		r.Stop(20)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestAContextEndsTheRecordingWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &file{channels: 1}
		r := record.Mixed(out)
		r.Start(0)
		r.Pause(1_000_000) // never comes
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		say(t, r.Channel(0), 0, 30, 1)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want context.Canceled", err)
		}
		if len(out.ticks) != 30 || out.closed != 1 {
			t.Errorf("%d ticks written and closed %d times, want 30 and once", len(out.ticks), out.closed)
		}
	})
}

func TestAFullDiskEndsTheRecording(t *testing.T) {
	out := &file{channels: 1, err: errors.New("disk full")}
	r := record.Mixed(out)
	say(t, r.Channel(0), 0, 30, 1)
	r.Stop(30)
	if err := r.Run(t.Context()); !errors.Is(err, out.err) {
		t.Errorf("Run: %v, want %v", err, out.err)
	}
	if err := r.Channel(0).Write(&media.Frame{Rate: record.Rate}); !errors.Is(err, record.ErrClosed) {
		t.Errorf("an ear says %v, want ErrClosed", err)
	}
	if out.closed != 1 {
		t.Errorf("closed %d times, want once", out.closed)
	}
}

func TestNoSuchChannel(t *testing.T) {
	r := record.Unmixed(&file{channels: 2}, 2)
	for _, i := range []int{-1, 2} {
		if err := r.Channel(i).Write(&media.Frame{Rate: record.Rate}); err == nil {
			t.Errorf("channel %d takes frames", i)
		}
	}
}

func TestAnEarIsASink(t *testing.T) {
	mediatest.TestSink(t, func() media.Sink { return record.Mixed(&file{channels: 1}).Channel(0) })
}

func TestTheTickDoesNotAllocate(t *testing.T) {
	r := record.Unmixed(&file{channels: 2}, 2)
	f := media.Frame{Rate: media.Rate8k}
	if n := testing.AllocsPerRun(500, func() {
		f.Tick++
		r.Channel(0).Write(&f)
		r.Channel(1).Write(&f)
	}); n != 0 {
		t.Errorf("%v allocations a tick, want 0", n)
	}
}
