//go:build unix

package journal_test

import (
	"fmt"
	"os/signal"

	"golang.org/x/sys/unix"
)

// limit lets no file of this process grow beyond a size, from take to give.
func limit() (take, give func(), err error) {
	signal.Ignore(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return nil, nil, fmt.Errorf("read the limit: %w", err)
	}
	set := func(size uint64) {
		now := before
		now.Cur = size
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &now); err != nil {
			fmt.Println("set the limit:", err)
		}
	}
	return func() { set(3 << 20) }, func() { set(before.Cur) }, nil
}

// allowFiles lets this process open only n files more than it has, until more is
// called.
func allowFiles(n int) (more func(), err error) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return nil, fmt.Errorf("read the limit: %w", err)
	}
	next, err := unix.Dup(0) // the lowest number that is free
	if err != nil {
		return nil, fmt.Errorf("look for a free number: %w", err)
	}
	if err := unix.Close(next); err != nil {
		return nil, fmt.Errorf("look for a free number: %w", err)
	}
	now := before
	now.Cur = uint64(next + n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return nil, fmt.Errorf("set the limit: %w", err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			fmt.Println("set the limit:", err)
		}
	}, nil
}
