package prompt

import (
	"io"
	"sync/atomic"
)

// chunkSamples is the size of one piece of a sound: 32 KB.
const chunkSamples = 16 * 1024

// A sound is a chain of samples that only grows. One goroutine appends; any
// number walk along it without locks. length is published after the samples
// that it counts, ending after length.
type sound struct {
	first  chunk
	last   *chunk
	length atomic.Int64
	ending atomic.Pointer[ending]
}

type chunk struct {
	pcm  [chunkSamples]int16
	next atomic.Pointer[chunk]
}

// An ending says how a sound ended: nil, it is all there.
type ending struct{ err error }

// append adds samples.
func (s *sound) append(pcm []int16) {
	if s.last == nil {
		s.last = &s.first
	}
	length := s.length.Load()
	for len(pcm) > 0 {
		at := int(length % chunkSamples)
		if at == 0 && length > 0 {
			c := new(chunk)
			s.last.next.Store(c)
			s.last = c
		}
		n := copy(s.last.pcm[at:], pcm)
		length += int64(n)
		pcm = pcm[n:]
	}
	s.length.Store(length)
}

// end says that nothing will be appended any more.
func (s *sound) end(err error) { s.ending.Store(&ending{err}) }

// A place is where somebody is in a sound. It is a media.SampleReader that
// never waits: no samples and no error mean that they have not come yet.
type place struct {
	sound *sound
	loop  bool
	in    *chunk
	at    int64
}

// ReadSamples gives samples from the place on, and moves it. A loop goes on
// with the first sample behind the last one.
func (p *place) ReadSamples(out []int16) (n int, err error) {
	for n < len(out) {
		end := p.sound.ending.Load() // before the length, which is final once there is an ending
		m := min(p.sound.length.Load()-p.at, int64(len(out)-n))
		if m > 0 {
			n += p.copy(out[n : n+int(m)])
			continue
		}
		switch {
		case end == nil:
			return n, nil
		case end.err != nil:
			return n, end.err
		case !p.loop || p.at == 0: // a loop of nothing ends
			return n, io.EOF
		}
		p.at, p.in = 0, nil
	}
	return n, nil
}

// copy takes samples that are there, up to the end of a chunk.
func (p *place) copy(out []int16) int {
	in := int(p.at % chunkSamples)
	switch {
	case p.at == 0:
		p.in = &p.sound.first
	case in == 0:
		p.in = p.in.next.Load()
	}
	n := copy(out, p.in.pcm[in:])
	p.at += int64(n)
	return n
}
