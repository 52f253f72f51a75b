package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tipring/tipring/internal/journal"
)

// child is what a copy of the test binary does instead of testing.
func child(role string) {
	dir := os.Getenv("JOURNAL_DIR")
	switch role {
	case "commit":
		commitForEver(dir)
	default:
		fullDisk(role, dir)
	}
}

// commitForEver commits batches of records that belong together, and says each
// time what is durable now. A batch replaces the batch 40 before it.
func commitForEver(dir string) {
	l, err := journal.Open(journal.Config{Dir: dir, MaxBytes: 4 << 20})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	start := 0
	if last, err := l.Get("last"); err == nil {
		start, _ = strconv.Atoi(string(last))
	}
	filler := strings.Repeat("f", 500)
	for c := range 4 {
		go func() {
			for n := start + 1; ; n++ {
				var records []journal.Record
				for part := range 5 {
					records = append(records,
						put(fmt.Sprintf("b/%d/%d/%d", c, n, part), filler),
						gone(fmt.Sprintf("b/%d/%d/%d", c, n-40, part)))
				}
				if c == 0 {
					records = append(records, put("last", strconv.Itoa(n+1000)))
				}
				if err := l.Commit(context.Background(), records...); err != nil {
					fmt.Println("failed", err)
				}
				fmt.Println("kept", c, n)
			}
		}()
	}
	select {}
}

// TestAKilledServerKeepsItsWord: what Commit had promised is there, and of each
// batch all or nothing, whenever the process was killed.
func TestAKilledServerKeepsItsWord(t *testing.T) {
	dir := t.TempDir()
	for round := range 6 {
		kept := killedAfter(t, dir, 50+round*150)
		l, _ := opened(t, journal.Config{Dir: dir})
		parts := map[string]int{}
		for _, r := range strings.Fields(all(t, l, "b/")) {
			batch := r[:strings.LastIndex(r[:strings.Index(r, "=")], "/")]
			parts[batch]++
		}
		for batch, n := range parts {
			if n != 5 {
				t.Errorf("round %d: %d of 5 parts of %s", round, n, batch)
			}
		}
		for c, n := range kept {
			if parts[fmt.Sprintf("b/%d/%d", c, n)] == 0 {
				t.Errorf("round %d: committer %d was promised %d", round, c, n)
			}
			if parts[fmt.Sprintf("b/%d/%d", c, n-40)] != 0 {
				t.Errorf("round %d: what batch %d of committer %d removed is there again", round, n, c)
			}
		}
		var old []journal.Record // of the life before, so that there is room
		for batch := range parts {
			for part := range 5 {
				old = append(old, gone(fmt.Sprintf("%s/%d", batch, part)))
			}
		}
		must(t, l, old...)
		l.Close()
	}
}

// killedAfter runs a child until it has said so much, kills it, and gives the
// last batch that each committer was promised.
func killedAfter(t *testing.T, dir string, lines int) map[int]int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD=commit", "JOURNAL_DIR="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kept := map[int]int{}
	said := 0
	for s := bufio.NewScanner(out); s.Scan(); said++ {
		if said == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var c, n int
		if _, err := fmt.Sscanf(s.Text(), "kept %d %d", &c, &n); err != nil {
			t.Errorf("the child said %q", s.Text())
			continue
		}
		kept[c] = n
	}
	_ = cmd.Wait()
	if said < lines || stderr.Len() > 0 {
		t.Fatalf("%d lines, and on stderr: %s", said, stderr.String())
	}
	return kept
}
