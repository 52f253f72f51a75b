package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/tipring/tipring/bench/load"
	"github.com/tipring/tipring/internal/config"
)

// A stage is a server in a process of its own, and phones that are connected to
// it.
type stage struct {
	setting
	phones *load.Phones
	at     address
	cmd    *exec.Cmd
	data   string
	fresh  load.Look // before the first call

	stop context.CancelFunc
	done sync.WaitGroup
	err  error // of the phones, once done
}

// open starts both.
func (set setting) open(ctx context.Context) (*stage, error) {
	s := &stage{setting: set}
	if err := pinSelf(set.LoadCore, set.Nice); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the app: %w", err)
	}
	s.phones, err = load.New(load.Config{App: l, KeyEvery: set.KeyEvery, Rate: set.Rate})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	s.stop = stop
	s.done.Go(func() { s.err = s.phones.Run(running) })
	if err := s.start(ctx); err != nil {
		_ = s.close()
		return nil, err
	}
	key := config.Default()
	key.HTTP, key.HTTPS, key.SIP = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	if err := s.phones.Connect(load.Server{HTTP: s.at.HTTP, SIP: s.at.SIP, Key: key.Keys()[0]}); err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

// start runs the server and waits until it says where it is.
func (s *stage) start(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if s.data == "" {
		if s.data, err = os.MkdirTemp(s.Data, "tipring-bench-"); err != nil {
			return fmt.Errorf("make a data folder: %w", err)
		}
	}
	args := []string{"serve", "--events", s.phones.EventsURL(), "--data", s.data, "--sync=" + strconv.FormatBool(s.Sync)}
	if s.at.HTTP != "" { // where it was before
		args = append(args, "--http", s.at.HTTP, "--sip", s.at.SIP)
	}
	s.cmd = exec.CommandContext(ctx, program, args...) //nolint:gosec // this very program
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	if err := pinned(s.ServerCore, s.LoadCore, s.cmd.Start); err != nil {
		s.cmd = nil
		return fmt.Errorf("start the server: %w", err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.at)
	}
	if err != nil {
		return fmt.Errorf("wait for the server: %w", err)
	}
	return nil
}

// kill ends the server as a crash does.
func (s *stage) kill() {
	s.phones.Crash()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// close ends both, and says what went wrong meanwhile.
func (s *stage) close() error {
	var ended error
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		if err := s.cmd.Wait(); err != nil {
			ended = fmt.Errorf("the server: %w", err)
		}
	}
	s.stop()
	s.done.Wait()
	_ = os.RemoveAll(s.data)
	for _, err := range []error{s.phones.Err(), s.err} {
		if err != nil {
			return err
		}
	}
	return ended
}

// look looks at the server.
func (s *stage) look(ctx context.Context) (load.Look, error) {
	return load.Watch(ctx, s.at.HTTP, s.cmd.Process.Pid, s.ServerCore)
}

// settle waits for a while, and then until the server has no call left and
// nothing changes any more, has it collect its garbage, and looks.
func (s *stage) settle(ctx context.Context, rest time.Duration) (load.Look, error) {
	after := time.NewTimer(rest)
	defer after.Stop()
	select {
	case <-after.C:
	case <-ctx.Done():
	}
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	var before load.Look
	for range 60 {
		l, err := s.look(ctx)
		if err != nil {
			return l, err
		}
		same := l.Descriptors == before.Descriptors && l.Metrics["go_goroutines"] == before.Metrics["go_goroutines"]
		if same && l.Metrics["tipring_calls"] == 0 {
			if err := s.collect(ctx); err != nil {
				return l, err
			}
			return s.look(ctx)
		}
		before = l
		select {
		case <-again.C:
		case <-ctx.Done():
			return l, ctx.Err()
		}
	}
	return before, nil
}

// collect has the server collect its garbage.
func (s *stage) collect(ctx context.Context) error {
	return s.profile(ctx, "heap?gc=1", os.DevNull)
}

// profile writes what the server's profiler gives under path to a file, if one
// is named.
func (s *stage) profile(ctx context.Context, path, file string) error {
	if file == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.at.Pprof+"/debug/pprof/"+path, nil)
	if err != nil {
		return fmt.Errorf("ask for a profile: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask for a profile: %w", err)
	}
	defer res.Body.Close()
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer out.Close()
	if _, err := io.Copy(out, res.Body); err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	return nil
}
