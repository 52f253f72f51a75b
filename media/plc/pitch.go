package plc

import "math"

// pitch finds the lag, between 5 and 15 ms, at which the last 20 ms resemble
// what came before them the most: first at the detail of 8 kHz over every second
// sample of it, then finely around the best.
func (c *Concealer) pitch() int {
	shortest := c.rate / maxPitchHz
	detail := max(c.rate/8000, 1)
	best, score := c.longest, math.Inf(-1)
	for lag := shortest; lag <= c.longest; lag += detail {
		if s := c.alike(lag, 2*detail); s > score {
			best, score = lag, s
		}
	}
	from, to := max(best-detail, shortest), min(best+detail, c.longest)
	score = math.Inf(-1)
	for lag := from; lag <= to; lag++ {
		if s := c.alike(lag, detail); s > score {
			best, score = lag, s
		}
	}
	return best
}

// alike is the normalised cross-correlation of the last 20 ms with the sound
// lag samples earlier, over every step-th sample.
func (c *Concealer) alike(lag, step int) float64 {
	n := len(c.heard)
	var cross, energy int64
	for i := n - c.rate/50; i < n; i += step {
		a, b := int64(c.heard[i]), int64(c.heard[i-lag])
		cross += a * b
		energy += b * b
	}
	if energy == 0 {
		return 0
	}
	return float64(cross) / math.Sqrt(float64(energy))
}
