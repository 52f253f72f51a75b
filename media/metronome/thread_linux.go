package metronome

import (
	"time"

	"golang.org/x/sys/unix"
)

// prefer changes the nice value of the calling thread, as far as the system
// lets us: lowering it takes CAP_SYS_NICE or RLIMIT_NICE.
func prefer(nice int) {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), nice) // else without
}

// Nanosleep is a Config.Sleep that keeps the thread in the kernel: 0.1 ms late
// at the median where a timer of an idle Go program is 0.6 ms late. Not for
// testing/synctest, which cannot see it sleep.
func Nanosleep(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil) // a signal wakes it early
}
