package record_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/record"
	"github.com/tipring/tipring/media/wav"
)

// A wave is 401 periods of a tone of about 401 Hz at 16 kHz. They fit into its
// length and no less, so no two places of it are alike.
var wave = func() (w [15997]int16) {
	for i := range w {
		w[i] = int16(math.Round(10000 * math.Sin(2*math.Pi*401*float64(i)/float64(len(w)))))
	}
	return w
}()

// steps is a Writer that holds each row against the tone that should be there.
type steps struct {
	t        *testing.T
	channels int
	from     []int // the sample from which a channel has its tone
	row      int
}

func (s *steps) WriteSamples(pcm []int16) error {
	rows := len(pcm) / s.channels
	for i := s.row % 7; i < rows; i += 7 { // each seventh sample, for the test's own time
		s.check(s.row+i, pcm[i*s.channels:(i+1)*s.channels])
	}
	s.row += rows
	return nil
}

func (s *steps) check(row int, values []int16) {
	const delay = 32 // of the way from 8 to 16 kHz, in samples of the file
	for c, got := range values {
		want := int16(0)
		switch at := row - s.from[c]; {
		case at < 0:
		case at < 2*delay: // the filter fills
			continue
		default:
			want = wave[(row-delay)%len(wave)]
		}
		if off := got - want; off < -100 || off > 100 { // a sample too early or late is up to 1500 off
			s.t.Fatalf("channel %d, sample %d: %d, want %d", c, row, got, want)
		}
	}
	if last := s.channels - 1; row > s.from[last]+2*delay && values[0] != values[last] {
		s.t.Fatalf("sample %d: the channels differ: %v", row, values)
	}
}

func (s *steps) Flush() error { return nil }
func (s *steps) Close() error { return nil }

// TestAnHourInStep says the same tone on two channels for an hour of ticks: on
// one from the start, on the other after half an hour.
func TestAnHourInStep(t *testing.T) {
	const hour, late = 180_000, 90_007
	perTick := record.Rate.Samples()
	out := &steps{t: t, channels: 2, from: []int{0, late * perTick}}
	r := record.Unmixed(out, 2)
	r.Start(5000) // the room is older than the recording
	f := media.Frame{Rate: media.Rate8k}
	for tick := range uint64(hour) {
		for i := range f.PCM() {
			f.PCM()[i] = wave[2*(int(tick)*160+i)%len(wave)]
		}
		f.Tick = 5000 + tick
		r.Channel(0).Write(&f)
		if tick >= late {
			r.Channel(1).Write(&f)
		}
		if tick%90 == 0 {
			if err := r.Drain(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.Stop(5000 + hour)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out.row != hour*perTick || r.Report().Dropped != 0 {
		t.Errorf("%d samples in the file and %d dropped, want %d and none", out.row, r.Report().Dropped, hour*perTick)
	}
}

// TestTheFileIsWholeWhileItIsWritten reads the file that a crash would leave.
func TestTheFileIsWholeWhileItIsWritten(t *testing.T) {
	path, out := create(t)
	r := record.Unmixed(out, 2)
	f := media.Frame{Rate: record.Rate}
	for f.Tick = range 500 {
		r.Channel(0).Write(&f)
		if err := r.Drain(); err != nil {
			t.Fatal(err)
		}
		if f.Tick%49 != 0 {
			continue
		}
		left, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		in, err := wav.NewReader(bytes.NewReader(left))
		if err != nil {
			t.Fatalf("tick %d: %v", f.Tick, err)
		}
		ticks, pcm := 0, make([]int16, 2*record.Rate.Samples())
		for n, err := in.ReadChannels(pcm); err == nil; n, err = in.ReadChannels(pcm) {
			ticks += n
		}
		if ticks /= len(pcm); ticks < int(f.Tick)-2 || ticks > int(f.Tick) {
			t.Errorf("tick %d: the file has %d ticks, want all that was drained", f.Tick, ticks)
		}
	}
}

// create begins a WAV of two channels on the disk.
func create(tb testing.TB) (path string, w *wav.Writer) {
	tb.Helper()
	file, err := os.Create(filepath.Join(tb.TempDir(), "a.wav"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { file.Close() })
	w, err = wav.NewWriter(file, wav.Format{Rate: int(record.Rate), Channels: 2})
	if err != nil {
		tb.Fatal(err)
	}
	return file.Name(), w
}

func BenchmarkEar(b *testing.B) {
	r := record.Mixed(&file{channels: 1})
	f := media.Frame{Rate: media.Rate8k}
	for b.Loop() {
		f.Tick++
		r.Channel(0).Write(&f)
	}
}

// BenchmarkDrain is the writing side: a second of two channels.
func BenchmarkDrain(b *testing.B) {
	r := record.Unmixed(nowhere{}, 2)
	f := media.Frame{Rate: record.Rate}
	for b.Loop() {
		for range 50 {
			f.Tick++
			r.Channel(0).Write(&f)
			r.Channel(1).Write(&f)
		}
		r.Drain()
	}
}

type nowhere struct{}

func (nowhere) WriteSamples([]int16) error { return nil }
func (nowhere) Flush() error               { return nil }
func (nowhere) Close() error               { return nil }
