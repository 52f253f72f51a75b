package wav

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// guidTail is what follows the format tag in a WAVE_FORMAT_EXTENSIBLE's GUID.
var guidTail = []byte{0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}

const (
	unknownSize = 0xffffffff
	toTheEnd    = int64(-1) // a data chunk without a size
)

// A header is what stands before the samples.
type header struct {
	format Format
	size   int64 // of the samples, in bytes, or toTheEnd
}

// headerReader reads one, chunk by chunk.
type headerReader struct {
	in        *bufio.Reader
	consumed  int64
	riffSize  uint32
	wide      bool  // RF64: the sizes are in ds64
	wideSize  int64 // of the data chunk
	format    Format
	hasFormat bool
}

// take gives the next n bytes, at most the buffer's size. The stream's end is
// ErrFormat, its failure that failure.
func (h *headerReader) take(n int) ([]byte, error) {
	b, err := h.in.Peek(n)
	if err == io.EOF {
		return nil, malformed("it ends after %d bytes, within its header", h.consumed+int64(len(b)))
	} else if err != nil {
		return nil, fmt.Errorf("read WAV header: %w", err)
	}
	_, _ = h.in.Discard(n) // what was peeked at is there
	h.consumed += int64(n)
	return b, nil
}

// skip passes over n bytes.
func (h *headerReader) skip(n int64) error {
	const step = 1 << 30 // an int on every platform
	for n > 0 {
		m, err := h.in.Discard(int(min(n, step)))
		h.consumed += int64(m)
		n -= int64(m)
		if err == io.EOF {
			return malformed("it ends after %d bytes, before its samples", h.consumed)
		} else if err != nil {
			return fmt.Errorf("read WAV header: %w", err)
		}
	}
	return nil
}

func (h *headerReader) read() (header, error) {
	b, err := h.take(12)
	if err != nil {
		return header{}, err
	}
	switch {
	case string(b[8:12]) != "WAVE":
		return header{}, malformed("it begins with %q", b)
	case string(b[:4]) == "RF64", string(b[:4]) == "BW64":
		h.wide = true
	case string(b[:4]) != "RIFF":
		return header{}, malformed("it begins with %q", b)
	}
	h.riffSize = binary.LittleEndian.Uint32(b[4:])
	for {
		b, err := h.take(8)
		if err != nil {
			return header{}, err
		}
		id, size := string(b[:4]), binary.LittleEndian.Uint32(b[4:])
		if id == "data" {
			if !h.hasFormat {
				return header{}, malformed("no fmt chunk before its samples")
			}
			return header{h.format, h.dataSize(size)}, nil
		}
		if err := h.chunk(id, size); err != nil {
			return header{}, err
		}
	}
}

// chunk reads what it needs of a chunk and skips the rest and its padding.
func (h *headerReader) chunk(id string, size uint32) error {
	rest := int64(size) + int64(size%2)
	var want int64
	switch id {
	case "fmt ":
		want = min(rest, 40)
	case "ds64":
		want = min(rest, 24)
	}
	b, err := h.take(int(want))
	if err != nil {
		return err
	}
	switch id {
	case "fmt ":
		if h.format, err = parseFormat(b); err != nil {
			return err
		}
		h.hasFormat = true
	case "ds64":
		if len(b) < 24 {
			return malformed("a ds64 chunk of %d bytes", size)
		}
		h.wideSize = int64(binary.LittleEndian.Uint64(b[8:]) &^ (1 << 63))
	}
	return h.skip(rest - want)
}

// parseFormat reads a fmt chunk of 16, 18 or 40 bytes.
func parseFormat(b []byte) (Format, error) {
	if len(b) < 16 {
		return Format{}, malformed("a fmt chunk of %d bytes", len(b))
	}
	f := Format{
		Encoding: Encoding(binary.LittleEndian.Uint16(b)),
		Channels: int(binary.LittleEndian.Uint16(b[2:])),
		Rate:     int(binary.LittleEndian.Uint32(b[4:])),
		Bits:     (int(binary.LittleEndian.Uint16(b[14:])) + 7) / 8 * 8,
	}
	if f.Encoding == extensible {
		if len(b) < 40 || !bytes.Equal(b[26:40], guidTail) {
			return Format{}, malformed("an extensible format that is not known")
		}
		f.Encoding = Encoding(binary.LittleEndian.Uint16(b[24:]))
	}
	// A sample may stand left-justified in more bytes than it has bits: 20 in
	// 3 bytes, 24 in 4. The block says in how many.
	if block := int(binary.LittleEndian.Uint16(b[12:])); f.Channels > 0 && block%f.Channels == 0 && block/f.Channels*8 >= f.Bits {
		f.Bits = block / f.Channels * 8
	}
	return f, f.validate()
}

// dataSize is how many bytes of samples there are, by the data chunk's size.
func (h *headerReader) dataSize(size uint32) int64 {
	switch {
	case size == unknownSize && h.wide && h.wideSize > 0:
		return h.wideSize
	case size == unknownSize:
		return toTheEnd
	case size == 0 && (h.riffSize == unknownSize || int64(h.riffSize)+8 <= h.consumed):
		return toTheEnd // the file's size was not filled in either
	}
	return int64(size)
}

// headerSize is the size of what appendHeader appends.
const headerSize = 44

// appendHeader appends the canonical header of 16-bit PCM before size bytes.
func appendHeader(b []byte, f Format, size int64) []byte {
	riff, data := uint32(unknownSize), uint32(unknownSize)
	if size >= 0 && size <= unknownSize-headerSize {
		riff, data = uint32(size)+headerSize-8, uint32(size)
	}
	block := f.Channels * 2
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, riff)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, uint16(PCM))
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate*block))
	b = binary.LittleEndian.AppendUint16(b, uint16(block))
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, data)
}
