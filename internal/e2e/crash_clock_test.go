package e2e_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// jumping gives a tipring whose clock can be set without that of the machine:
// the time of day that Go tells, and the kernel's stamp of each packet, are
// ahead of the truth by the seconds that a file of 8 bytes holds. Timers and
// what is measured between two moments stay as they are, as they do when an
// operator sets the clock.
func jumping(t *testing.T) (binary string) {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	std := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	stamps, err := filepath.Abs(filepath.Join("..", "..", "media", "rtp", "conn_linux.go"))
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{
		filepath.Join(std, "time.go"):  changed(t, dir, filepath.Join(std, "time.go"), "sec, nsec, mono := runtimeNow()", "sec, nsec, mono := runtimeNow()\n\tsec += Ahead()"),
		stamps:                         changed(t, dir, stamps, "(*unix.Timespec)(unsafe.Pointer(&body[0])).Nano()", "(*unix.Timespec)(unsafe.Pointer(&body[0])).Nano() + time.Ahead()*1e9"),
		filepath.Join(std, "ahead.go"): written(t, filepath.Join(dir, "ahead.go"), aheadSource),
	}
	overlay, _ := json.Marshal(map[string]any{"Replace": replace})
	return built(t, "-race=false", "-overlay="+written(t, filepath.Join(dir, "overlay.json"), string(overlay)))
}

// aheadSource is added to Go's package time.
const aheadSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Ahead is how many seconds the clock is ahead of the truth.
func Ahead() int64 {
	if ahead == nil {
		return 0
	}
	return atomic.LoadInt64(ahead)
}

var ahead = func() *int64 {
	path, _ := syscall.Getenv("CLOCK_AHEAD")
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	b, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil
	}
	return (*int64)(unsafe.Pointer(&b[0]))
}()
`

// changed is a copy of a source file with one place changed.
func changed(t *testing.T, dir, path, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), from); n != 1 {
		t.Fatalf("%s has %q %d times: look how it tells the time now", path, from, n)
	}
	text := strings.Replace(string(b), from, to, 1)
	if !strings.Contains(text, `"time"`) && strings.Contains(to, "time.") {
		text = strings.Replace(text, "import (", "import (\n\t\"time\"", 1)
	}
	return written(t, filepath.Join(dir, filepath.Base(path)), text)
}

func written(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A clock is that of a house, and of the app.
type clock struct {
	path string
	desk *desk
}

// set puts the clock ahead of the truth.
func (c *clock) set(t *testing.T, ahead time.Duration) {
	t.Helper()
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(int64(ahead/time.Second))), 0); err != nil {
		t.Fatal(err)
	}
	c.desk.ahead.Store(int64(ahead))
}

// TestClockJumps sets the clock by an hour in the middle of calls, each way, and
// again while the server is down. What takes time takes as long as before, and
// nothing is given up, or sent twice, or lost.
func TestClockJumps(t *testing.T) {
	binary := jumping(t)
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			d := openDesk(t)
			c := &clock{filepath.Join(t.TempDir(), "ahead"), d}
			c.set(t, 0)
			h := newHouse(t, binary, "--events="+d.url+"/events")
			h.wrap = func(command []string) []string { return append([]string{"env", "CLOCK_AHEAD=" + c.path}, command...) }
			h.open(t)
			d.serves(&h.server)
			w := &witness{desk: d, house: h, phones: startPhones(t, h.sip, 1)}

			begun := time.Now()
			call := w.calls(t)
			recording := w.records(t, call)
			w.recorded(t, recording, time.Second)
			asked := time.Now()
			w.asks(t, "callConnections/"+call+":recognize", map[string]any{"operationContext": "silence", "recognizeInputType": "dtmf",
				"recognizeOptions": map[string]any{"targetParticipant": telephone("+15570000010"), "initialSilenceTimeoutInSeconds": 3, "dtmfOptions": map[string]any{"maxTonesToCollect": 1}}})
			d.closed.Store(true)
			ringing := w.phones.call(0, whim{})
			w.kept(t, 0) // IncomingCall, which is worth something for 30 s
			c.set(t, jump)
			d.closed.Store(false)

			incoming := w.rings(t, ringing)
			failed := w.must(t, 10*time.Second, "RecognizeFailed", "silence")
			if took := failed.at.Sub(asked); took < 2900*time.Millisecond || took > 6*time.Second {
				t.Errorf("a silence of 3 s was one of %v", took)
			}
			if off := failed.when.Sub(failed.at.Add(jump)).Abs(); off > 3*time.Second {
				t.Errorf("the event is of %v, it came at %v", failed.when, failed.at)
			}
			w.asks(t, "callConnections:answer", map[string]any{"incomingCallContext": incoming.Token, "callbackUri": w.url + "/calls", "operationContext": "rang"})
			second := w.must(t, 10*time.Second, "CallConnected", "rang").connection
			w.hangsUp(t, call)
			w.inactive(t, recording)
			w.lasted(t, recording, time.Since(begun))

			d.closed.Store(true)
			w.asks(t, "callConnections/"+second+":terminate", nil)
			third := w.phones.call(9, whim{})
			eventually(t, 5*time.Second, "the telephone to ring", func() bool { return w.phones.stateOf(third) == "rings" })
			w.kept(t, 2)
			h.kill()
			c.set(t, -jump)
			h.open(t)
			d.closed.Store(false)
			d.must(t, 15*time.Second, "CallDisconnected", second)
			w.hangsUp(t, w.calls(t))
			h.delivered(t, 15*time.Second)
			complain(t, w.phones.left())
		})
	}
}

// lasted wants a recording to have holes nowhere, and to be no longer than what
// has passed since before it began.
func (w *witness) lasted(t *testing.T, id string, most time.Duration) {
	t.Helper()
	n, _, _ := w.find(func(n notice) bool {
		return n.kind == "RecordingFileStatusUpdated" && strings.HasSuffix(n.subject, "/recordingId/"+id)
	})
	f, _ := n.file(t)
	b, err := os.ReadFile(filepath.Join(w.data, "recordings", f.DocumentID+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := channels(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := all[0].length(); got > most || got < 3*time.Second {
		t.Errorf("a recording of 3 s to %v has %v", most, got)
	}
	if fault := all[0].told().holes(w.phones.late()); fault != "" {
		t.Errorf("the recording %s", fault)
	}
}

// stateOf is how far a talk is.
func (x *phones) stateOf(k *talk) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return k.state
}
