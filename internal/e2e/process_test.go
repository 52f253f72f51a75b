package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a program under test or in its service. It is gone at the end of
// the test, and what it printed is shown when the test failed.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; valid once done

	mu  sync.Mutex
	out bytes.Buffer
}

// start runs cmd. each, if not nil, is given every line of standard output.
func start(t *testing.T, name string, cmd *exec.Cmd, each func(line []byte)) *process {
	t.Helper()
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = p
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadBytes('\n')
			p.Write(line)
			if each != nil && len(line) > 0 {
				each(line)
			}
			if err != nil {
				break
			}
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("--- %s printed:\n%s", name, clipped(p.printed()))
		}
	})
	return p
}

// Write collects what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

var _ io.Writer = (*process)(nil)

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// clipped is text with its long lines cut, and its middle if they are many.
func clipped(text string) string {
	const head, tail = 60, 140
	lines := slices.Collect(strings.Lines(text))
	if n := len(lines); n > head+tail {
		lines = slices.Concat(lines[:head], []string{fmt.Sprintf("… %d lines …\n", n-head-tail)}, lines[n-tail:])
	}
	for i, line := range lines {
		if len(line) > 300 {
			lines[i] = line[:300] + " …\n"
		}
	}
	return strings.Join(lines, "")
}

// kill ends the process the hard way, as a crash or a lost network would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("signal %s: %v", p.name, err)
	}
}

// exit waits for the end of the process and gives its exit status.
func (p *process) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		t.Fatalf("%s still runs after %v", p.name, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

// awaitPrinted waits until the output holds all of words.
func (p *process) awaitPrinted(t *testing.T, within time.Duration, words ...string) string {
	t.Helper()
	var out string
	eventually(t, within, p.name+" to print "+strings.Join(words, ", "), func() bool {
		out = p.printed()
		for _, w := range words {
			if !strings.Contains(out, w) {
				select {
				case <-p.done:
					t.Fatalf("%s ended: %v", p.name, p.err)
				default:
				}
				return false
			}
		}
		return true
	})
	return out
}

// eventually asks again and again until ok, and fails the test after a while.
func eventually(t *testing.T, atMost time.Duration, what string, ok func() bool) {
	t.Helper()
	if !within(atMost, ok) {
		t.Fatalf("waited %v in vain for %s", atMost, what)
	}
}

// within asks again and again until ok, and says whether that was in time.
func within(atMost time.Duration, ok func() bool) bool {
	deadline := time.After(atMost)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline:
			return false
		}
	}
	return true
}
