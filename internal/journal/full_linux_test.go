package journal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownMounts lets a command mount what nobody else sees.
func ownMounts(cmd *exec.Cmd) bool {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return true
}

// disk is how the room is taken and given.
func disk(way, dir string) (take, give func(), err error) {
	if way == "limit" || way == "files" {
		return limit()
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, nil, fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		return nil, nil, fmt.Errorf("mount a disk: %w", err)
	}
	filler := filepath.Join(dir, "filler")
	take = func() {
		if err := os.WriteFile(filler, make([]byte, 16<<20), 0o600); err != nil {
			fmt.Println(err)
		}
	}
	give = func() {
		if err := os.Remove(filler); err != nil {
			fmt.Println(err)
		}
	}
	return take, give, nil
}
