package prompt

import (
	"io"

	"github.com/tipring/tipring/media/wav"
)

// wavFile decodes WAV, as far as package wav does.
type wavFile struct{ *wav.Reader }

func openWAV(r io.Reader) (decoder, error) {
	d, err := wav.NewReader(r)
	if err != nil {
		return nil, err
	}
	return wavFile{d}, nil
}

func (w wavFile) Rate() int { return w.Format().Rate }
