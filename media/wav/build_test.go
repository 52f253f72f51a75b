package wav_test

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/tipring/tipring/media/wav"
)

// The WAVs that sox does not make, put together chunk by chunk.

func le16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// chunk is a chunk with its padding.
func chunk(id string, body []byte) []byte {
	b := join([]byte(id), le32(len(body)), body)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// riff is a whole file.
func riff(chunks ...[]byte) []byte {
	body := join(chunks...)
	return join([]byte("RIFF"), le32(len(body)+4), []byte("WAVE"), body)
}

func fmtChunk(e wav.Encoding, channels, rate, bits int) []byte {
	block := channels * ((bits + 7) / 8)
	return chunk("fmt ", join(le16(int(e)), le16(channels), le32(rate), le32(rate*block), le16(block), le16(bits)))
}

// pcm16 is samples as bytes.
func pcm16(samples ...int16) []byte {
	var b []byte
	for _, v := range samples {
		b = append(b, le16(int(uint16(v)))...)
	}
	return b
}

func ramp(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(i * 7)
	}
	return pcm
}

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = append(b, le32(int(math.Float32bits(v)))...)
	}
	return b
}

// readAll reads everything, in pieces of an awkward size.
func readAll(read func([]int16) (int, error)) ([]int16, error) {
	var all []int16
	p := make([]int16, 330)
	for {
		n, err := read(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all, nil
		} else if err != nil {
			return all, err
		}
	}
}

// A seekFile is a file in memory.
type seekFile struct {
	b      []byte
	at     int
	synced int
	fails  error // on the next Write
}

func (f *seekFile) Write(p []byte) (int, error) {
	if f.fails != nil {
		return 0, f.fails
	}
	f.b = append(f.b, make([]byte, max(f.at+len(p)-len(f.b), 0))...)
	f.at += copy(f.b[f.at:], p)
	return len(p), nil
}

func (f *seekFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		f.at = int(offset)
	case io.SeekCurrent:
		f.at += int(offset)
	case io.SeekEnd:
		f.at = len(f.b) + int(offset)
	}
	return int64(f.at), nil
}

func (f *seekFile) Sync() error { f.synced++; return nil }
