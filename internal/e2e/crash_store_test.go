package e2e_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStoreDamaged: whatever has happened to the files of the journal, the
// server starts, says what is wrong, and takes calls. What can be read is
// delivered.
func TestStoreDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 3))
	for name, c := range map[string]struct {
		damage   func(t *testing.T, path string, b []byte) []byte
		readable bool // what was written first is still there
	}{
		"cut off": {func(_ *testing.T, path string, b []byte) []byte {
			if filepath.Ext(path) == ".blk" && len(b) > 100 {
				return b[:len(b)-100]
			}
			return b
		}, true},
		"torn": {func(_ *testing.T, path string, b []byte) []byte {
			for i := len(b) - 200; i >= 0 && i < len(b) && filepath.Ext(path) == ".blk"; i++ {
				b[i] = byte(random.Uint32())
			}
			return b
		}, true},
		"half": {func(_ *testing.T, _ string, b []byte) []byte { return b[:len(b)/2] }, false},
		"random bytes": {func(_ *testing.T, _ string, b []byte) []byte {
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			return b
		}, false},
		"here and there": {func(_ *testing.T, _ string, b []byte) []byte {
			for range len(b) / 500 {
				b[random.IntN(len(b))] ^= 0x55
			}
			return b
		}, false},
		"empty": {func(*testing.T, string, []byte) []byte { return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t)
			h := newHouse(t, built(t, raceFlag), "--events="+d.url+"/events")
			h.open(t)
			d.serves(&h.server)
			w := &witness{desk: d, house: h, phones: startPhones(t, h.sip, 1)}
			first := w.calls(t)
			d.closed.Store(true)
			w.asks(t, "callConnections/"+first+":terminate", nil) // CallDisconnected is not heard
			waiting := w.kept(t, 1)                               // CallEnded, too
			w.phones.call(1, whim{})                              // what is told of it, perhaps, is what the damage hits
			w.kept(t, waiting)
			h.kill()
			damageAll(t, filepath.Join(h.data, "journal"), c.damage)
			h.open(t)
			t.Log(h.complains(t, 10*time.Second, "journal"))
			h.healthy(t)
			d.closed.Store(false)
			if c.readable {
				d.must(t, 15*time.Second, "CallDisconnected", first)
			}
			w.hangsUp(t, w.calls(t))
			h.delivered(t, 15*time.Second)
		})
	}
}

// kept waits until more than n events wait for delivery, and says how many.
func (w *witness) kept(t *testing.T, n float64) (now float64) {
	t.Helper()
	eventually(t, 10*time.Second, "the outbox to be told", func() bool {
		now = w.metrics(t)["tipring_outbox_items"]
		return now > n
	})
	return now
}

// damageAll changes every file of a folder that is not empty.
func damageAll(t *testing.T, folder string, damage func(*testing.T, string, []byte) []byte) {
	t.Helper()
	changed := 0
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return err
		}
		after := damage(t, path, append([]byte(nil), b...))
		if string(after) != string(b) {
			changed++
		}
		return os.WriteFile(path, after, 0o600)
	})
	if err != nil || changed == 0 {
		t.Fatalf("%d files in %s were damaged, %v", changed, folder, err)
	}
}

// TestTwoServersOneFolder: the second does not come in between.
func TestTwoServersOneFolder(t *testing.T) {
	d := openDesk(t)
	h := newHouse(t, built(t, raceFlag), "--events="+d.url+"/events")
	h.open(t)
	other := newHouse(t, built(t, raceFlag))
	other.flags = append(other.flags, "--data="+h.data)
	other.launch(t)
	if code := other.exit(t, 10*time.Second); code != 1 || !strings.Contains(other.printed(), h.data) || !strings.Contains(other.printed(), "--data") {
		t.Errorf("the second ended with status %d: %s", code, other.printed())
	}
	d.serves(&h.server)
	w := &witness{desk: d, house: h, phones: startPhones(t, h.sip, 1)}
	w.hangsUp(t, w.calls(t)) // the first has not noticed
	h.stop(t, 15*time.Second)
}
