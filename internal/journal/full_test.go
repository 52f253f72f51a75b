package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

// TestAFullDisk: a copy of this program fills a disk of its own, or, where it
// cannot have one, meets the largest file it may write.
func TestAFullDisk(t *testing.T) {
	ways := []string{"limit", "files"}
	if cmd := exec.CommandContext(t.Context(), os.Args[0]); ownMounts(cmd) {
		cmd.Env = append(os.Environ(), "JOURNAL_CHILD=mount", "JOURNAL_DIR="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err == nil && strings.TrimSpace(string(out)) == "mounted" {
			ways = append(ways, "disk")
		}
	}
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			if way == "disk" {
				ownMounts(cmd)
			}
			cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+way, "JOURNAL_DIR="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "all done") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// fewFiles opens a journal while the process may open ever more files, beginning
// with none: the embedded server deletes what it cannot open for that.
func fewFiles(dir string) {
	f := &filling{dir: filepath.Join(dir, "journal"), set: &metric.Set{}}
	f.open()
	if _, err := f.dead.Add(context.Background(), []byte("before")); err != nil {
		f.failed(err)
	}
	want := ""
	for n := range 500 { // more than a file of the store holds
		key := fmt.Sprintf("k/%d", n)
		want += key + " "
		if err := f.commit(key); err != nil {
			f.failed(err)
		}
	}
	f.log.Close()
	refused := 0
	for n := range 60 {
		more, err := allowFiles(n)
		if err != nil {
			f.failed(err)
		}
		l, err := journal.Open(journal.Config{Dir: f.dir})
		more()
		if err != nil {
			refused++
			continue
		}
		l.Close()
	}
	f.open()
	f.holds("with files enough", want)
	f.log.Close()
	moved, _ := filepath.Glob(f.dir + ".broken*")
	if refused < 5 || len(moved) > 0 {
		f.failed(refused, "refusals, moved aside:", moved)
	}
	if !f.bad {
		fmt.Println("all done")
	}
}

// fullDisk is the child's part, and its word the verdict.
func fullDisk(way, dir string) {
	take, give, err := disk(way, dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	switch way {
	case "mount":
		fmt.Println("mounted")
		return
	case "files":
		fewFiles(dir)
		return
	}
	f := &filling{dir: filepath.Join(dir, "journal"), set: &metric.Set{}, clock: make(clock)}
	f.open()
	want := f.fill(take)
	f.holds("full", want)
	f.refuses()
	f.log.Later(gone("k/1"), put("never", "x"))
	want = strings.Replace(want, "k/1 ", "", 1)
	f.clock.pass(20)
	f.holds("full for a while", want)
	f.log.Close()
	f.open()                                    // a server that starts on a full disk
	if _, err := f.log.Get("k/1"); err == nil { // its removal found no room
		want = "k/0 k/1 " + strings.TrimPrefix(want, "k/0 ")
	}
	want += f.fillUp()
	f.refuses()
	f.log.Later(gone("k/2"))
	want = strings.Replace(want, "k/2 ", "", 1)
	f.holds("opened while full", want)
	give()
	f.clock.pass(10)
	if err := f.commit("again"); err != nil {
		f.failed("room again:", err)
	}
	if _, err := f.dead.Add(context.Background(), []byte("again")); err != nil {
		f.failed("room again on the shelf:", err)
	}
	want += "again "
	f.holds("room again", want)
	f.log.Close()
	f.open()
	f.holds("opened again", want)
	f.log.Close()
	if !f.bad {
		fmt.Println("all done")
	}
}

func (f *filling) refuses() {
	began := time.Now()
	for range 200 {
		if err := f.commit("more"); !errors.Is(err, journal.ErrFull) {
			f.failed("a commit without room:", err)
		}
		if _, err := f.dead.Add(context.Background(), []byte("dead")); !errors.Is(err, journal.ErrFull) {
			f.failed("a shelf without room:", err)
		}
		if f.bad {
			return
		}
	}
	if d := time.Since(began); d > 2*time.Second {
		f.failed("200 refusals took", d)
	}
	if f.set.Counter("journal_failed_total", "reason", "full", "").Value() < 200 {
		f.failed("refusals were not counted")
	}
}

// fillUp takes what little room a new start may find. It gives the keys kept.
func (f *filling) fillUp() (keys string) {
	for n := range 3000 {
		key := fmt.Sprintf("up/%d", n)
		if err := f.commit(key); err != nil {
			return keys
		}
		keys += key + " "
	}
	f.failed("opened on a full disk it takes everything")
	return keys
}

// filling is a journal on a disk that becomes full.
type filling struct {
	dir   string
	set   *metric.Set
	log   *journal.Log
	dead  *journal.Shelf
	clock clock
	bad   bool
}

func (f *filling) failed(what ...any) {
	f.bad = true
	fmt.Println(what...)
}

func (f *filling) open() {
	var err error
	l, _ := logged()
	f.clock = make(clock)
	f.log, err = journal.OpenTicking(journal.Config{Dir: f.dir, Metrics: f.set, Log: l}, (chan time.Time)(f.clock))
	if err == nil {
		f.dead, err = f.log.Shelf("dead", journal.ShelfConfig{})
	}
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
}

func (f *filling) commit(key string) error {
	return f.log.Commit(context.Background(), put(key, strings.Repeat("v", 20_000)))
}

// fill takes most of the room, and commits until there is none. It gives the
// keys that are kept.
func (f *filling) fill(take func()) (keys string) {
	if _, err := f.dead.Add(context.Background(), []byte("before")); err != nil {
		f.failed("shelf:", err)
	}
	for n := range 3000 {
		if n == 10 {
			take()
		}
		key := fmt.Sprintf("k/%d", n)
		began := time.Now()
		if err := f.commit(key); err != nil {
			if d := time.Since(began); !errors.Is(err, journal.ErrFull) || d > 2*time.Second {
				f.failed("commit", n, "failed after", d, err)
			}
			return keys
		}
		keys += key + " "
	}
	f.failed("it never becomes full")
	return keys
}

// holds compares the keys, and reads every value in both ways.
func (f *filling) holds(when, want string) {
	got := ""
	err := f.log.Each("", func(key string, value []byte) error {
		got += key + " "
		if again, err := f.log.Get(key); err != nil || len(value) != 20_000 || string(again) != string(value) {
			f.failed(when, key, len(value), err)
		}
		return nil
	})
	if got != want || err != nil {
		f.failed(when, "there is", got, err, "wanted", want)
	}
	if v, err := f.dead.Get(1); string(v) != "before" || err != nil {
		f.failed(when, "on the shelf", string(v), err)
	}
}
