package e2e_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A callers is a sipp that places calls after a scenario of testdata/e2e/sipp.
type callers struct {
	*process
	stat  string
	calls int
}

// calls says what callers do.
type calls struct {
	number  int           // how many; 0 means 1
	rate    int           // a second; 0 means 10
	hold    time.Duration // the scenario's pause
	status  int           // what the scenario "rejected" expects
	options []string      // more for sipp
}

// startCallers has sipp place calls at a server.
func startCallers(t *testing.T, s *server, scenario string, c calls) *callers {
	t.Helper()
	c.number = max(1, c.number)
	if c.rate == 0 {
		c.rate = 10
	}
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "e2e", "sipp", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "scenario.xml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "STATUS", strconv.Itoa(c.status))), 0o600); err != nil {
		t.Fatal(err)
	}
	local := freeAddr(t)
	_, port, _ := strings.Cut(local, ":")
	media, _, _ := strings.Cut(mediaPorts(), "-")
	out := &callers{stat: filepath.Join(dir, "stat.csv"), calls: c.number}
	args := append([]string{s.sip, "-sf", file, "-s", "+15550199", "-i", "127.0.0.1", "-p", port, "-mp", media,
		"-m", strconv.Itoa(c.number), "-r", strconv.Itoa(c.rate), "-l", strconv.Itoa(c.number),
		"-d", strconv.FormatInt(c.hold.Milliseconds(), 10), "-nostdin", "-trace_stat", "-stf", out.stat, "-fd", "1",
		"-trace_err", "-error_file", filepath.Join(dir, "errors.log")}, c.options...)
	out.process = start(t, "sipp "+scenario, exec.Command("sipp", args...), nil)
	t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(dir, "errors.log")); err == nil && t.Failed() {
			t.Logf("--- sipp's errors:\n%.4000s", b)
		}
	})
	return out
}

// A tally is what sipp counted.
type tally struct {
	successful, failed, retransmissions int
	answered                            time.Duration // INVITE to 200, the mean
}

// wait waits until all calls are over and wants each to have gone as the
// scenario says.
func (c *callers) wait(t *testing.T, within time.Duration) tally {
	t.Helper()
	code := c.exit(t, within)
	sum, err := readTally(c.stat)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 || sum.successful != c.calls || sum.failed != 0 {
		t.Errorf("%s: %d of %d calls went well, %d failed, status %d", c.name, sum.successful, c.calls, sum.failed, code)
	}
	return sum
}

func readTally(path string) (tally, error) {
	f, err := os.Open(path)
	if err != nil {
		return tally{}, fmt.Errorf("sipp's statistics: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		return tally{}, fmt.Errorf("sipp's statistics: %d rows, %w", len(rows), err)
	}
	last := map[string]string{}
	for i, name := range rows[0] {
		if i < len(rows[len(rows)-1]) {
			last[name] = rows[len(rows)-1][i]
		}
	}
	number := func(name string) int { n, _ := strconv.Atoi(last[name]); return n }
	var h, m, s, us int
	_, _ = fmt.Sscanf(last["ResponseTimeanswer(C)"], "%d:%d:%d:%d", &h, &m, &s, &us)
	return tally{
		successful: number("SuccessfulCall(C)"), failed: number("FailedCall(C)"), retransmissions: number("Retransmissions(C)"),
		answered: time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond,
	}, nil
}
