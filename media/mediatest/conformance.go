package mediatest

import (
	"errors"
	"io"
	"testing"

	"github.com/tipring/tipring/media"
)

// rates is what a Frame may ask for.
var rates = []media.Rate{media.Rate8k, media.Rate16k, media.Rate24k, media.Rate32k, media.Rate48k}

const (
	patience = 500    // how many ticks a source is followed
	canary   = 0x5a5a // stands where nobody may write
)

// TestSource drives the sources that s makes through the rules of
// media.Source: the four legal returns; nothing but io.EOF after the end; any
// rate, also one that changes between two frames; f.Rate, f.Tick and the
// samples beyond the frame left alone; f.Lost set or cleared, not left as it
// was; the frame not retained; no allocation.
//
// s must give a fresh source with the same sound each time. It may be endless.
// Because it counts allocations, TestSource cannot run in a parallel test.
func TestSource(t *testing.T, s func() media.Source) {
	t.Helper()
	for _, rate := range rates {
		followSource(t, s(), func(int) media.Rate { return rate })
	}
	followSource(t, s(), func(tick int) media.Rate { return rates[tick/3%len(rates)] })
	borrowsTheFrame(t, s(), s())
	source, f := s(), &media.Frame{Rate: media.Rate16k}
	if n := testing.AllocsPerRun(50, func() {
		f.Tick++
		_, _ = source.Read(f) // its end is followed above
	}); n != 0 {
		t.Errorf("Read makes %v allocations a frame, want 0", n)
	}
}

// followSource reads a source to its end and judges every return.
func followSource(t *testing.T, s media.Source, rateAt func(tick int) media.Rate) {
	t.Helper()
	var f media.Frame
	for tick := range patience {
		f.Rate, f.Tick = media.Rate48k, uint64(tick)
		fill(f.PCM(), canary)
		f.Rate = rateAt(tick)
		n, err := s.Read(&f)
		if f.Rate != rateAt(tick) || f.Tick != uint64(tick) {
			t.Fatalf("tick %d: Read changed Rate %d to %d or Tick to %d", tick, rateAt(tick), f.Rate, f.Tick)
		}
		size := len(f.PCM())
		f.Rate = media.Rate48k
		for i, v := range f.PCM()[size:] {
			if v != canary {
				t.Fatalf("tick %d at %d Hz: Read wrote sample %d of a frame of %d", tick, rateAt(tick), size+i, size)
			}
		}
		switch {
		case n < 0 || n > size:
			t.Fatalf("tick %d at %d Hz: n = %d, want 0 … %d", tick, rateAt(tick), n, size)
		case err != nil && !errors.Is(err, io.EOF) && n != 0:
			t.Fatalf("tick %d: n = %d with error %v, want 0 (give the samples first, then the error)", tick, n, err)
		case err != nil && err != io.EOF && errors.Is(err, io.EOF):
			t.Fatalf("tick %d: the end is io.EOF itself, not wrapped: %v", tick, err)
		case err != nil:
			staysAtItsEnd(t, s, rateAt(tick))
			return
		}
	}
}

func staysAtItsEnd(t *testing.T, s media.Source, rate media.Rate) {
	t.Helper()
	f := media.Frame{Rate: rate}
	for range 3 {
		if n, err := s.Read(&f); n != 0 || err != io.EOF {
			t.Fatalf("after the end: %d, %v; want 0, io.EOF", n, err)
		}
	}
}

// borrowsTheFrame reads two equal sources: one into a fresh frame each time,
// one into a frame that is scribbled over in between and says Lost.
func borrowsTheFrame(t *testing.T, calm, disturbed media.Source) {
	t.Helper()
	dirty := media.Frame{Rate: media.Rate16k}
	for tick := range patience {
		clean := media.Frame{Rate: media.Rate16k, Tick: uint64(tick)}
		n, err := calm.Read(&clean)
		dirty.Lost, dirty.Tick = true, uint64(tick)
		fill(dirty.PCM(), canary)
		m, derr := disturbed.Read(&dirty)
		if n != m || (err == nil) != (derr == nil) {
			t.Fatalf("tick %d: two equal sources gave %d, %v and %d, %v", tick, n, err, m, derr)
		}
		for i := range n {
			if clean.PCM()[i] != dirty.PCM()[i] {
				t.Fatalf("tick %d: sample %d is %d, or %d when the frame held something before: Read must write all n samples and not retain the frame",
					tick, i, clean.PCM()[i], dirty.PCM()[i])
			}
		}
		if n > 0 && clean.Lost != dirty.Lost {
			t.Fatalf("tick %d: Read leaves Lost as it was: it must set or clear it", tick)
		}
		fill(dirty.PCM(), ^canary)
		if err != nil {
			return
		}
	}
}

// TestSink pushes frames of every rate, with lost frames, skipped ticks and
// changes of rate, into the sinks that s makes. A sink may refuse with an
// error and is then left alone; it must leave the frame as it was (other taps
// hear the same frame) and not allocate.
//
// Because it counts allocations, TestSink cannot run in a parallel test.
func TestSink(t *testing.T, s func() media.Sink) {
	t.Helper()
	for _, rate := range rates {
		followSink(t, s(), func(int) media.Rate { return rate })
	}
	followSink(t, s(), func(tick int) media.Rate { return rates[tick/3%len(rates)] })
	sink, f, refused := s(), &media.Frame{Rate: media.Rate16k}, false
	if n := testing.AllocsPerRun(50, func() {
		f.Tick++
		refused = refused || sink.Write(f) != nil
	}); n != 0 && !refused {
		t.Errorf("Write makes %v allocations a frame, want 0", n)
	}
}

func followSink(t *testing.T, s media.Sink, rateAt func(tick int) media.Rate) {
	t.Helper()
	var f media.Frame
	for tick := range 100 {
		f.Rate = media.Rate48k
		fill(f.PCM(), canary)
		f.Rate, f.Tick, f.Lost = rateAt(tick), uint64(tick+tick/10), tick%7 == 3
		for i := range f.PCM() {
			f.PCM()[i] = int16((tick*31 + i*17) % 2000)
		}
		want := f
		err := s.Write(&f)
		if f != want {
			t.Fatalf("tick %d at %d Hz: Write changed the frame", tick, want.Rate)
		}
		fill(f.PCM(), ^canary) // the frame is ours again
		if err != nil {
			return
		}
	}
}

// TestFilter applies the filters that make gives to frames of every rate. A
// filter must leave Rate, Tick, Lost and the samples beyond the frame alone,
// do the same to the same sound, not retain the frame and not allocate.
//
// Because it counts allocations, TestFilter cannot run in a parallel test.
func TestFilter(t *testing.T, make func() media.Filter) {
	t.Helper()
	for _, rate := range rates {
		followFilter(t, make(), make(), func(int) media.Rate { return rate })
	}
	followFilter(t, make(), make(), func(tick int) media.Rate { return rates[tick/3%len(rates)] })
	filter, f := make(), &media.Frame{Rate: media.Rate16k}
	if n := testing.AllocsPerRun(50, func() {
		f.Tick++
		filter.Apply(f)
	}); n != 0 {
		t.Errorf("Apply makes %v allocations a frame, want 0", n)
	}
}

func followFilter(t *testing.T, calm, disturbed media.Filter, rateAt func(tick int) media.Rate) {
	t.Helper()
	dirty := media.Frame{}
	for tick := range 100 {
		clean := media.Frame{Rate: media.Rate48k}
		fill(clean.PCM(), canary)
		clean.Rate, clean.Tick, clean.Lost = rateAt(tick), uint64(tick), tick%7 == 3
		for i := range clean.PCM() {
			clean.PCM()[i] = int16((tick*31 + i*17) % 2000)
		}
		dirty = clean
		calm.Apply(&clean)
		disturbed.Apply(&dirty)
		if clean.Rate != rateAt(tick) || clean.Tick != uint64(tick) || clean.Lost != (tick%7 == 3) {
			t.Fatalf("tick %d: Apply changed Rate, Tick or Lost", tick)
		}
		size := len(clean.PCM())
		if clean != dirty {
			t.Fatalf("tick %d: Apply does not do the same to the same sound, or retains the frame", tick)
		}
		clean.Rate = media.Rate48k
		for i, v := range clean.PCM()[size:] {
			if v != canary {
				t.Fatalf("tick %d: Apply wrote sample %d of a frame of %d", tick, size+i, size)
			}
		}
		dirty.Rate = media.Rate48k
		fill(dirty.PCM(), ^canary)
	}
}

func fill(pcm []int16, v int16) {
	for i := range pcm {
		pcm[i] = v
	}
}
