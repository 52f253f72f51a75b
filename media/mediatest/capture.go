package mediatest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tipring/tipring/media"
)

// A Capture is a Sink that keeps every sample. Its zero value takes the rate
// of the first frame; with Want it takes that rate and nothing else. It is
// safe to measure while it is written to.
type Capture struct {
	// Want is the rate it asks for; 0 is that of the first frame.
	Want media.Rate

	mu    sync.Mutex
	rate  media.Rate
	pcm   []int16
	ticks []uint64
	lost  []bool
}

// Write keeps a copy of f's samples. A frame of another rate than that of the
// first is an error.
func (c *Capture) Write(f *media.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rate == 0 {
		c.rate = c.Want
	}
	if c.rate == 0 {
		c.rate = f.Rate
	}
	if f.Rate != c.rate {
		return fmt.Errorf("mediatest: capture of %d Hz got a frame of %d Hz at tick %d", c.rate, f.Rate, f.Tick)
	}
	c.pcm = append(c.pcm, f.PCM()...)
	c.ticks = append(c.ticks, f.Tick)
	c.lost = append(c.lost, f.Lost)
	return nil
}

// Rate is the rate it asks for, or, where it asks for none, of what it heard.
func (c *Capture) Rate() media.Rate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rate == 0 {
		return c.Want
	}
	return c.rate
}

// Grow makes room for d at 48 kHz, so that no Write up to there allocates.
func (c *Capture) Grow(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frames := int(d/media.Period) + 1
	c.pcm = slices.Grow(c.pcm, frames*media.MaxSamples)
	c.ticks, c.lost = slices.Grow(c.ticks, frames), slices.Grow(c.lost, frames)
}

// Reset forgets everything heard, and the rate of the first frame.
func (c *Capture) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rate, c.pcm, c.ticks, c.lost = 0, c.pcm[:0], c.ticks[:0], c.lost[:0]
}

// Sound is a copy of everything heard.
func (c *Capture) Sound() Sound {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Sound{Rate: int(c.rate), PCM: slices.Clone(c.pcm)}
}

// Samples is a copy of every sample heard.
func (c *Capture) Samples() []int16 { return c.Sound().PCM }

// Duration is how much was heard.
func (c *Capture) Duration() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(len(c.ticks)) * media.Period
}

// Ticks is the Tick of every frame heard.
func (c *Capture) Ticks() []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ticks)
}

// Lost says of every frame heard whether it was marked as lost.
func (c *Capture) Lost() []bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lost)
}

// Level is Sound.Level of everything heard.
func (c *Capture) Level() float64 { return c.Sound().Level() }

// Power is Sound.Power of everything heard.
func (c *Capture) Power(freq float64) float64 { return c.Sound().Power(freq) }

// Frequency is Sound.Frequency of everything heard.
func (c *Capture) Frequency() float64 { return c.Sound().Frequency() }

// PhaseJumps is Sound.PhaseJumps of everything heard.
func (c *Capture) PhaseJumps(freq float64) []Jump { return c.Sound().PhaseJumps(freq) }

// FirstSound is Sound.FirstSound of everything heard.
func (c *Capture) FirstSound(threshold int16) int { return c.Sound().FirstSound(threshold) }

// LastSound is Sound.LastSound of everything heard.
func (c *Capture) LastSound(threshold int16) int { return c.Sound().LastSound(threshold) }
