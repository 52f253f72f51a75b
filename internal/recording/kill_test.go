package recording_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/media"
)

// children is what a child process of these tests does in a folder until it is
// killed. It tells of its progress, line by line.
var children = map[string]func(dir string) error{
	"record": recordFor, "churn": churn, "repair": repairAndTell, "fill": fill,
}

// A child is such a process.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	errs  strings.Builder
}

func spawn(work, dir string) (*child, error) {
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), "RECORDING_CHILD="+work, "RECORDING_DIR="+dir)
	c.cmd.Stderr = &c.errs
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(out)
	return c, c.cmd.Start()
}

// kill reads so many lines, kills the child, and gives all that it has said.
func (c *child) kill(after int) (said []string, err error) {
	for len(said) < after && c.lines.Scan() {
		said = append(said, c.lines.Text())
	}
	if err := c.cmd.Process.Kill(); err != nil {
		return nil, err
	}
	for c.lines.Scan() { // what it said before it died
		said = append(said, c.lines.Text())
	}
	c.cmd.Wait() // says that it was killed
	if text := c.errs.String(); text != "" {
		return nil, fmt.Errorf("the child said %s", text)
	}
	return said, nil
}

// take is one recording of a child, and who speaks from which tick on.
type take struct {
	*recording.Recording
	o    recording.Options
	from []uint64
	taps []media.Sink
}

// takes are what every child records. "breaks" is paused from tick 40 to 70 of
// each hundred, "brief" is stopped after 30.
func takes() []*take {
	return []*take{
		{o: recording.Options{ID: "both", Call: "call-1", MaxChannels: 2}, from: []uint64{0, 0}},
		{o: recording.Options{ID: "late", Call: "call-2"}, from: []uint64{0, 33}},
		{o: recording.Options{ID: "breaks", Call: "call-3", Mixed: true}, from: []uint64{0}},
		{o: recording.Options{ID: "brief", Call: "call-4", MaxChannels: 1}, from: []uint64{0}},
	}
}

func recordFor(dir string) error {
	s := &recording.Store{Dir: dir}
	all := takes()
	for _, r := range all {
		rec, err := s.Start(r.o)
		if err != nil {
			return err
		}
		r.Recording = rec
		go rec.Run(context.Background())
	}
	began, tick := time.Now(), uint64(0)
	for range time.Tick(media.Period) {
		for ; time.Since(began) >= time.Duration(tick)*media.Period; tick++ {
			for _, r := range all {
				if err := r.live(tick); err != nil {
					return err
				}
			}
			fmt.Println("tick", tick)
		}
	}
	return nil
}

// live is one tick of a recording.
func (r *take) live(tick uint64) error {
	switch {
	case r.o.ID == "breaks" && tick%100 == 40:
		r.Pause()
	case r.o.ID == "breaks" && tick%100 == 70:
		r.Resume()
	case r.o.ID == "brief" && tick == 30:
		go func() {
			if result, err := r.Stop(context.Background()); err == nil {
				fmt.Println("closed", r.o.ID, result.Samples)
			}
		}()
	}
	if r.o.ID == "brief" && tick >= 30 {
		return nil
	}
	for i, from := range r.from {
		if tick == from {
			r.taps = append(r.taps, r.Tap(fmt.Sprint("4:+", i)))
		}
		if tick < from {
			continue
		}
		if err := say(r.taps[i], tick, i); err != nil {
			return err
		}
	}
	return nil
}

// ticks are those that belong into the file, of so many.
func (r *take) ticks(until uint64) []uint64 {
	var all []uint64
	for tick := range until {
		if r.o.ID == "breaks" && tick%100 >= 40 && tick%100 < 70 || r.o.ID == "brief" && tick >= 30 {
			continue
		}
		all = append(all, tick)
	}
	return all
}

const kills = 50

// TestKilledAtAnyMoment: whenever the process is killed, everything it had heard
// until a second before is in the files, sample by sample, on all channels.
func TestKilledAtAnyMoment(t *testing.T) {
	const atOnce = 10
	var (
		mu   sync.Mutex
		most int64 // bytes
		wg   sync.WaitGroup
	)
	dirs := make([]string, kills)
	for i := range dirs {
		dirs[i] = t.TempDir()
	}
	next := make(chan string)
	for range atOnce {
		wg.Go(func() {
			for dir := range next {
				lost, err := killOne(t, dir, 1+rand.IntN(120))
				if err != nil {
					t.Errorf("%v", err)
				}
				mu.Lock()
				most = max(most, lost)
				mu.Unlock()
			}
		})
	}
	for _, dir := range dirs {
		next <- dir
	}
	close(next)
	wg.Wait()
	t.Logf("%d kills: at most %d bytes lost, %d ms of two channels", kills, most, most/64)
}

// killOne records, kills, repairs and listens. It says how many bytes are lost
// of the recording of two channels.
func killOne(t *testing.T, dir string, after int) (lost int64, err error) {
	c, err := spawn("record", dir)
	if err != nil {
		return 0, err
	}
	said, err := c.kill(after)
	if err != nil {
		return 0, err
	}
	var heard uint64 // ticks
	for _, line := range said {
		if tick, ok := strings.CutPrefix(line, "tick "); ok {
			last, _ := strconv.ParseUint(tick, 10, 64)
			heard = last + 1
		}
	}
	s := &recording.Store{Dir: dir}
	results, err := s.Repair(t.Context())
	if err != nil || len(results) != 4 {
		return 0, fmt.Errorf("%d results after %d ticks, %w", len(results), heard, err)
	}
	for _, r := range takes() {
		for _, result := range results {
			if result.ID != r.o.ID {
				continue
			}
			if err := r.listen(t, s, result, heard); err != nil {
				return 0, fmt.Errorf("%s, killed after %d ticks: %w", r.o.ID, heard, err)
			}
			if r.o.ID == "both" {
				lost = int64(heard)*320*4 - result.Samples*4
			}
		}
	}
	return lost, nil
}

// listen wants every sample of what was heard, but for the last second.
func (r *take) listen(t *testing.T, s *recording.Store, result recording.Result, heard uint64) error {
	if result.Call != r.o.Call || result.Err != nil || result.Dropped != 0 {
		return fmt.Errorf("%+v", result)
	}
	must := r.ticks(heard - min(heard, 50))
	if len(result.Chunks) == 0 {
		if len(must) > 0 {
			return fmt.Errorf("no file, want %d ticks", len(must))
		}
		return nil
	}
	channels, _ := open(t, s, result.Chunks[0].Document)
	there := r.ticks(heard + 200) // more than can be
	n := len(channels[0])
	if n < len(must)*320 || n != int(result.Samples) {
		return fmt.Errorf("%d samples, the result says %d; want %d ticks at least", n, result.Samples, len(must))
	}
	for c, pcm := range channels {
		if len(pcm) != n {
			return fmt.Errorf("channel %d has %d samples of %d", c, len(pcm), n)
		}
		for i, v := range pcm {
			want, tick := int16(0), there[i/320]
			if c < len(r.from) && tick >= r.from[c] {
				want = count(tick, i%320, c)
			}
			if v != want {
				return fmt.Errorf("channel %d, sample %d of tick %d is %d, want %d", c, i%320, tick, v, want)
			}
		}
	}
	if page, err := s.Metadata(result.Chunks[0].Document); err != nil || len(page) == 0 {
		return fmt.Errorf("no metadata: %w", err)
	}
	return nil
}

// churn begins, stops and announces recordings as fast as it can.
func churn(dir string) error {
	s := &recording.Store{Dir: dir}
	for n := time.Now().UnixNano(); ; n++ {
		id := fmt.Sprint("rec", n)
		rec, err := s.Start(recording.Options{ID: id, MaxChannels: 2})
		if err != nil {
			return err
		}
		fmt.Println("began", id)
		go rec.Run(context.Background())
		tap := rec.Tap("a")
		for tick := range uint64(30) {
			if err := say(tap, tick, 0); err != nil {
				return err
			}
		}
		result, err := rec.Stop(context.Background())
		if err != nil || result.Err != nil || result.Samples != 30*320 {
			return fmt.Errorf("%+v, %w", result, err)
		}
		fmt.Println("closed", id)
		if err := s.Announced(id); err != nil {
			return err
		}
		fmt.Println("announced", id)
	}
}

// TestKilledWhileItCloses: of every recording that began, either it was
// announced, or Repair has its result. What is announced never comes again.
func TestKilledWhileItCloses(t *testing.T) {
	dir := t.TempDir()
	s := &recording.Store{Dir: dir}
	for range 20 {
		c, err := spawn("churn", dir)
		if err != nil {
			t.Fatal(err)
		}
		said, err := c.kill(1 + rand.IntN(60))
		if err != nil {
			t.Fatal(err)
		}
		state := map[string]string{}
		last := ""
		for _, line := range said {
			what, id, _ := strings.Cut(line, " ")
			state[id], last = what, id
		}
		for _, r := range repair(t, s) {
			if what, known := state[r.ID]; what == "announced" || r.Err != nil || what == "closed" && r.Samples != 30*320 {
				t.Errorf("%s was %q (%v), and now %+v", r.ID, what, known, r)
			}
			if len(r.Chunks) > 0 {
				counting(t, s, r.Chunks[0].Document, 1)
			}
			delete(state, r.ID)
			if err := s.Announced(r.ID); err != nil {
				t.Error(err)
			}
		}
		for id, what := range state { // its last words may have been cut off
			if what != "announced" && (id != last || what != "closed") {
				t.Errorf("%s was %q, and has no result", id, what)
			}
		}
	}
	for name := range folder(t, dir) {
		if document, ok := strings.CutSuffix(name, ".wav"); ok {
			counting(t, s, document, 1)
			if _, err := s.Metadata(document); err != nil {
				t.Error(err)
			}
		} else if strings.Count(name, ".") != 1 || !strings.HasSuffix(name, ".json") {
			t.Errorf("left: %s", name)
		}
	}
}

// repairAndTell repairs and says what it is at.
func repairAndTell(dir string) error {
	s := &recording.Store{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stdout, nil))}
	_, err := s.Repair(context.Background())
	fmt.Println("done")
	return err
}

// TestKilledWhileItRepairs: killed over and over, it comes to the same end.
func TestKilledWhileItRepairs(t *testing.T) {
	left, _ := crashed(t, three, 60, nil)
	files := map[string]string{}
	for n := range 60 {
		for name, text := range left {
			id := fmt.Sprint("rec", n)
			files[id+strings.TrimPrefix(name, "rec")] = strings.Replace(text, `"id":"rec"`, `"id":"`+id+`"`, 1)
		}
	}
	s, whole := lay(t, files), lay(t, files)
	want := repair(t, whole)
	for done := false; !done; {
		c, err := spawn("repair", s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		said, err := c.kill(rand.IntN(100))
		if err != nil {
			t.Fatal(err)
		}
		done = len(said) > 0 && said[len(said)-1] == "done"
	}
	got := repair(t, s)
	if len(got) != 60 || len(want) != 60 {
		t.Fatalf("%d results, want %d of 60", len(got), len(want))
	}
	byID := map[string]recording.Result{}
	for _, r := range want {
		byID[r.ID] = r
	}
	for _, r := range got {
		if !alike(r, byID[r.ID]) {
			t.Errorf("got  %+v\nwant %+v", r, byID[r.ID])
		}
	}
	if a, b := folder(t, s.Dir), folder(t, whole.Dir); !maps.Equal(a, b) {
		t.Errorf("the folders differ: %s\n%s", names(a), names(b))
	}
}
