package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
	"github.com/tipring/tipring/media/wav"
)

// dtmfCmd is `tipring dtmf`: it finds digits in sound and prints one a line,
//
//	digit start_sample end_sample
//
// counted in samples at the file's own rate.
type dtmfCmd struct {
	File string `arg:"" optional:"" type:"path" help:"A WAV file of any rate; several channels are mixed to one."`
	Raw  bool   `help:"Read 8 kHz, 16 bit, little-endian, mono sound from standard input."`
}

// Validate is called by kong when the command line has been read.
func (c *dtmfCmd) Validate() error {
	if c.Raw == (c.File != "") {
		return errors.New("name a WAV file, or use --raw for sound on standard input")
	}
	return nil
}

// Run prints the digits. The first interrupt ends it.
func (c *dtmfCmd) Run(ctx context.Context) error {
	in := os.Stdin
	if !c.Raw {
		file, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("open sound: %w", err)
		}
		defer file.Close()
		in = file
	}
	defer context.AfterFunc(ctx, func() { in.Close() })()
	err := c.find(in, os.Stdout)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// find reads sound to its end and writes a line for each digit, as soon as the
// digit has ended.
func (c *dtmfCmd) find(in io.Reader, out io.Writer) error {
	var samples media.SampleReader
	rate := 8000
	if c.Raw {
		samples = &rawSound{in: in}
	} else {
		file, err := wav.NewReader(in)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.File, err)
		}
		samples, rate = file, file.Format().Rate
	}
	counted := &countedSound{SampleReader: samples}
	p := digitPrinter{out: out, sound: counted, rate: int64(rate)}
	voice := resample.NewSource(counted, rate)
	f := media.Frame{Rate: media.Rate8k}
	for ; ; f.Tick++ {
		_, err := media.Pull(voice, &f)
		if werr := p.hear(&f); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			return p.end(&f)
		}
		if err != nil {
			return fmt.Errorf("read sound: %w", err)
		}
	}
}

// A digitPrinter prints what a detector finds.
type digitPrinter struct {
	ear   dtmf.Detector
	out   io.Writer
	sound *countedSound
	rate  int64
}

func (p *digitPrinter) hear(f *media.Frame) error {
	if err := p.ear.Write(f); err != nil {
		return err
	}
	for hit, ok := p.ear.Ended(); ok; hit, ok = p.ear.Ended() {
		start, end := p.place(hit.Start), p.place(hit.End)
		if _, err := fmt.Fprintf(p.out, "%c %d %d\n", hit.Symbol, start, end); err != nil {
			return fmt.Errorf("print digit: %w", err)
		}
	}
	return nil
}

// end hears some silence after the last sample, which ends a digit there.
func (p *digitPrinter) end(f *media.Frame) error {
	f.Silence()
	for range 5 {
		f.Tick++
		if err := p.hear(f); err != nil {
			return err
		}
	}
	return nil
}

// place is where a sample at 8 kHz lies at the file's own rate.
func (p *digitPrinter) place(at int64) int64 {
	return min(max((at*p.rate+4000)/8000, 0), p.sound.n)
}

// countedSound counts the samples that were read.
type countedSound struct {
	media.SampleReader
	n int64
}

func (c *countedSound) ReadSamples(p []int16) (int, error) {
	n, err := c.SampleReader.ReadSamples(p)
	c.n += int64(n)
	return n, err
}

// rawSound reads 16-bit little-endian samples. Half a sample at the end is left
// out.
type rawSound struct {
	in  io.Reader
	buf [1024]byte
}

func (r *rawSound) ReadSamples(p []int16) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := io.ReadAtLeast(r.in, r.buf[:min(2*len(p), len(r.buf))], 2)
	if n%2 == 1 && err == nil { // wait for the other half
		if _, err = io.ReadFull(r.in, r.buf[n:n+1]); err == nil {
			n++
		}
	}
	for i := range n / 2 {
		p[i] = int16(binary.LittleEndian.Uint16(r.buf[2*i:]))
	}
	if n >= 2 { // an error comes again
		return n / 2, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return 0, err
}
