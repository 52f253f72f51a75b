package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// How long the storms last. The short one is for the sake of the whole run.
var (
	sdkStorm = flag.Duration("storm.sdk", 60*time.Second, "how long the storm by the SDK lasts")
	goStorm  = flag.Duration("storm.go", 15*time.Second, "how long the storm by the Go app lasts")
	goRate   = flag.Int("storm.rate", 200, "calls a second of the storm by the Go app, if the machine holds them")
)

// TestStormBySDK: sipp calls, Microsoft's client answers, plays and hangs up,
// and of the seven webhooks that it has its events sent to six misbehave. No
// event is lost, none comes out of order, and the seventh does not notice.
func TestStormBySDK(t *testing.T) {
	addr := freeAddr(t)
	w := startStorm(t, "--forward=http://"+addr)
	cmd := exec.Command("node", filepath.Join("app", "storm.mjs"))
	_, port, _ := net.SplitHostPort(addr)
	cmd.Env = append(os.Environ(), "PORT="+port)
	client := runApp(t, cmd, "http://"+addr)
	client.must(t, "", "", "connect", "endpoint=http://"+w.http+"/;accesskey="+w.key(), map[string]any{"allowInsecureConnection": true})
	client.must(t, "", "", "answerWith", w.callbacks, w.url+"/prompt.wav")

	calm := w.phase(t, false, 10*time.Second, "hungup", calls{rate: 50})
	w.compare(t, calm, w.phase(t, true, *sdkStorm, "hungup", calls{rate: 50}))
	client.came(func(e *event) bool {
		if e.kind == "Broken" {
			t.Errorf("the app: %s", e.text("message"))
		}
		return false
	})
	w.stop(t, 15*time.Second)
}

// TestStormByGoApp is the same with four times as many calls, by an app that
// costs less, and plays as soon as it has answered. The calls do not wait for
// the events: the caller hangs up.
func TestStormByGoApp(t *testing.T) {
	w := startStorm(t)
	w.must(t, "", "", "connect", w.http, w.key())
	short := calls{rate: w.held(t, *goRate), hold: 2 * time.Second}
	calm := w.phase(t, false, 5*time.Second, "hangup", short)
	w.compare(t, calm, w.phase(t, true, *goStorm, "hangup", short))
	w.stop(t, 15*time.Second)
}

// A stormy is a server whose events go through the program in ./storm.
type stormy struct {
	*world
	callbacks []string
}

// An outcome is what the program says of a number of calls.
type outcome struct {
	Calls, Over int
	Endpoints   map[string]struct {
		Lanes, Events, Attempts, Again, Cut int
		P50, P90, P99, Max, Drained         float64
	}
	Faults     []string
	FaultCount int

	skipped float64 // ticks of the server's rooms, meanwhile
}

// startStorm runs both, as they are shipped: they are measured. args are for
// the program.
func startStorm(t *testing.T, args ...string) *stormy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "storm")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./storm").CombinedOutput(); err != nil {
		t.Fatalf("go build ./storm: %v\n%s", err, out)
	}
	a := runApp(t, exec.Command(path, append(args, "--dead="+freeAddr(t))...), "")
	a.mu.Lock()
	ready := a.events[0]
	a.mu.Unlock()
	a.url = ready.text("url")
	var callbacks []string
	for _, url := range ready.get("callbacks").([]any) {
		callbacks = append(callbacks, url.(string))
	}
	s := startBinary(t, built(t, "-race=false"), "--events="+a.url+"/events", "--media-ports=10000-16999",
		"--media-timeout=10m", "--allow-net=127.0.0.1/32") // the phones are mute, and 127.0.0.9 is forbidden
	s.ready(t)
	a.await(t, "SubscriptionValidation", 15*time.Second, nil)
	return &stormy{&world{s, a}, callbacks}
}

// held is how many calls a second this machine holds, of so many or half or a
// quarter of them: it answers at once, and nothing has to be sent again.
func (w *stormy) held(t *testing.T, rate int) int {
	t.Helper()
	for most := rate; ; rate /= 2 {
		c := startCallers(t, w.server, "hangup", calls{number: 2 * rate, rate: rate, hold: 2 * time.Second})
		code := c.exit(t, time.Minute)
		sum, err := readTally(c.stat)
		if err != nil {
			t.Fatal(err)
		}
		if code == 0 && sum.failed == 0 && sum.retransmissions < rate/20 && sum.answered < 250*time.Millisecond || rate <= most/4 {
			eventually(t, time.Minute, "the last of these calls to be told of", func() bool {
				now := w.metrics(t)
				return now["tipring_calls"]+now["tipring_outbox_items"]+now["tipring_webhook_lanes"] == 0
			})
			return rate
		}
		t.Logf("this machine does not hold %d calls a second now: %d failed, %d retransmissions, answered after %v", rate, sum.failed, sum.retransmissions, sum.answered)
	}
}

// phase has sipp place calls for a while, waits until the last event of each
// has been accepted, and wants none to have been lost or out of order.
func (w *stormy) phase(t *testing.T, hostile bool, d time.Duration, scenario string, c calls) outcome {
	t.Helper()
	w.must(t, "", "", "begin", hostile)
	c.number = int(float64(c.rate) * d.Seconds())
	number := c.number
	cpu, skipped, began := w.cpu(t), w.metrics(t)["tipring_ticks_skipped_total"], time.Now()
	sum := startCallers(t, w.server, scenario, c).wait(t, d+2*time.Minute)
	var over struct{ Callbacks, Grid int }
	drained := within(3*d+time.Minute, func() bool {
		if err := json.Unmarshal(w.must(t, "", "", "count", number), &over); err != nil {
			t.Fatal(err)
		}
		return over.Callbacks == number && over.Grid == number
	})
	if !drained {
		t.Errorf("of %d calls %d came to their end at the callback, %d at the subscriber", number, over.Callbacks, over.Grid)
	}
	took := time.Since(began)
	var o outcome
	if err := json.Unmarshal(w.must(t, "", "", "report"), &o); err != nil {
		t.Fatal(err)
	}
	if o.Calls != number || o.Over != number {
		t.Errorf("%d calls, %d were heard of, %d to their end", number, o.Calls, o.Over)
	}
	cut := 0
	for _, e := range o.Endpoints {
		cut += e.Cut
	}
	if cut > number/2 {
		t.Errorf("of %d calls %d were over before their prompt", number, cut)
	}
	for _, fault := range o.Faults {
		t.Error(fault)
	}
	if n := o.FaultCount - len(o.Faults); n > 0 {
		t.Errorf("… and %d more", n)
	}
	o.skipped = w.metrics(t)["tipring_ticks_skipped_total"] - skipped
	w.tell(t, o, fmt.Sprintf("hostile %t: %d calls, %d a second, answered after %v, %d SIP retransmissions; %v to the last event; server %.0f %% of a core",
		hostile, number, c.rate, sum.answered, sum.retransmissions, took.Round(time.Millisecond), 100*(w.cpu(t)-cpu).Seconds()/took.Seconds()))
	return o
}

// tell logs what came of a phase.
func (w *stormy) tell(t *testing.T, o outcome, title string) {
	t.Helper()
	events, attempts := 0, 0
	for _, name := range slices.Sorted(maps.Keys(o.Endpoints)) {
		e := o.Endpoints[name]
		events, attempts = events+e.Events, attempts+e.Attempts
		title += fmt.Sprintf("\n%12s %5d lanes %6d events %6d attempts %4d again %4d cut, event to first attempt p50 %8.2f p90 %8.2f p99 %8.2f max %8.2f ms, in %5.1f s",
			name, e.Lanes, e.Events, e.Attempts, e.Again, e.Cut, e.P50, e.P90, e.P99, e.Max, e.Drained)
	}
	title += fmt.Sprintf("\n%d events, %d attempts seen, %d faults; counted by the server since its start:", events, attempts, o.FaultCount)
	counted := w.metrics(t)
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		for _, kind := range []string{"webhook", "outbox", "journal", "ticks", "dial", "jwt"} {
			if rest, ok := strings.CutPrefix(name, "tipring_"); ok && strings.HasPrefix(rest, kind) {
				title += fmt.Sprintf(" %s %v,", rest, counted[name])
			}
		}
	}
	t.Log(title)
}

// compare wants the healthy endpoint, and the subscriber, to be served as well
// among bad neighbours as among good ones: a bad neighbour is late by seconds,
// the machine's other work by milliseconds. A machine that stands still, so that
// even ticks are left out, says nothing of times.
func (w *stormy) compare(t *testing.T, calm, hostile outcome) {
	t.Helper()
	still := calm.skipped > float64(calm.Calls) || hostile.skipped > float64(hostile.Calls)
	if still {
		t.Logf("the machine stood still: %.0f and %.0f ticks were left out; times are not compared", calm.skipped, hostile.skipped)
	}
	for _, name := range []string{"healthy", "grid"} {
		before, now := calm.Endpoints[name], hostile.Endpoints[name]
		if !still && (now.P50 > 4*before.P50+10 || now.P90 > 4*before.P90+250) {
			t.Errorf("%s: an event took %.1f ms, %.1f at p90, among bad neighbours; before %.1f and %.1f", name, now.P50, now.P90, before.P50, before.P90)
		}
		if now.Again > 0 || now.Attempts != now.Events {
			t.Errorf("%s: %d attempts for %d events that were all accepted", name, now.Attempts, now.Events)
		}
	}
	for _, lost := range []string{"tipring_dead_letters_total", "tipring_outbox_refused_total", "tipring_outbox_unsaved_total", "tipring_calls_unkept_total", "tipring_journal_failed_total"} {
		if n := w.counted(t, lost, ""); n > 0 {
			t.Errorf("%s is %.0f", lost, n)
		}
	}
}

// cpu is what the server has used of processors; 0 where there is no /proc.
func (s *server) cpu(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		t.Log(err)
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	var ticks time.Duration // of 10 ms, on every Linux
	for _, field := range fields[11:13] {
		n, _ := strconv.Atoi(field)
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}
