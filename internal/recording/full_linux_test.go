package recording_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/tipring/tipring/internal/recording"
)

// TestAFullDisk has a child of its own for each case, whose folder is a disk of
// 256 KB.
func TestAFullDisk(t *testing.T) {
	for _, c := range []string{"while it records", "while it closes", "while it repairs", "from the start"} {
		t.Run(c, func(t *testing.T) {
			var out bytes.Buffer
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "RECORDING_CHILD=fill", "RECORDING_DIR="+t.TempDir(), "RECORDING_CASE="+c)
			cmd.Stdout, cmd.Stderr = &out, &out
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
			if os.Getuid() != 0 {
				cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
			}
			err := cmd.Run()
			var ended *exec.ExitError
			if err != nil && !errors.As(err, &ended) { // no disk of our own to be had here: files of a limited size, then
				cmd = exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "RECORDING_CHILD=fill", "RECORDING_DIR="+t.TempDir(), "RECORDING_CASE="+c)
				cmd.Stdout, cmd.Stderr = &out, &out
				err = cmd.Run()
			}
			if err != nil {
				t.Errorf("%v\n%s", err, &out)
			}
			t.Logf("%s", &out)
		})
	}
}

// A disk is small, and can be filled.
type disk struct {
	dir   string
	limit bool // not a disk, but files that cannot grow
}

const small = 256 << 10

func newDisk(dir string) (*disk, error) {
	err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", small))
	}
	if err == nil {
		return &disk{dir: dir}, nil
	}
	fmt.Println("no tmpfs here:", err)
	signal.Ignore(syscall.SIGXFSZ)
	return &disk{dir, true}, nil
}

// fill leaves room for no file of more than so many bytes.
func (d *disk) fill(left int64) error {
	if d.limit {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			return err
		}
		l.Cur = uint64(left)
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &stat); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "filler"), make([]byte, max(int64(stat.Bavail)*stat.Bsize-left, 0)), 0o600)
}

// free makes room again.
func (d *disk) free() error {
	if d.limit {
		return d.fill(1 << 30)
	}
	return os.Remove(filepath.Join(d.dir, "filler"))
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG)
}

// fill is the child.
func fill(dir string) error {
	d, err := newDisk(dir)
	if err != nil {
		return err
	}
	s := &recording.Store{Dir: filepath.Join(dir, "recordings")}
	switch c := os.Getenv("RECORDING_CASE"); c {
	case "while it records":
		return fullRecording(d, s, 100<<10)
	case "while it closes":
		return fullClose(d, s)
	case "while it repairs":
		return fullRepair(d, s)
	case "from the start":
		return fullStart(d, s)
	default:
		return fmt.Errorf("no case %q", c)
	}
}

// tellTo lets a recording hear so many ticks, as fast as it writes, until it
// takes no more.
func tellTo(rec *recording.Recording, ticks uint64) {
	a, b := rec.Tap("4:+1"), rec.Tap("4:+2")
	for tick := range ticks {
		if say(a, tick, 0) != nil || say(b, tick, 1) != nil {
			return
		}
		for rec.Behind() > 60 { // it is about to write; a real room has 20 ms a tick
			runtime.Gosched()
		}
	}
}

// whole wants a document that counts.
func whole(s *recording.Store, r recording.Result) error {
	if len(r.Chunks) != 1 {
		return fmt.Errorf("no document: %+v", r)
	}
	f, info, err := s.Open(r.Chunks[0].Document)
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size != r.Chunks[0].Bytes || info.Size != header+4*r.Samples || r.Samples == 0 {
		return fmt.Errorf("%d bytes are there: %+v", info.Size, r)
	}
	pcm := make([]byte, info.Size)
	if _, err := f.Read(pcm); err != nil {
		return err
	}
	for i, b := 0, pcm[header:]; len(b) > 0; i, b = i+1, b[4:] {
		for c := range 2 {
			if got, want := int16(uint16(b[2*c])|uint16(b[2*c+1])<<8), count(0, i, c); got != want {
				return fmt.Errorf("channel %d, sample %d is %d, want %d", c, i, got, want)
			}
		}
	}
	return nil
}

var two = recording.Options{ID: "rec", Call: "call-1", MaxChannels: 2}

// fullRecording: the sound ends where the disk did, and what is there is whole.
func fullRecording(d *disk, s *recording.Store, room int64) error {
	rec, err := s.Start(two)
	if err != nil {
		return err
	}
	if err := d.fill(room); err != nil {
		return err
	}
	ran := make(chan error, 1)
	go func() { ran <- rec.Run(context.Background()) }()
	tellTo(rec, 500)
	result, err := rec.Stop(context.Background())
	if err != nil || !full(result.Err) || !full(<-ran) {
		return fmt.Errorf("%+v, %w; want that the disk is full", result, err)
	}
	fmt.Printf("%d ms before the disk was full; %v\n", result.Duration.Milliseconds(), result.Err)
	if result.Chunks == nil || result.Chunks[0].Bytes < room/2 {
		return fmt.Errorf("little was kept: %+v", result)
	}
	if err := whole(s, result); err != nil {
		return err
	}
	return afterwards(d, s, result)
}

// afterwards: there is room again, and nothing is missing.
func afterwards(d *disk, s *recording.Store, result recording.Result) error {
	if err := s.Announced("rec"); err != nil && !full(err) { // the page has no room yet, perhaps
		return err
	}
	if err := d.free(); err != nil {
		return err
	}
	if err := s.Announced("rec"); err != nil {
		return err
	}
	if _, err := s.Metadata("rec-0"); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(s.Dir, "*"))
	if err != nil || len(names) != 2 {
		return fmt.Errorf("left: %v, %w", names, err)
	}
	if again, err := s.Repair(context.Background()); len(again) != 0 || err != nil {
		return fmt.Errorf("announced, and yet %+v, %w", again, err)
	}
	return whole(s, result)
}

// fullClose: all sound is there, and no room for what is said of it.
func fullClose(d *disk, s *recording.Store) error {
	if d.limit {
		return nil // it takes a disk
	}
	rec, err := s.Start(two)
	if err != nil {
		return err
	}
	go rec.Run(context.Background())
	tellTo(rec, 50)
	for rec.Behind() > 1 {
		runtime.Gosched()
	}
	if err := d.fill(0); err != nil {
		return err
	}
	result, err := rec.Stop(context.Background())
	if err != nil || !full(result.Err) {
		return fmt.Errorf("%+v, %w; want that the disk is full", result, err)
	}
	if err := whole(s, result); err != nil {
		return err
	}
	if err := s.Announced("rec"); !full(err) {
		return fmt.Errorf("announced without metadata: %w", err)
	}
	again, err := s.Repair(context.Background())
	if !full(err) || len(again) != 1 || again[0].Samples != result.Samples {
		return fmt.Errorf("%+v, %w", again, err)
	}
	return afterwards(d, s, result)
}

// fullRepair: what can be done without room is done, the rest at the next start.
func fullRepair(d *disk, s *recording.Store) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	sound := wav2(50 * 320)
	if err := os.WriteFile(filepath.Join(s.Dir, "rec-0.wav.part"), sound[:len(sound)-3], 0o600); err != nil {
		return err
	}
	manifest := `{"version":1,"id":"rec","call":"call-1","format":"wav","rate":16000,"channels":2,"started":"2026-01-02T03:04:05Z",` +
		`"pauses":[{"started":"2026-01-02T03:04:06Z","open":true}]}`
	if err := os.WriteFile(filepath.Join(s.Dir, "rec-0.manifest.json"), []byte(manifest), 0o600); err != nil {
		return err
	}
	if err := d.fill(0); err != nil {
		return err
	}
	results, err := s.Repair(context.Background())
	if !full(err) || len(results) != 1 {
		return fmt.Errorf("%+v, %w; want that the disk is full", results, err)
	}
	if !d.limit { // a header cannot be written there
		if err := whole(s, results[0]); err != nil {
			return err
		}
	}
	fmt.Println(err)
	if err := d.free(); err != nil {
		return err
	}
	results, err = s.Repair(context.Background())
	if err != nil || len(results) != 1 || results[0].Samples != 50*320-1 || len(results[0].Pauses) != 1 {
		return fmt.Errorf("with room again: %+v, %w", results, err)
	}
	if err := s.Announced("rec"); err != nil {
		return err
	}
	return whole(s, results[0])
}

// wav2 is a file of two channels that count, as it is before its first flush.
func wav2(samples int) []byte {
	b := []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x80\x3e\x00\x00\x00\xfa\x00\x00\x04\x00\x10\x00data\x00\x00\x00\x00")
	for i := range samples {
		for c := range 2 {
			v := uint16(count(0, i, c))
			b = append(b, byte(v), byte(v>>8))
		}
	}
	return b
}

// fullStart: nothing can be begun, and nothing is left.
func fullStart(d *disk, s *recording.Store) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	if err := d.fill(0); err != nil {
		return err
	}
	if _, err := s.Start(two); !full(err) || !strings.Contains(err.Error(), "begin document") {
		return fmt.Errorf("start says %w", err)
	}
	if names, _ := filepath.Glob(filepath.Join(s.Dir, "*")); len(names) != 0 {
		return fmt.Errorf("left: %v", names)
	}
	return nil
}
