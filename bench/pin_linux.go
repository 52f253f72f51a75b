package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pinSelf holds every thread of this process to a core, -1 for any, and prefers
// it, and what it starts, to what else the machine does, as far as the system
// lets us.
func pinSelf(core, nice int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list our own threads: %w", err)
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if core >= 0 {
			if err := pin(id, core); err != nil {
				return err
			}
		}
		_ = unix.Setpriority(unix.PRIO_PROCESS, id, nice)
	}
	return nil
}

// pinned starts a process on another core than this one's: a child begins with
// what its parent's thread is held to.
func pinned(core, own int, start func() error) error {
	if core < 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pin(0, core); err != nil {
		return err
	}
	err := start()
	if own >= 0 {
		return join(err, pin(0, own))
	}
	var all unix.CPUSet
	for i := range runtime.NumCPU() {
		all.Set(i)
	}
	return join(err, unix.SchedSetaffinity(0, &all))
}

func join(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("hold a thread to core %d: %w", core, err)
	}
	return nil
}

// prefer sets the nice value of the calling thread, as far as the system lets us.
func prefer(nice int) { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), nice) }

// threadTime is the processor time that the calling thread has used.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
