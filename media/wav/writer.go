package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var errClosed = errors.New("write WAV: already closed")

// A Writer writes a WAV of 16-bit PCM. After an error it stays with it.
type Writer struct {
	out     io.Writer
	seeker  io.Seeker // nil: sizes are never filled in
	base    int64     // where in out the header stands
	format  Format
	written int64  // bytes of samples in out
	buf     []byte // bytes of samples not yet in out
	err     error
}

// bufferSize is how much is written at once: a second of mono at 16 kHz.
const bufferSize = 32 << 10

// NewWriter writes a header at the place where w stands, valid for a WAV
// without a sample, and returns a Writer of what follows. Only Rate and
// Channels of f count. The caller closes w, after the Writer.
func NewWriter(w io.WriteSeeker, f Format) (*Writer, error) {
	base, err := w.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("begin WAV: %w", err)
	}
	return begin(&Writer{out: w, seeker: w, base: base, format: f}, 0)
}

// NewStreamWriter is NewWriter for what cannot seek: a pipe, a response. Its
// header says that the size is not known; readers then read to the end.
func NewStreamWriter(w io.Writer, f Format) (*Writer, error) {
	return begin(&Writer{out: w, format: f}, toTheEnd)
}

func begin(w *Writer, size int64) (*Writer, error) {
	if w.format.Rate < MinRate || w.format.Rate > MaxRate || w.format.Channels < 1 || w.format.Channels > MaxChannels {
		return nil, fmt.Errorf("begin WAV: %d channels at %d Hz", w.format.Channels, w.format.Rate)
	}
	w.format.Encoding, w.format.Bits = PCM, 16
	w.buf = make([]byte, 0, bufferSize)
	if _, err := w.out.Write(appendHeader(w.buf, w.format, size)); err != nil {
		return nil, fmt.Errorf("begin WAV: %w", err)
	}
	return w, nil
}

// Format is what is being written.
func (w *Writer) Format() Format { return w.format }

// Frames is how many samples of each channel have been written so far.
func (w *Writer) Frames() int64 {
	return (w.written + int64(len(w.buf))) / int64(2*w.format.Channels)
}

// WriteSamples writes samples of all channels, interleaved: whole frames only.
// It does not allocate; what it writes is in the file after the next Flush.
func (w *Writer) WriteSamples(interleaved []int16) error {
	if len(interleaved)%w.format.Channels != 0 {
		return fmt.Errorf("write WAV: %d samples for %d channels", len(interleaved), w.format.Channels)
	}
	for len(interleaved) > 0 && w.err == nil {
		n := min(len(interleaved), (cap(w.buf)-len(w.buf))/2)
		if n == 0 {
			w.spill()
			continue
		}
		for _, v := range interleaved[:n] {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(v))
		}
		interleaved = interleaved[n:]
	}
	return w.err
}

// WriteMono writes samples of one channel, to each channel the same.
func (w *Writer) WriteMono(pcm []int16) error {
	if w.format.Channels == 1 {
		return w.WriteSamples(pcm)
	}
	for _, v := range pcm {
		if cap(w.buf)-len(w.buf) < 2*w.format.Channels {
			w.spill()
		}
		if w.err != nil {
			break
		}
		for range w.format.Channels {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(v))
		}
	}
	return w.err
}

// spill writes the buffer out.
func (w *Writer) spill() {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(w.buf)
	w.written += int64(n)
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	if err != nil {
		w.err = fmt.Errorf("write WAV: %w", err)
	}
}

// Flush writes out what is buffered and fills in the sizes: after it, w is a
// whole and valid WAV. A WAV of more than 4 GiB has the sizes of a streamed
// one from there on.
func (w *Writer) Flush() error {
	w.spill()
	if w.seeker == nil || w.err != nil {
		return w.err
	}
	if err := w.patch(); err != nil {
		w.err = fmt.Errorf("fill in WAV header: %w", err)
	}
	return w.err
}

func (w *Writer) patch() error {
	if _, err := w.seeker.Seek(w.base, io.SeekStart); err != nil {
		return err
	}
	if _, err := w.out.Write(appendHeader(w.buf[:0], w.format, w.written)); err != nil {
		return err
	}
	_, err := w.seeker.Seek(w.base+headerSize+w.written, io.SeekStart)
	return err
}

// Sync is Flush, and the sync of the file below if it has one.
func (w *Writer) Sync() error {
	if err := w.Flush(); err != nil {
		return err
	}
	if file, ok := w.out.(interface{ Sync() error }); ok {
		if err := file.Sync(); err != nil {
			return fmt.Errorf("sync WAV: %w", err)
		}
	}
	return nil
}

// Close flushes. It leaves the file below open; further writes fail.
func (w *Writer) Close() error {
	if errors.Is(w.err, errClosed) {
		return nil
	}
	err := w.Flush()
	w.err = errClosed
	return err
}
