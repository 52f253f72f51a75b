package wav_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/tipring/tipring/media/wav"
)

func reread(t *testing.T, file []byte) (wav.Format, []int16) {
	t.Helper()
	r, err := wav.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(r.ReadChannels)
	if err != nil {
		t.Fatal(err)
	}
	return r.Format(), got
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, channels := range []int{1, 2, 5, 256} {
		for _, frames := range []int{0, 1, 160, 16000, 40000} {
			if channels == 256 && frames > 160 {
				continue
			}
			f, want := &seekFile{}, ramp(frames*channels)
			w, err := wav.NewWriter(f, wav.Format{Rate: 16000, Channels: channels})
			if err != nil {
				t.Fatal(err)
			}
			for rest := want; len(rest) > 0; {
				n := min(320*channels, len(rest))
				if err := w.WriteSamples(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if w.Frames() != int64(frames) {
				t.Errorf("%d frames, want %d", w.Frames(), frames)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			format, got := reread(t, f.b)
			if !slices.Equal(got, want) || format != (wav.Format{Rate: 16000, Channels: channels, Encoding: wav.PCM, Bits: 16}) {
				t.Errorf("%d channels, %d frames: read %v, %d samples", channels, frames, format, len(got))
			}
			if size := binary.LittleEndian.Uint32(f.b[4:]); int(size) != len(f.b)-8 {
				t.Errorf("RIFF size %d of a file of %d bytes", size, len(f.b))
			}
			if size := binary.LittleEndian.Uint32(f.b[40:]); int(size) != len(f.b)-44 {
				t.Errorf("data size %d of a file of %d bytes", size, len(f.b))
			}
		}
	}
}

// TestFileIsWholeAfterEachFlush: what a crash leaves behind is a valid WAV.
func TestFileIsWholeAfterEachFlush(t *testing.T) {
	f := &seekFile{}
	w, err := wav.NewWriter(f, wav.Format{Rate: 8000, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, got := reread(t, f.b); len(got) != 0 {
		t.Errorf("a new file has %d samples", len(got))
	}
	all := ramp(50000)
	for i, flush := range []func() error{w.Flush, w.Sync, w.Flush, w.Sync, w.Close} {
		if err := w.WriteSamples(all[i*10000 : (i+1)*10000]); err != nil {
			t.Fatal(err)
		}
		if err := flush(); err != nil {
			t.Fatal(err)
		}
		if _, got := reread(t, f.b); !slices.Equal(got, all[:(i+1)*10000]) {
			t.Errorf("after flush %d the file has %d samples", i, len(got))
		}
	}
	if f.synced != 2 {
		t.Errorf("synced %d times, want 2", f.synced)
	}
}

func TestWriterBeginsWhereTheFileStands(t *testing.T) {
	f := &seekFile{b: []byte("before"), at: 6}
	w, _ := wav.NewWriter(f, wav.Format{Rate: 8000, Channels: 1})
	w.WriteSamples(ramp(10))
	w.Close()
	if _, got := reread(t, f.b[6:]); string(f.b[:6]) != "before" || !slices.Equal(got, ramp(10)) {
		t.Errorf("%q, %v", f.b[:6], got)
	}
}

func TestWriteMonoFillsEachChannel(t *testing.T) {
	for _, channels := range []int{1, 3} {
		f := &seekFile{}
		w, _ := wav.NewWriter(f, wav.Format{Rate: 8000, Channels: channels})
		mono := ramp(20000)
		if err := w.WriteMono(mono); err != nil {
			t.Fatal(err)
		}
		w.Close()
		_, got := reread(t, f.b)
		for i, v := range got {
			if v != mono[i/channels] {
				t.Fatalf("%d channels: value %d is %d", channels, i, v)
			}
		}
		if len(got) != channels*len(mono) {
			t.Errorf("%d channels: %d values", channels, len(got))
		}
	}
}

func TestStreamWriter(t *testing.T) {
	var b bytes.Buffer
	w, err := wav.NewStreamWriter(&b, wav.Format{Rate: 16000, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	w.WriteSamples(ramp(50000))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got := reread(t, b.Bytes()); !slices.Equal(got, ramp(50000)) {
		t.Errorf("%d samples", len(got))
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, f := range []wav.Format{{}, {Rate: 8000}, {Channels: 1}, {Rate: 8000, Channels: 257}, {Rate: 8000, Channels: -1}, {Rate: 1000, Channels: 1}} {
		if _, err := wav.NewWriter(&seekFile{}, f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
	w, _ := wav.NewWriter(&seekFile{}, wav.Format{Rate: 8000, Channels: 2})
	if err := w.WriteSamples(make([]int16, 3)); err == nil {
		t.Error("half a frame was taken")
	}
	if err := w.WriteSamples(make([]int16, 4)); err != nil {
		t.Error(err)
	}
	w.Close()
	if w.WriteSamples(make([]int16, 2)) == nil || w.WriteMono(make([]int16, 2)) == nil {
		t.Error("samples were taken after Close")
	}
	if err := w.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestWriterStaysWithItsFailure(t *testing.T) {
	full := errors.New("disk full")
	if _, err := wav.NewWriter(&seekFile{fails: full}, wav.Format{Rate: 8000, Channels: 1}); !errors.Is(err, full) {
		t.Errorf("NewWriter: %v", err)
	}
	f := &seekFile{}
	w, _ := wav.NewWriter(f, wav.Format{Rate: 8000, Channels: 1})
	f.fails = full
	if err := w.WriteSamples(ramp(40000)); !errors.Is(err, full) {
		t.Errorf("WriteSamples: %v", err)
	}
	f.fails = nil
	if err := w.Flush(); !errors.Is(err, full) {
		t.Errorf("Flush: %v", err)
	}
	if err := w.WriteMono(ramp(10)); !errors.Is(err, full) {
		t.Errorf("WriteMono: %v", err)
	}
	if err := w.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v", err)
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	w, _ := wav.NewStreamWriter(io.Discard, wav.Format{Rate: 16000, Channels: 2})
	p := make([]int16, 640)
	if n := testing.AllocsPerRun(200, func() { w.WriteSamples(p) }); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}
