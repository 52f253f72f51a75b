package dtmf

import "github.com/tipring/tipring/media"

// A Hit is a digit found in sound, from where to where.
type Hit struct {
	Digit
	// Start and End are counted in samples at 8 kHz from the first frame that
	// was written, lost and skipped ones included.
	Start, End int64
}

// A Detector finds digits in sound. Its zero value is ready.
type Detector struct{}

// Write takes one frame of any rate. It is a media.Sink and never fails.
func (d *Detector) Write(f *media.Frame) error { return nil }

// Next is the next digit that has begun, reported some 35 ms of sound after its
// start.
func (d *Detector) Next() (Digit, bool) { return Digit{}, false }

// Ended is the next digit that has ended, with its place.
func (d *Detector) Ended() (Hit, bool) { return Hit{}, false }

// Flush ends a digit that still sounds, at the end of a recording.
func (d *Detector) Flush() {}
