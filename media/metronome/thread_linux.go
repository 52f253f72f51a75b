package metronome

import "golang.org/x/sys/unix"

// prefer changes the nice value of the calling thread, as far as the system
// lets us: lowering it takes CAP_SYS_NICE or RLIMIT_NICE.
func prefer(nice int) {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), nice) // else without
}
