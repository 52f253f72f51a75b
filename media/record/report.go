package record

import "time"

// A Report is how far a recording has come.
type Report struct {
	Start   uint64     // its first tick
	Stop    uint64     // the tick behind its last
	Samples uint64     // in the file, of each channel
	Pauses  []Interval // what was left out
	Paused  bool
	Dropped uint64 // frames that were heard and are silence in the file: the disk was too slow
}

// An Interval is a span of ticks: From is in it, To is not. A pause that goes
// on has no To.
type Interval struct{ From, To uint64 }

// Duration is how long the file plays.
func (r Report) Duration() time.Duration {
	return time.Duration(r.Samples) * time.Second / time.Duration(Rate)
}
