package legtest

import "github.com/tipring/tipring/media"

// memory keeps the newest frames. It grows to its size and no further.
type memory struct {
	frames  []media.Frame
	written uint64
}

func (m *memory) write(f *media.Frame) {
	const size = int(Memory / media.Period)
	if len(m.frames) < size {
		m.frames = append(m.frames, media.Frame{})
	}
	m.frames[m.written%uint64(size)].CopyFrom(f)
	m.written++
}

// last gives the newest n frames, oldest first, as far as they have the rate of
// the newest.
func (m *memory) last(n int) []int16 {
	n = min(n, len(m.frames))
	if n == 0 {
		return nil
	}
	at := func(back int) *media.Frame { return &m.frames[(m.written-uint64(back))%uint64(Memory/media.Period)] }
	same := 1
	for same < n && at(same+1).Rate == at(1).Rate {
		same++
	}
	n = same
	out := make([]int16, 0, n*at(1).Rate.Samples())
	for ; n > 0; n-- {
		out = append(out, at(n).PCM()...)
	}
	return out
}
