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
