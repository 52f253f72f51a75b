package wav

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// A File is where a WAV lies that may have been cut off: *os.File is one.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
}

// Mend makes a whole WAV of what a Writer had written, from the beginning of a
// file, when it was cut off: the sizes in the header become those of the file,
// which has so many bytes, and what is less than a sample of all channels is
// taken off its end. It returns its format and how many samples each channel
// has; of a file without samples it changes nothing.
//
// known is what it was begun with; its Rate and Channels count. It helps with a
// header that never reached the disk, which is zeros then; the zero Format
// means that only the header can say it. A file that no Writer wrote is
// ErrFormat, wrapped, and is not touched.
func Mend(f File, size int64, known Format) (Format, int64, error) {
	head := make([]byte, min(max(size, 0), headerSize))
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return Format{}, 0, fmt.Errorf("read WAV header: %w", err)
	}
	format, err := ours(head, known)
	if err != nil || size <= headerSize {
		return format, 0, err
	}
	frame := int64(2 * format.Channels)
	frames := (size - headerSize) / frame
	if frames == 0 {
		return format, 0, nil
	}
	if whole := headerSize + frames*frame; whole < size {
		if err := f.Truncate(whole); err != nil {
			return format, 0, fmt.Errorf("cut WAV: %w", err)
		}
	}
	if want := appendHeader(nil, format, frames*frame); !bytes.Equal(want, head) {
		if _, err := f.WriteAt(want, 0); err != nil {
			return format, 0, fmt.Errorf("fill in WAV header: %w", err)
		}
	}
	return format, frames, nil
}

// ours is the format of a file that begins as a Writer begins it. One that ends
// within its header has the format that is known.
func ours(head []byte, known Format) (Format, error) {
	known.Encoding, known.Bits = PCM, 16
	if len(bytes.Trim(head, "\x00")) == 0 {
		if len(head) == headerSize && known.validate() != nil {
			return Format{}, malformed("a header of zeros")
		}
		return known, nil
	}
	format, fixed := known, [][2]int{{0, 4}, {8, 22}} // what is the same in all that we write
	if len(head) == headerSize {
		format.Channels = int(binary.LittleEndian.Uint16(head[22:]))
		format.Rate = int(binary.LittleEndian.Uint32(head[24:]))
		if err := format.validate(); err != nil {
			return Format{}, err
		}
		fixed = [][2]int{{0, 4}, {8, 40}} // all but the sizes
	}
	want := appendHeader(nil, format, 0)
	for _, part := range fixed {
		from, to := min(part[0], len(head)), min(part[1], len(head))
		if !bytes.Equal(head[from:to], want[from:to]) {
			return Format{}, malformed("it begins with %q", head[:min(len(head), 12)])
		}
	}
	return format, nil
}
