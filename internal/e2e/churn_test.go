package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestCallsNeverHearEachOther: calls come and go on few ports, some cut off in
// mid-word, so that sockets are used again at once. Each hears a pitch of its
// own, and no other.
func TestCallsNeverHearEachOther(t *testing.T) {
	const lines, rounds, pairs = 8, 4, 10
	w := startWorldWith(t, built(t, raceFlag), false, fmt.Sprintf("--media-ports=%d-%d", 12000, 12000+2*pairs-1))
	var wg sync.WaitGroup
	hz := func(line, round int) float64 { return 400 + 50*float64(line*rounds+round) }
	for line := range lines {
		for round := range rounds {
			w.prompt(t, fmt.Sprintf("%.0f.wav", hz(line, round)), tone(8000, hz(line, round), 10*time.Second))
		}
	}
	records := make([]string, lines*rounds)
	for line := range lines {
		wg.Go(func() {
			for round := range rounds {
				n := line*rounds + round
				records[n] = filepath.Join(w.data, fmt.Sprintf("heard%d.wav", n))
				w.oneCall(t, n, records[n], w.file(fmt.Sprintf("%.0f.wav", hz(line, round))), round%2 == 1)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for n, record := range records {
		heard := readSound(t, record)
		own := heard.power(hz(n/rounds, n%rounds))
		if own < 3000 {
			t.Errorf("call %d hardly heard its own pitch: %.0f of 16384", n, own)
		}
		for other := range records {
			if p := heard.power(hz(other/rounds, other%rounds)); other != n && p > own/20 {
				t.Errorf("call %d heard the pitch of call %d: %.0f beside %.0f of its own", n, other, p, own)
			}
		}
	}
	w.idle(t)
}

// oneCall has a terminal phone call, hear a prompt and hang up after a second
// or, when it is cut, be hung up.
func (w *world) oneCall(t *testing.T, n int, record string, prompt map[string]any, cut bool) {
	from := fmt.Sprintf("+1555020%02d", n)
	cmd := exec.CommandContext(t.Context(), built(t, raceFlag), "call", called, "--server", w.sip, "--from", from, "--record", record, "--for", "4s")
	out := make(chan error, 1)
	go func() {
		b, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("tipring call from %s: %w\n%s", from, err, b)
		}
		out <- err
	}()
	incoming := w.await(t, "IncomingCall", 20*time.Second, func(e *event) bool { return e.text("from.rawId") == "4:"+from })
	call := w.accept(t, incoming, from)
	w.must(t, "media", call, "playToAll", []any{prompt}, map[string]any{"loop": true, "operationContext": from})
	w.await(t, "PlayStarted", 10*time.Second, inContext(from))
	if cut {
		<-time.After(700 * time.Millisecond)
		w.must(t, "connection", call, "hangUp", true)
	}
	if err := <-out; err != nil {
		t.Error(err)
	}
	w.await(t, "CallDisconnected", 10*time.Second, of(call))
}
