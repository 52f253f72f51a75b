package media

// A Source is a voice. It is pulled: once per tick somebody calls Read.
//
// Read fills f.PCM() at f.Rate from its start and says how many samples it
// had. It never blocks, must not retain f, and leaves f.Rate and f.Tick alone.
// What stands in f beyond n is undefined; Pull silences it. Legal returns:
//
//  1. n = len(f.PCM()), nil: a full frame.
//  2. n < len(f.PCM()), nil: silence follows for now (a prompt still loading,
//     a queue run dry); ask again next tick.
//  3. n ≥ 0, io.EOF: these were the last samples.
//  4. n = 0, another error: as 3, but it failed; the error is returned once
//     and io.EOF after it.
//
// A Source sets f.Lost on frames that it had to make up, and clears it else.
type Source interface {
	Read(f *Frame) (n int, err error)
}

// A Sink is an ear. It is pushed: Write is called once per Period.
//
// Write never blocks and must not retain f. An error means: never call me
// again.
type Sink interface {
	Write(f *Frame) error
}

// A Filter changes a frame in place.
type Filter interface {
	Apply(f *Frame)
}

// SourceFunc makes a Source of a function.
type SourceFunc func(f *Frame) (int, error)

// Read calls s.
func (s SourceFunc) Read(f *Frame) (int, error) { return s(f) }

// SinkFunc makes a Sink of a function.
type SinkFunc func(f *Frame) error

// Write calls s.
func (s SinkFunc) Write(f *Frame) error { return s(f) }

// A SampleReader is a stream of mono 16-bit samples at a rate of its own: a
// file being decoded. It may block, so it stays outside the tick. Package
// resample makes a Source of one whose samples are already in memory.
//
// ReadSamples follows io.Reader: n samples, and io.EOF at the end.
type SampleReader interface {
	ReadSamples(p []int16) (n int, err error)
}

// Pull reads one frame from s and silences what s did not fill.
func Pull(s Source, f *Frame) (n int, err error) {
	f.Lost = false
	n, err = s.Read(f)
	clear(f.PCM()[n:])
	return n, err
}
