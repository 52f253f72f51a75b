package prompt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"
	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
)

// A decoder gives mono samples at a rate of its own.
type decoder interface {
	media.SampleReader
	Rate() int
}

// open looks at the first bytes of r and finds the decoder for it. The name of
// a file, or its content type, says nothing.
func open(r *bufio.Reader) (decoder, error) {
	head, _ := r.Peek(4)
	var d decoder
	var err error
	switch {
	case len(head) < 4:
		return nil, errors.New("too short to be audio")
	case bytes.Equal(head, []byte("RIFF")), bytes.Equal(head, []byte("RF64")), bytes.Equal(head, []byte("RIFX")):
		d, err = openWAV(r)
	case bytes.Equal(head, []byte("fLaC")):
		d, err = openFLAC(r)
	case bytes.Equal(head[:3], []byte("ID3")), head[0] == 0xFF && head[1]&0xE0 == 0xE0:
		d, err = openMP3(r)
	default:
		return nil, fmt.Errorf("it begins with %q: neither WAV nor MP3 nor FLAC", head)
	}
	if err != nil {
		return nil, err
	}
	if !resample.Supported(d.Rate()) {
		return nil, fmt.Errorf("%d samples a second", d.Rate())
	}
	return d, nil
}

// mp3File decodes MPEG-1 and MPEG-2 audio layer III, of 16 to 48 kHz; those of 8
// to 12 kHz ("MPEG 2.5") are ErrFormat. The decoder behind it
// always gives two channels.
type mp3File struct {
	d   *mp3.Decoder
	raw [4 * 1024]byte
}

func openMP3(r io.Reader) (decoder, error) {
	d, err := mp3.NewDecoder(struct{ io.Reader }{r})
	if err != nil {
		return nil, fmt.Errorf("read MP3: %w", err)
	}
	return &mp3File{d: d}, nil
}

func (m *mp3File) Rate() int { return m.d.SampleRate() }

func (m *mp3File) ReadSamples(p []int16) (int, error) {
	raw := m.raw[:min(len(m.raw), 4*len(p))]
	n, err := io.ReadFull(m.d, raw)
	n /= 4
	for i := range n {
		left := int16(binary.LittleEndian.Uint16(raw[4*i:]))
		right := int16(binary.LittleEndian.Uint16(raw[4*i+2:]))
		p[i] = int16((int32(left) + int32(right)) / 2)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// flacFile decodes FLAC (RFC 9639).
type flacFile struct {
	stream *flac.Stream
	block  *frame.Frame
	at     int
}

func openFLAC(r io.Reader) (decoder, error) {
	s, err := flac.New(r)
	if err != nil {
		return nil, fmt.Errorf("read FLAC: %w", err)
	}
	return &flacFile{stream: s}, nil
}

func (f *flacFile) Rate() int { return int(f.stream.Info.SampleRate) }

func (f *flacFile) ReadSamples(p []int16) (n int, err error) {
	for n < len(p) {
		for f.block == nil || f.at == int(f.block.BlockSize) {
			if f.block, err = f.stream.ParseNext(); err != nil {
				return n, err
			}
			f.at = 0
		}
		bits := int(f.block.BitsPerSample)
		if bits == 0 {
			bits = int(f.stream.Info.BitsPerSample)
		}
		for ; n < len(p) && f.at < int(f.block.BlockSize); n, f.at = n+1, f.at+1 {
			var sum int64
			for _, channel := range f.block.Subframes {
				sum += int64(channel.Samples[f.at])
			}
			p[n] = sixteen(sum/int64(len(f.block.Subframes)), bits)
		}
	}
	return n, nil
}

// sixteen brings a sample of so many bits to 16.
func sixteen(v int64, bits int) int16 {
	if bits > 16 {
		return media.Saturate(int32(v >> (bits - 16)))
	}
	return media.Saturate(int32(v << (16 - bits)))
}
