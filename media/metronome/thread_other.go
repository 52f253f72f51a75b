//go:build !linux

package metronome

// prefer does nothing: only Linux has a nice value for each thread.
func prefer(int) {}
