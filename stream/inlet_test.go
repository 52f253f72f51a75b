package stream_test

import (
	"io"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/stream"
)

// hear reads ticks frames of 16 kHz and gives the samples of each.
func hear(t *testing.T, s media.Source, ticks int) (frames [][]int16) {
	t.Helper()
	f := media.Frame{Rate: media.Rate16k}
	for range ticks {
		n, err := s.Read(&f)
		if err != nil {
			t.Fatalf("after %d ticks: %v", len(frames), err)
		}
		frames = append(frames, append([]int16(nil), f.PCM()[:n]...))
	}
	return frames
}

func sum(frames [][]int16) (n int) {
	for _, f := range frames {
		n += len(f)
	}
	return n
}

func constant(v int16, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = v
	}
	return pcm
}

func TestInletGivesWhatWasPushed(t *testing.T) {
	in := stream.NewInlet(stream.InletOptions{})
	next := int16(1)
	for _, n := range []int{1, 319, 5000, 7, 4096, 1000} { // of every length, over the seams of the queue
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = next
			next++
		}
		in.Push(pcm)
	}
	want := int16(1)
	for _, f := range hear(t, in, 40) {
		for _, s := range f {
			if s != want {
				t.Fatalf("got %d, want %d", s, want)
			}
			want++
		}
	}
	if want != next {
		t.Errorf("heard up to %d, want %d", want-1, next-1)
	}
}

func TestInletGathersALead(t *testing.T) {
	in := stream.NewInlet(stream.InletOptions{Lead: 60 * time.Millisecond})
	in.Push(constant(9, 320))
	if n := sum(hear(t, in, 3)); n != 0 {
		t.Errorf("heard %d samples within 60 ms of a first 20 ms, want none", n)
	}
	if n := sum(hear(t, in, 1)); n != 320 {
		t.Errorf("then heard %d samples, want 320: a short voice is heard too", n)
	}
	in.Push(constant(9, 960))
	if n := sum(hear(t, in, 1)); n != 320 {
		t.Errorf("heard %d samples at once of 60 ms, want 320", n)
	}
}

func TestStopAudioIsHeardAtOnce(t *testing.T) {
	in := stream.NewInlet(stream.InletOptions{})
	in.Push(constant(100, 16000))
	hear(t, in, 3)
	in.Stop()
	if n := sum(hear(t, in, 5)); n != 0 {
		t.Errorf("heard %d samples after StopAudio, want none", n)
	}
	in.Push(constant(100, 16000))
	in.Stop()
	in.Push(constant(-7, 960))
	for _, f := range hear(t, in, 4) {
		for _, s := range f {
			if s != -7 {
				t.Fatalf("heard %d from before StopAudio", s)
			}
		}
	}
}

func TestInletIsBounded(t *testing.T) {
	var set metric.Set
	in := stream.NewInlet(stream.InletOptions{Limit: time.Second, Counters: &set})
	for range 75 {
		in.Push(constant(5, 320))
	}
	if n := sum(hear(t, in, 100)); n != 16000 {
		t.Errorf("heard %d samples, want a second", n)
	}
	if n := set.Counter("stream_inbound_dropped_total", "reason", "queue full", "").Value(); n != 25 {
		t.Errorf("counted %d dropped frames, want 25", n)
	}
	in.Push(constant(5, 16000)) // there is room again
	in.Stop()
	in.Push(constant(6, 16000)) // at once, although the tick has not looked yet
	if n := sum(hear(t, in, 100)); n != 16000 {
		t.Errorf("heard %d samples after a stop, want a second", n)
	}
}

func TestInletEndsWhenHeard(t *testing.T) {
	in := stream.NewInlet(stream.InletOptions{})
	in.Push(constant(5, 500))
	in.Close()
	f, got := media.Frame{Rate: media.Rate16k}, 0
	for range 10 {
		n, err := in.Read(&f)
		got += n
		if err == io.EOF {
			if got != 500 {
				t.Errorf("ended after %d samples, want 500", got)
			}
			return
		}
	}
	t.Error("never ended")
}

func TestInletIsASource(t *testing.T) {
	mediatest.TestSource(t, func() media.Source {
		in := stream.NewInlet(stream.InletOptions{})
		in.Push(ramp(20000))
		return in
	})
	mediatest.TestSource(t, func() media.Source {
		in := stream.NewInlet(stream.InletOptions{Rate: media.Rate24k})
		in.Push(ramp(20000))
		in.Close()
		return in
	})
}

func TestInletAtAnotherRate(t *testing.T) {
	var tone mediatest.Capture
	voice := mediatest.Tone(440, -10, time.Second)
	f := media.Frame{Rate: media.Rate24k}
	for range 50 {
		media.Pull(voice, &f)
		tone.Write(&f)
	}
	in := stream.NewInlet(stream.InletOptions{Rate: media.Rate24k})
	in.Push(tone.Samples())
	var heard mediatest.Capture
	out := media.Frame{Rate: media.Rate8k}
	for range 50 {
		media.Pull(in, &out)
		heard.Write(&out)
	}
	if hz := heard.Frequency(); hz < 439.5 || hz > 440.5 {
		t.Errorf("440 Hz became %.2f", hz)
	}
	if jumps := heard.PhaseJumps(440); len(jumps) > 0 {
		t.Errorf("phase jumps: %v", jumps)
	}
}

func TestInletBetweenGoroutines(t *testing.T) {
	in := stream.NewInlet(stream.InletOptions{Lead: -1})
	var sockets sync.WaitGroup
	sockets.Go(func() {
		next := int16(0)
		for turn := range 800 {
			pcm := make([]int16, 37)
			for i := range pcm {
				next++
				pcm[i] = next
			}
			in.Push(pcm)
			if turn%97 == 0 {
				in.Stop()
			}
		}
		in.Close()
	})
	f := media.Frame{Rate: media.Rate16k}
	last := int16(0)
	for {
		n, err := in.Read(&f)
		for i, s := range f.PCM()[:n] {
			if i > 0 && s != last+1 || s <= last { // a stop is between two frames
				t.Fatalf("%d follows %d at sample %d", s, last, i)
			}
			last = s
		}
		if err == io.EOF {
			break
		}
	}
	sockets.Wait()
}
