package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestFiftyCallsASecond: sipp calls, the app answers, sipp hangs up, for twenty
// seconds; afterwards the server holds no more than before.
func TestFiftyCallsASecond(t *testing.T) {
	const rate, seconds = 50, 20
	w := startWorldWith(t, built(t, "-race=false"), true, "--media-ports=10000-14999") // as it is shipped
	w.answerAll(t)
	startCallers(t, w.server, "hangup", calls{number: 20, rate: 20, hold: 100 * time.Millisecond}).wait(t, 30*time.Second) // what is made once is made
	w.idle(t)
	descriptors, routines := w.descriptors(t), int(w.counted(t, "go_goroutines", ""))

	sum := startCallers(t, w.server, "hangup", calls{number: rate * seconds, rate: rate, hold: time.Second}).wait(t, 90*time.Second)
	t.Logf("%d calls, %d a second: %d retransmissions, answered after %v on average", sum.successful, rate, sum.retransmissions, sum.answered)
	eventually(t, 30*time.Second, "every CallDisconnected", func() bool {
		return len(w.came(func(e *event) bool { return e.kind == "CallDisconnected" })) == rate*seconds+20
	})
	w.idle(t)
	w.app.process.kill() // and with it the connections that it keeps
	var now, running int
	settled := func() bool {
		now, running = w.descriptors(t), int(w.counted(t, "go_goroutines", ""))
		return now <= descriptors+2 && running <= routines+10
	}
	if !within(15*time.Second, settled) {
		t.Errorf("%d descriptors and %d goroutines are left, of %d and %d before", now, running, descriptors, routines)
	}
	w.stop(t, 15*time.Second)
}

// answerAll has the app answer whatever rings, by itself.
func (w *world) answerAll(t *testing.T) {
	t.Helper()
	w.must(t, "app", "", "answerAll", w.callback())
}

// idle waits until no call is left.
func (w *world) idle(t *testing.T) {
	t.Helper()
	eventually(t, 15*time.Second, "no call to be left", func() bool { return w.metrics(t)["tipring_calls"] == 0 })
}

// descriptors counts the open files and sockets of the server: 0 where there is
// no /proc to see them.
func (s *server) descriptors(t *testing.T) int {
	t.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Log(err)
	}
	return len(entries)
}
