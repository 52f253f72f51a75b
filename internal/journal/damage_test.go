package journal_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/metric"
)

// stored is where the store keeps the journal's messages.
func stored(dir string, name ...string) string {
	return filepath.Join(append([]string{dir, "store", "jetstream", "$G", "streams", "JOURNAL"}, name...)...)
}

// written is a folder with a journal of records of 30 KB, of which 280 fill a file
// of the store, and one that was left by a killed process.
func written(t *testing.T, records int) (closed, killed string) {
	t.Helper()
	closed, killed = filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "journal")
	l, _ := opened(t, journal.Config{Dir: closed, NoSync: true})
	for i := range records {
		must(t, l, put(fmt.Sprintf("k/%03d", i), strings.Repeat(fmt.Sprintf("%03d.", i), 7500)))
	}
	if err := os.CopyFS(killed, os.DirFS(closed)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	return closed, killed
}

// TestWhatIsDamagedIsSaidAndTheRestKept: real damage to the files of a store, and
// how many of 400 records must be left.
func TestWhatIsDamagedIsSaidAndTheRestKept(t *testing.T) {
	closed, killed := written(t, 400)
	for name, c := range map[string]struct {
		from    string
		damage  func(dir string) error
		least   int
		reasons string // any of them
	}{
		"nothing":                   {closed, nothing, 400, ""},
		"nothing, killed":           {killed, nothing, 400, ""},
		"a garbled record":          {closed, garble("msgs/1.blk", 1_000_000), 399, "lost"},
		"a garbled record, killed":  {killed, garble("msgs/2.blk", 1_000_000), 270, "cut"},
		"a block cut short":         {closed, cutShort("msgs/1.blk", 5_000_000), 270, "lost"},
		"the last block cut short":  {killed, cutShort("msgs/2.blk", 10_000), 270, ""}, // as a power cut leaves it: nothing tells
		"a block gone":              {closed, remove("msgs/1.blk"), 120, "lost"},
		"a block gone, killed":      {killed, remove("msgs/1.blk"), 120, "lost"},
		"its index garbled":         {closed, garble("msgs/index.db", 5), 400, ""},
		"its description garbled":   {closed, garble("meta.inf", 5), 400, "description"},
		"its description gone":      {killed, remove("meta.inf"), 400, "description"},
		"the description's sum":     {closed, garble("meta.sum", 2), 400, "description"},
		"a file in place of all":    {closed, replace("../../../.."), 0, "store"},
		"a file in place of blocks": {closed, replace("msgs"), 0, "store"},
		"an open file in place":     {closed, replace("msgs/2.blk"), 270, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			if err := os.CopyFS(dir, os.DirFS(c.from)); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(stored(dir)); err != nil {
				t.Fatal(err)
			}
			log, said := logged()
			set := &metric.Set{}
			l, _ := opened(t, journal.Config{Dir: dir, NoSync: true, Log: log, Metrics: set})
			if n := len(readable(t, l)); n < c.least {
				t.Errorf("%d records are left, not %d", n, c.least)
			}
			if c.reasons != "" {
				if set.Counter("journal_damaged_total", "reason", c.reasons, "").Value() == 0 || !strings.Contains(said(), dir) {
					t.Errorf("it was not told: %s", said())
				}
			}
			if moved, _ := filepath.Glob(dir + ".broken-*"); (len(moved) == 1) != (c.reasons == "store") {
				t.Errorf("moved aside: %v", moved)
			}
			must(t, l, put("new", "x"))
			l.Close()
			l, _ = opened(t, journal.Config{Dir: dir, NoSync: true})
			if v, err := l.Get("new"); string(v) != "x" || err != nil {
				t.Errorf("the new one: %q, %v", v, err)
			}
		})
	}
}

// readable is what can be read, every value being right.
func readable(t *testing.T, l *journal.Log) (keys []string) {
	t.Helper()
	err := l.Each("k/", func(key string, value []byte) error {
		if want := bytes.Repeat([]byte(key[2:]+"."), 7500); !bytes.Equal(value, want) {
			t.Errorf("%s has a wrong value", key)
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return keys
}

func nothing(string) error { return nil }

func garble(name string, at int64) func(string) error {
	return func(dir string) error { return overwrite(filepath.Join(dir, name), at, []byte("garbled")) }
}

func overwrite(name string, at int64, with []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt(with, at)
	return err
}

func cutShort(name string, size int64) func(string) error {
	return func(dir string) error { return os.Truncate(filepath.Join(dir, name), size) }
}

func remove(name string) func(string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
}

// replace puts a file where a folder was.
func replace(name string) func(string) error {
	return func(dir string) error {
		name := filepath.Join(dir, name)
		if err := os.RemoveAll(name); err != nil {
			return err
		}
		return os.WriteFile(name, []byte("not a folder"), 0o600)
	}
}

// TestDamageWhileItRuns: a record whose file is damaged meanwhile is told of, and
// does not hold up the cleaning of the log.
func TestDamageWhileItRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	set := &metric.Set{}
	log, said := logged()
	l, ticks := opened(t, journal.Config{Dir: dir, NoSync: true, Metrics: set, Log: log})
	must(t, l, put("bad", strings.Repeat("b", 1000)))
	must(t, l, put("good", "g"))
	filler := strings.Repeat("f", 1<<20)
	for range 20 {
		must(t, l, put("x", filler))
	}
	if err := overwrite(stored(dir, "msgs", "1.blk"), 200, []byte("garbled")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := all(t, l, "good") + all(t, l, "bad"); got != "good=g" {
			t.Errorf("left: %q", got)
		}
		ticks.pass(3)
	}
	if set.Counter("journal_damaged_total", "reason", "value", "").Value() == 0 || !strings.Contains(said(), "key=bad") {
		t.Errorf("it was not told: %s", said())
	}
	if n, live := l.Size(); n > 2*live+8<<20 {
		t.Errorf("%d bytes for %d", n, live)
	}
}

// TestNoDamageIsFatal: whatever bytes are wrong, the journal opens, says nothing
// false, and goes on.
func TestNoDamageIsFatal(t *testing.T) {
	closed, killed := written(t, 40)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		dir := filepath.Join(t.TempDir(), "journal")
		from := []string{closed, killed}[i%2]
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(stored(dir, "msgs", "*"))
		metas, _ := filepath.Glob(stored(dir, "meta*"))
		files = append(files, metas...)
		for range 1 + random.IntN(4) {
			name := files[random.IntN(len(files))]
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			bad := make([]byte, 1+random.IntN(64))
			for i := range bad {
				bad[i] = byte(random.Uint32())
			}
			if err := overwrite(name, random.Int64N(info.Size()), bad); err != nil {
				t.Fatal(err)
			}
		}
		l, _ := opened(t, journal.Config{Dir: dir, NoSync: true})
		readable(t, l)
		must(t, l, put("new", "x"))
		l.Close()
	}
}
