//go:build !linux

package metronome

import "time"

// prefer does nothing: only Linux has a nice value for each thread.
func prefer(int) {}

// Nanosleep is a Config.Sleep: on Linux a more exact one than this.
func Nanosleep(d time.Duration) { time.Sleep(d) }
