package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDiskFull: when nothing can be written any more, calls go on and events
// arrive; a recording that cannot be written ends, and the app is told. The
// server says what is wrong, and all is well again once there is room.
func TestDiskFull(t *testing.T) {
	d := openDesk(t)
	h := newHouse(t, built(t, raceFlag), "--events="+d.url+"/events")
	disk := newDisk(t, h)
	h.open(t)
	d.serves(&h.server)
	x := startPhones(t, h.sip, 1)
	w := &witness{desk: d, house: h, phones: x}

	before := w.calls(t)
	recording := w.records(t, before)
	w.recorded(t, recording, time.Second)
	disk.fill(t)

	h.complains(t, 15*time.Second, "recording", "no space|too large")
	w.inactive(t, recording)
	w.hangsUp(t, before)
	w.hangsUp(t, w.calls(t)) // and a whole call on the full disk
	h.complains(t, 15*time.Second, "journal", "no space|too large|full")
	if n := h.counted(t, "tipring_journal_failed_total", ""); n == 0 {
		t.Error("nothing was counted as not kept")
	}
	if status, text := h.health(t); status != 200 && !strings.Contains(text, "journal") && !strings.Contains(text, "disk") {
		t.Errorf("/healthz: %d %s", status, text)
	}
	h.delivered(t, 15*time.Second)

	disk.free(t)
	eventually(t, 15*time.Second, "the server to be well again", func() bool {
		return strings.Contains(h.printed(), "journal: it can be written again")
	})
	h.healthy(t)
	after := w.calls(t)
	recording = w.records(t, after)
	w.recorded(t, recording, time.Second)
	d.closed.Store(true) // what happens now is in the journal alone
	h.kill()
	h.open(t)
	d.closed.Store(false)
	d.must(t, 15*time.Second, "CallDisconnected", after)
	w.inactive(t, recording)
	h.delivered(t, 15*time.Second)
	complain(t, d.since(time.Time{}).balance())
	complain(t, x.left())
}

// A witness looks at a few calls closely.
type witness struct {
	*desk
	*house
	phones *phones
	n      int
}

// calls has a telephone call, and be answered, and hear a prompt.
func (w *witness) calls(t *testing.T) (connection string) {
	t.Helper()
	k := w.phones.call(0, whim{})
	incoming := w.rings(t, k)
	w.n++
	name := fmt.Sprintf("answer-%d", w.n)
	r := w.asks(t, "callConnections:answer", map[string]any{"incomingCallContext": incoming.Token, "callbackUri": w.url + "/calls", "operationContext": name})
	connection = r.result("callConnectionId")
	w.desk.must(t, 10*time.Second, "CallConnected", connection)
	play := fmt.Sprintf("play-%d", w.n)
	w.asks(t, "callConnections/"+connection+":play", map[string]any{"operationContext": play, "playTo": []any{},
		"playSources": []any{map[string]any{"kind": "file", "file": map[string]any{"uri": w.url + "/short.wav"}}}})
	w.desk.must(t, 10*time.Second, "PlayCompleted", play)
	return connection
}

// rings waits for the call to be announced.
func (w *witness) rings(t *testing.T, k *talk) (incoming notice) {
	t.Helper()
	eventually(t, 10*time.Second, "IncomingCall", func() (ok bool) {
		incoming, ok, _ = w.find(func(n notice) bool { return n.kind == "IncomingCall" && n.From.RawID == "4:"+k.number })
		return ok
	})
	return incoming
}

// asks wants a request to be accepted.
func (w *witness) asks(t *testing.T, path string, body map[string]any) *request {
	t.Helper()
	r := w.ask(context.Background(), "POST", "/calling/"+path, body)
	if !r.accepted() {
		t.Fatalf("%s: %d %s", path, r.status, r.answer)
	}
	return r
}

// records starts a recording of everything that is said.
func (w *witness) records(t *testing.T, connection string) (id string) {
	t.Helper()
	return w.asks(t, "recordings", map[string]any{
		"callConnectionId": connection, "recordingChannelType": "unmixed", "recordingContentType": "audio", "recordingFormatType": "wav",
		"recordingStateCallbackUri": w.url + "/calls",
	}).result("recordingId")
}

// recorded waits until some sound is on the disk.
func (w *witness) recorded(t *testing.T, id string, length time.Duration) {
	t.Helper()
	const second = 32000 // bytes
	eventually(t, 10*time.Second, "the recording to grow", func() bool {
		files, _ := filepath.Glob(filepath.Join(w.inside(w.data), "recordings", "*"))
		return slices.ContainsFunc(files, func(path string) bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() > int64(length.Seconds()*second)
		})
	})
}

// inactive waits for the end of a recording.
func (w *witness) inactive(t *testing.T, id string) {
	t.Helper()
	eventually(t, 15*time.Second, "the end of the recording", func() bool {
		_, ok, _ := w.find(func(n notice) bool { return n.Recording == id && n.State == "inactive" })
		return ok
	})
	eventually(t, 15*time.Second, "the recording's file", func() bool {
		_, ok, _ := w.find(func(n notice) bool {
			return n.kind == "RecordingFileStatusUpdated" && strings.HasSuffix(n.subject, "/recordingId/"+id)
		})
		return ok
	})
}

// hangsUp ends a call.
func (w *witness) hangsUp(t *testing.T, connection string) {
	t.Helper()
	w.asks(t, "callConnections/"+connection+":terminate", nil)
	w.desk.must(t, 10*time.Second, "CallDisconnected", connection)
}

// A disk is a small one of a house's own, under its data folder.
type disk struct {
	house *house
	fill  func(t *testing.T)
	free  func(t *testing.T)
}

// newDisk gives a house a disk: a file system in memory, which a mount namespace
// has for itself. Where no namespace is to be had, the disk is full when the
// process may not write to files any more.
func newDisk(t *testing.T, h *house) *disk {
	t.Helper()
	if err := os.MkdirAll(h.data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, unshare := range [][]string{{"unshare", "-m"}, {"unshare", "-r", "-m"}} {
		mount := append(unshare, "sh", "-c", `mount -t tmpfs -o size=24m tipring "$0" && echo mounted && exec sleep 1000`, h.data)
		holder := start(t, "unshare", exec.Command(mount[0], mount[1:]...), nil)
		if !within(5*time.Second, func() bool { return strings.Contains(holder.printed(), "mounted") || over(holder) }) || over(holder) {
			continue
		}
		pid := fmt.Sprint(holder.cmd.Process.Pid)
		enter := []string{"nsenter", "-t", pid, "-m"}
		if len(unshare) > 2 {
			enter = append(enter, "-U", "--preserve-credentials")
		}
		h.wrap = func(command []string) []string { return append(enter, command...) }
		h.root = filepath.Join("/proc", pid, "root")
		t.Logf("the disk: %s", strings.Join(mount, " "))
		ballast := filepath.Join(h.inside(h.data), "ballast")
		return &disk{house: h, fill: func(t *testing.T) { fill(t, ballast) }, free: func(t *testing.T) { remove(t, ballast) }}
	}
	t.Log("the disk: a limit to files")
	limit := func(t *testing.T, size string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "prlimit", "--pid", fmt.Sprint(h.cmd.Process.Pid), "--fsize="+size).CombinedOutput(); err != nil {
			t.Fatalf("prlimit: %v %s", err, out)
		}
	}
	return &disk{house: h, fill: func(t *testing.T) { limit(t, "0:unlimited") }, free: func(t *testing.T) { limit(t, "unlimited:unlimited") }}
}

// over reports whether a process has ended.
func over(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 16
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
