package e2e_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A callers is a sipp that places calls, or takes them, after a scenario of
// testdata/e2e/sipp.
type callers struct {
	*process
	addr  string // its own
	stat  string
	calls int
}

// calls says what callers do.
type calls struct {
	number  int           // how many; 0 means 1
	rate    int           // a second; 0 means 10
	hold    time.Duration // the scenario's pause
	status  int           // what the scenario "rejected" expects, and "refuses" and "trunk" say
	options []string      // more for sipp
}

// startCallers has sipp place calls at a server.
func startCallers(t *testing.T, s *server, scenario string, c calls) *callers {
	t.Helper()
	return startSipp(t, scenario, c, s.sip, "-s", "+15550199")
}

// startCallees has sipp take calls.
func startCallees(t *testing.T, scenario string, c calls) *callers {
	t.Helper()
	out := startSipp(t, scenario, c)
	eventually(t, 5*time.Second, "sipp's socket", func() bool { return heard(out.addr) })
	return out
}

// heard reports whether somebody listens at a UDP address of this machine. An
// attempt to listen there oneself could come in the way of who is about to.
func heard(addr string) bool {
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("\r\n\r\n"))
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err = conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded) // and not refused
}

// register says where the telephone of a user is, in the place of one that
// cannot say so itself.
func (s *server) register(t *testing.T, user, at string) {
	t.Helper()
	conn, err := net.Dial("udp", s.sip)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := strings.ReplaceAll(fmt.Sprintf(`REGISTER sip:%[1]s SIP/2.0
Via: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[5]d
From: <sip:%[3]s@%[1]s>;tag=1
To: <sip:%[3]s@%[1]s>
Call-ID: %[5]d
CSeq: 1 REGISTER
Contact: <sip:%[3]s@%[4]s>;expires=600
Max-Forwards: 70
Content-Length: 0

`, s.sip, conn.LocalAddr(), user, at, time.Now().UnixNano()), "\n", "\r\n")
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 2000)
	n, err := conn.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 200 ") {
		t.Fatalf("REGISTER: %v %s", err, b[:n])
	}
}

func startSipp(t *testing.T, scenario string, c calls, more ...string) *callers {
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
	challenge := "WWW-Authenticate"
	if c.status == 407 {
		challenge = "Proxy-Authenticate"
	}
	filled := strings.NewReplacer("STATUS", strconv.Itoa(c.status), "CHALLENGE", challenge).Replace(string(text))
	if err := os.WriteFile(file, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	local := freeAddr(t)
	_, port, _ := strings.Cut(local, ":")
	media, _, _ := strings.Cut(mediaPorts(), "-")
	out := &callers{addr: local, stat: filepath.Join(dir, "stat.csv"), calls: c.number}
	args := append([]string{"-sf", file, "-i", "127.0.0.1", "-p", port, "-mp", media,
		"-m", strconv.Itoa(c.number), "-r", strconv.Itoa(c.rate), "-l", strconv.Itoa(c.number),
		"-d", strconv.FormatInt(c.hold.Milliseconds(), 10), "-nostdin", "-trace_stat", "-stf", out.stat, "-fd", "1",
		"-trace_err", "-error_file", filepath.Join(dir, "errors.log")}, append(more, c.options...)...)
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
