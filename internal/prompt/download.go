package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Why a download is given up; what they are wrapped in is ErrUnreachable.
var (
	errSlow     = errors.New("the server said nothing for too long")
	errTooLarge = errors.New("the file is too large")
	errTooLong  = errors.New("its sound is too long")
	errUnwanted = errors.New("nobody wants it any more")
)

// load downloads and decodes p's file. It is the goroutine of one download.
func (l *Library) load(ctx context.Context, p *Prompt, uri string) {
	defer p.abandon(nil)
	err := l.download(ctx, p, uri)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrFormat):
		l.Counters.Counter("prompt_failed_total", "reason", "format", "prompts that could not be played").Add(1)
	default:
		l.Counters.Counter("prompt_failed_total", "reason", "unreachable", "prompts that could not be played").Add(1)
		err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if errors.Is(err, io.EOF) {
		err = broken(err)
	}
	p.sound.end(err)
	p.begin()
	l.finish(p, err)
}

// broken is an error caused by an io.EOF, without it: a voice that fails must
// not be taken for one that has come to its end.
func broken(err error) error {
	kind := ErrUnreachable
	if errors.Is(err, ErrFormat) {
		kind = ErrFormat
	}
	return fmt.Errorf("%w (%v)", kind, err) //nolint:errorlint // on purpose
}

func (l *Library) download(ctx context.Context, p *Prompt, uri string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return err
	}
	patience := orElse(l.Timeout, 10*time.Second)
	watchdog := time.AfterFunc(patience, func() { p.abandon(errSlow) })
	defer watchdog.Stop()
	longest := time.AfterFunc(l.maxDuration()+patience, func() { p.abandon(errSlow) })
	defer longest.Stop()

	answer, err := l.client().Do(request)
	if err != nil {
		return err
	}
	watchdog.Stop()
	defer answer.Body.Close() // it is read, or of no use
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer was %.80s", answer.Status)
	}
	most := l.maxBytes()
	if answer.ContentLength > most {
		return fmt.Errorf("%w: %d bytes", errTooLarge, answer.ContentLength)
	}
	m := &meter{body: answer.Body, left: most, places: l.places(), watchdog: watchdog, patience: patience}
	m.places <- struct{}{}
	defer func() { <-m.places }()
	err = decode(m, p, l.maxDuration(), 2*most)
	if m.err != nil { // what a decoder says of half a file is not the reason
		return m.err
	}
	return err
}

// decode appends r's sound to p, as far as it is not too long and has not more
// than so many samples: a few bytes can hold hours of silence. A decoder that breaks on what it is given is a
// file that cannot be read.
func decode(r io.Reader, p *Prompt, longest time.Duration, most int64) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: the decoder broke on it: %v", ErrFormat, v)
		}
	}()
	d, err := open(bufio.NewReaderSize(r, 32<<10))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	p.rate.Store(int64(d.Rate()))
	most = min(most, int64(longest.Seconds()*float64(d.Rate())))
	var pcm [2048]int16
	for idle := 0; ; {
		n, err := d.ReadSamples(pcm[:])
		if n > 0 {
			p.sound.append(pcm[:n])
			p.begin()
		}
		switch {
		case errors.Is(err, io.EOF) && p.sound.length.Load() == 0:
			return fmt.Errorf("%w: it holds no sound", ErrFormat)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrFormat, err)
		case p.sound.length.Load() > most:
			return fmt.Errorf("%w: more than %d samples", errTooLong, most)
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle > 100 {
			return fmt.Errorf("%w: %w", ErrFormat, io.ErrNoProgress)
		}
	}
}

// A meter reads a body as far as it may. While it waits for the network it
// gives its place among the decoders to somebody else.
type meter struct {
	body     io.Reader
	left     int64
	places   chan struct{}
	watchdog *time.Timer
	patience time.Duration
	err      error // why the download failed
}

func (m *meter) Read(b []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	<-m.places
	m.watchdog.Reset(m.patience)
	n, err := m.body.Read(b)
	m.watchdog.Stop()
	m.places <- struct{}{}
	if m.left -= int64(n); m.left < 0 {
		err = errTooLarge
	}
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}
