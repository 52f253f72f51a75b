package media_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tipring/tipring/media"
)

// counting is a Source of n samples 1, 2, 3 … that obeys any rate.
func counting(first, n int) media.Source {
	next := first
	return media.SourceFunc(func(f *media.Frame) (int, error) {
		pcm := f.PCM()
		for i := range pcm {
			if next == first+n {
				return i, io.EOF
			}
			pcm[i] = int16(next)
			next++
		}
		return len(pcm), nil
	})
}

func readAll(t *testing.T, s media.Source, ticks int) (samples []int16, err error) {
	t.Helper()
	f := media.Frame{Rate: media.Rate8k}
	for range ticks {
		n, err := s.Read(&f)
		samples = append(samples, f.PCM()[:n]...)
		if err != nil {
			return samples, err
		}
	}
	return samples, nil
}

func wantCounting(t *testing.T, samples []int16, n int) {
	t.Helper()
	if len(samples) != n {
		t.Fatalf("got %d samples, want %d", len(samples), n)
	}
	for i, s := range samples {
		if int(s) != i+1 {
			t.Fatalf("sample %d is %d: the seam is not sample by sample", i, s)
		}
	}
}

func TestConcatJoinsSampleBySample(t *testing.T) {
	// Lengths chosen so that seams fall in the middle, at the end and twice in one frame.
	s := media.Concat(counting(1, 250), counting(251, 30), counting(281, 40), counting(321, 160), counting(481, 1))
	got, err := readAll(t, s, 10)
	if err != io.EOF {
		t.Fatalf("err = %v, want io.EOF", err)
	}
	wantCounting(t, got, 481)
	if n, err := s.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestLoopJoinsSampleBySample(t *testing.T) {
	first := 1
	s := media.Loop(func() media.Source {
		c := counting(first, 70) // shorter than half a frame: several seams in each
		first += 70
		return c
	})
	got, err := readAll(t, s, 20)
	if err != nil {
		t.Fatal(err)
	}
	wantCounting(t, got, 20*160)
}

func TestLoopOfNothingEnds(t *testing.T) {
	s := media.Loop(func() media.Source { return counting(1, 0) })
	if got, err := readAll(t, s, 3); len(got) != 0 || err != io.EOF {
		t.Errorf("got %d samples, %v; want none and io.EOF", len(got), err)
	}
}

func TestConcatReportsAFailureOnce(t *testing.T) {
	broken := errors.New("broken")
	fail := media.SourceFunc(func(*media.Frame) (int, error) { return 0, broken })
	s := media.Concat(counting(1, 170), fail, counting(171, 10))
	got, err := readAll(t, s, 5)
	if !errors.Is(err, broken) {
		t.Fatalf("err = %v, want %v", err, broken)
	}
	wantCounting(t, got, 170)
	if n, err := s.Read(&media.Frame{Rate: media.Rate8k}); n != 0 || err != io.EOF {
		t.Errorf("after the failure: %d, %v", n, err)
	}
}

func TestConcatCarriesOverARateChange(t *testing.T) {
	s := media.Concat(counting(1, 100), counting(101, 160))
	f := media.Frame{Rate: media.Rate8k}
	if n, err := s.Read(&f); n != 160 || err != nil {
		t.Fatal(n, err)
	}
	f.Rate = media.Rate16k // 100 samples are carried: 200 at the new rate
	if n, err := s.Read(&f); n != 200 || err != io.EOF {
		t.Errorf("got %d, %v; want 200 samples and io.EOF", n, err)
	}
}

func TestUntilEndsAtOnce(t *testing.T) {
	var gate media.Gate
	s := media.Until(counting(1, 1000), &gate)
	if got, err := readAll(t, s, 2); len(got) != 320 || err != nil {
		t.Fatal(len(got), err)
	}
	gate.Open()
	if got, err := readAll(t, s, 1); len(got) != 0 || err != io.EOF {
		t.Errorf("after the gate opened: %d samples, %v", len(got), err)
	}
}

func TestThenTellsOnce(t *testing.T) {
	var told []error
	s := media.Then(counting(1, 100), func(err error) { told = append(told, err) })
	for range 3 {
		readAll(t, s, 2)
	}
	if len(told) != 1 || told[0] != nil {
		t.Errorf("told %v, want one nil", told)
	}
}

func TestPullSilencesTheRest(t *testing.T) {
	f := media.Frame{Rate: media.Rate8k, Lost: true}
	for i := range f.PCM() {
		f.PCM()[i] = 99
	}
	if _, err := media.Pull(counting(1, 10), &f); err != io.EOF {
		t.Fatal(err)
	}
	if f.PCM()[9] != 10 || f.PCM()[10] != 0 || f.PCM()[159] != 0 || f.Lost {
		t.Errorf("frame not silenced after its samples: %v", f.PCM()[:20])
	}
}

func TestGainSaturates(t *testing.T) {
	f := media.Frame{Rate: media.Rate8k}
	f.PCM()[0], f.PCM()[1] = 20000, -20000
	media.Gain(2).Apply(&f)
	if f.PCM()[0] != 32767 || f.PCM()[1] != -32768 {
		t.Errorf("got %v", f.PCM()[:2])
	}
}

func numbered(tick uint64) *media.Frame {
	f := &media.Frame{Rate: media.Rate16k, Tick: tick}
	f.PCM()[0] = int16(tick)
	return f
}

func TestRingKeepsOrderAndDropsTheOldest(t *testing.T) {
	r := media.NewRing(4)
	var f media.Frame
	next := func() uint64 {
		t.Helper()
		if !r.TryNext(&f) {
			t.Fatal("ring is empty")
		}
		if int16(f.Tick) != f.PCM()[0] || f.Rate != media.Rate16k {
			t.Fatalf("frame %d was torn", f.Tick)
		}
		return f.Tick
	}
	r.Write(numbered(1))
	r.Write(numbered(2))
	if got := next(); got != 1 {
		t.Fatalf("got %d, want 1", got)
	}
	for tick := range uint64(8) { // 3 … 10 on top of 2: only 7 … 10 have room
		r.Write(numbered(tick + 3))
	}
	for want := uint64(7); want <= 10; want++ {
		if got := next(); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
	if r.TryNext(&f) {
		t.Fatalf("ring gave %d beyond its last frame", f.Tick)
	}
	if r.Dropped() != 5 {
		t.Errorf("dropped %d, want 5 (2 … 6)", r.Dropped())
	}
}

// TestRingKeepsTheNewest: however far the reader fell behind, all that the ring
// holds is still to be had.
func TestRingKeepsTheNewest(t *testing.T) {
	for behind := range uint64(25) {
		r := media.NewRing(10)
		for tick := range 10 + behind {
			r.Write(numbered(tick))
		}
		var f media.Frame
		for want := behind; want < 10+behind; want++ {
			if !r.TryNext(&f) || f.Tick != want {
				t.Fatalf("%d behind: got %d, want %d", behind, f.Tick, want)
			}
		}
		if r.TryNext(&f) || r.Dropped() != behind {
			t.Errorf("%d behind: %d dropped", behind, r.Dropped())
		}
	}
}

func TestRingNeverLosesCount(t *testing.T) {
	const frames = 200_000
	r := media.NewRing(8)
	go func() {
		f := numbered(0)
		for tick := uint64(1); tick <= frames; tick++ {
			f.Tick = tick
			f.PCM()[0] = int16(tick)
			r.Write(f)
		}
		r.Close()
	}()
	var f media.Frame
	var last, got uint64
	for {
		if err := r.Next(t.Context(), &f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if f.Tick <= last {
			t.Fatalf("frame %d came after %d", f.Tick, last)
		}
		if f.PCM()[0] != int16(f.Tick) {
			t.Fatalf("frame %d was torn", f.Tick)
		}
		last = f.Tick
		got++
	}
	if last != frames || got+r.Dropped() != frames {
		t.Errorf("last %d, got %d and dropped %d of %d", last, got, r.Dropped(), frames)
	}
}

func TestRingNextHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := media.NewRing(1).Next(ctx, new(media.Frame)); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestRingWriteDoesNotAllocate(t *testing.T) {
	r, f := media.NewRing(4), numbered(1)
	var got media.Frame
	if n := testing.AllocsPerRun(100, func() { r.Write(f); r.TryNext(&got) }); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}

func BenchmarkRing(b *testing.B) {
	r, f := media.NewRing(50), numbered(1)
	var got media.Frame
	for b.Loop() {
		r.Write(f)
		r.TryNext(&got)
	}
}
