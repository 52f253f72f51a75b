package call_test

import (
	"math"
	"slices"
	"sync"

	"github.com/tipring/tipring/media"
)

// earwitness notes what a leg hears, a frame at a time: the pitch in Hz, 0 for
// silence, -1 for what is neither.
type earwitness struct {
	mu     sync.Mutex
	frames []int16
}

func (e *earwitness) hear(f *media.Frame) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames = append(e.frames, pitch(f))
}

// pitch finds the tone of scenarios that a frame is.
func pitch(f *media.Frame) int16 {
	var energy float64
	for _, s := range f.PCM() {
		energy += float64(s) * float64(s)
	}
	n := float64(len(f.PCM()))
	if energy/n < 100 {
		return 0
	}
	for _, freq := range []int16{440, 880, 700} {
		var re, im float64
		for i, s := range f.PCM() {
			sin, cos := math.Sincos(2 * math.Pi * float64(freq) * float64(i) / float64(f.Rate))
			re, im = re+float64(s)*cos, im+float64(s)*sin
		}
		if 2*(re*re+im*im)/n > 0.8*energy {
			return freq
		}
	}
	return -1
}

func (e *earwitness) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.frames)
}

// since is how many frames after from the first one of a pitch came; -1: none yet.
func (e *earwitness) since(from, pitch int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Index(e.frames[from:], int16(pitch))
}

// other is the first frame between from and to that is of another pitch, or -1.
func (e *earwitness) other(from, to, pitch int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := from; i < to; i++ {
		if int(e.frames[i]) != pitch {
			return i
		}
	}
	return -1
}

func (e *earwitness) last(n int) []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.frames[max(0, len(e.frames)-n):])
}
