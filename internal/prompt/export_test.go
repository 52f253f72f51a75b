package prompt

import (
	"errors"
	"io"
	"time"
)

// Wait waits until all downloads have ended.
func (l *Library) Wait() { l.loading.Wait() }

// Decode decodes a file of at most ten seconds and counts its samples.
func Decode(r io.Reader) (samples int64, err error) {
	p := &Prompt{ready: make(chan struct{})}
	err = decode(r, p, 10*time.Second, 1<<20)
	return p.sound.length.Load(), err
}

// TooLong reports whether Decode gave up on a file that is too long.
func TooLong(err error) bool { return errors.Is(err, errTooLong) }
