package wav

import (
	"bufio"
	"fmt"
	"io"
)

// A Reader is the samples of a WAV, from the first to the last, once.
type Reader struct {
	in      *bufio.Reader
	format  Format
	frame   int   // bytes of one sample of all channels
	left    int64 // bytes of samples not yet read, or toTheEnd
	expand  func(dst []int16, src []byte)
	scratch [2 * MaxChannels]int16
}

// NewReader reads the header of a WAV, up to its first sample. It returns
// ErrFormat, wrapped, when the stream is not a WAV that can be read, and
// otherwise the error of in, wrapped. It reads ahead, some KB, and reads
// nothing after the samples.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 4*maxFrame)}
	h, err := (&headerReader{in: r.in}).read()
	if err != nil {
		return nil, err
	}
	r.format, r.left = h.format, h.size
	r.frame = r.format.Channels * r.format.Bits / 8
	r.expand = expander(r.format.Encoding, r.format.Bits)
	return r, nil
}

// Format is what the WAV holds.
func (r *Reader) Format() Format { return r.format }

// ReadSamples reads into p as mono, with several channels their mean. It
// returns at least one sample, and what is at hand without waiting for more,
// or 0 and io.EOF at the end, or 0 and the error of the stream, wrapped. It
// does not allocate. It implements media.SampleReader.
func (r *Reader) ReadSamples(p []int16) (int, error) {
	channels := r.format.Channels
	if channels == 1 {
		return r.ReadChannels(p)
	}
	got := 0
	for got < len(p) {
		if got > 0 && r.in.Buffered() < r.frame {
			break // let the caller have what there is
		}
		n, err := r.ReadChannels(r.scratch[:min(len(p)-got, len(r.scratch)/channels)*channels])
		if err != nil {
			if got > 0 {
				break // it comes again
			}
			return 0, err
		}
		mixDown(p[got:got+n/channels], r.scratch[:n], channels)
		got += n / channels
	}
	return got, nil
}

// ReadChannels reads into p all channels, interleaved, and returns how many
// values it read: whole frames only, so p should have room for one. Else it is
// like ReadSamples.
func (r *Reader) ReadChannels(p []int16) (int, error) {
	want := len(p) / r.format.Channels
	if want == 0 {
		return 0, nil
	}
	if r.left != toTheEnd {
		want = int(min(int64(want), r.left/int64(r.frame)))
		if want == 0 {
			return 0, io.EOF
		}
	}
	if _, err := r.in.Peek(r.frame); err == io.EOF {
		r.left = 0 // cut short
		return 0, io.EOF
	} else if err != nil {
		return 0, fmt.Errorf("read WAV samples: %w", err)
	}
	want = min(want, r.in.Buffered()/r.frame)
	raw, _ := r.in.Peek(want * r.frame)
	n := want * r.format.Channels
	r.expand(p[:n], raw)
	_, _ = r.in.Discard(len(raw)) // what was peeked at is there
	if r.left != toTheEnd {
		r.left -= int64(len(raw))
	}
	return n, nil
}
