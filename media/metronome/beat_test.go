package metronome

import "testing"

func TestBeatSkips(t *testing.T) {
	const ms = 1_000_000
	for _, c := range []struct {
		name string
		now  int64
		skip uint64
		k    int64
	}{
		{"in time", 100 * ms, 0, 20},
		{"early", 99 * ms, 0, 20},
		{"three due", 159 * ms, 0, 20},
		{"four due", 160 * ms, 1, 24},
		{"ten due", 299 * ms, 7, 48},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := beat{step: 5 * ms, slots: 4, k: 20}
			if got := b.skip(c.now); got != c.skip || b.k != c.k {
				t.Errorf("skipped %d to step %d, want %d and %d", got, b.k, c.skip, c.k)
			}
		})
	}
}
