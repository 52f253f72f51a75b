package call_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/recording"
)

// house is a server's process, and what outlasts it. A process that is killed
// stops for good where it next wants to keep something: nothing of it is seen
// any more. It may end, unseen, when the scenario is over.
type house struct {
	life    *life
	past    []*life
	kept    map[string][]byte // memos, by call
	full    bool              // the disk
	late    bool              // … keeps what it says it has not
	stuck   chan struct{}     // closed when the disk works again; nil: it does
	waiting chan error        // the answer to an unanswered command
	dir     string            // of recordings
	curtain chan struct{}     // closed when the scenario is over
}

// life is one process. stage.mu guards it.
type life struct {
	calls *call.Registry
	last  bool // what it keeps next is the last that it does
	dead  bool
}

// open starts a process.
func (s *stage) open(dir string) {
	if s.curtain == nil {
		s.curtain, s.kept = make(chan struct{}), map[string][]byte{}
	}
	l := new(life)
	s.dir, s.life = dir, l
	store := &recording.Store{Dir: dir}
	l.calls = call.NewRegistry(call.Config{
		Keep:  func(e call.Entry) error { return s.keep(l, e) },
		Ticks: s.ticks, Fetch: fetch, BaseURL: "https://tipring.test", Recordings: store,
		Call: func(_ context.Context, i call.Invite) (leg.Leg, error) {
			if s.killed(l) {
				<-s.curtain
				return nil, errKilled
			}
			return s.dial(i)
		},
		Dial: websocket,
	})
	s.calls = l.calls
	found, err := store.Repair(context.Background())
	if err != nil {
		s.t.Error(err)
	}
	if _, err := l.calls.Recover(maps.All(maps.Clone(s.kept)), found); err != nil {
		s.t.Error(err)
	}
}

// close ends all processes.
func (s *stage) close() {
	if s.stuck != nil {
		_ = s.disk("free")
	}
	s.mu.Lock()
	s.full = false
	s.mu.Unlock()
	close(s.curtain)
	for _, l := range append(s.past, s.life) {
		l.calls.Shutdown()
		if n := l.calls.Calls(); n != 0 {
			s.t.Errorf("%d calls are left", n)
		}
	}
	s.ended.Wait()
	if len(s.kept) != 0 {
		s.t.Errorf("calls are remembered that are over: %s", s.kept)
	}
}

var (
	errKilled = errors.New("the process was killed")
	errFull   = errors.New("no space left on device")
)

func (s *stage) killed(l *life) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.dead
}

// keep is a journal and a courier.
func (s *stage) keep(l *life, e call.Entry) error {
	s.mu.Lock()
	for s.stuck != nil {
		stuck := s.stuck
		s.mu.Unlock()
		<-stuck
		s.mu.Lock()
	}
	dead, full := l.dead, s.full
	if !dead {
		if e.Changed && (!full || s.late) {
			if s.kept[e.Call] = e.Memo; e.Memo == nil {
				delete(s.kept, e.Call)
			}
		}
		s.told(e.Events) // from memory, if they cannot be kept
		l.dead = l.last
		dead = l.dead
	}
	s.mu.Unlock()
	switch {
	case dead:
		<-s.curtain
		return errKilled
	case full:
		return errFull
	}
	return nil
}

// disaster: "crash" kills the process and starts it again; "crash with the next"
// kills it when it has kept the next thing, before anybody hears of it, and the
// "crash" after that starts it again.
func (s *stage) disaster(words []string) error {
	s.mu.Lock()
	if len(words) > 1 {
		s.life.last = true
		s.mu.Unlock()
		return nil
	}
	s.life.dead = true
	s.past = append(s.past, s.life)
	s.mu.Unlock()
	disk := s.t.TempDir() // as it is at this moment
	if err := os.CopyFS(disk, os.DirFS(s.dir)); err != nil {
		return err
	}
	s.open(disk)
	return nil
}

// disk: "disk full" lets nothing be kept until "disk empty", "disk late" keeps it
// and says it has not; "disk stuck" lets everything wait until "disk free".
func (s *stage) disk(what string) error {
	s.mu.Lock()
	stuck, waiting := s.stuck, s.waiting
	s.late = what == "late"
	s.full = what == "full" || s.late
	s.stuck = nil
	if what == "stuck" {
		s.stuck, s.waiting = make(chan struct{}), nil
	}
	s.mu.Unlock()
	if what != "free" {
		return nil
	}
	close(stuck)
	if waiting == nil {
		return nil
	}
	return <-waiting
}

// unanswered has something done that the process does not live to answer, or
// cannot answer before the disk is free.
func (s *stage) unanswered(do func() error) error {
	answer := make(chan error, 1)
	s.waiting = answer
	s.ended.Go(func() { answer <- do() })
	select {
	case err := <-answer:
		return fmt.Errorf("was answered: %w", err)
	case <-time.After(500 * time.Millisecond):
		return nil
	}
}

// streaming describes a stream to a websocket: "up" lets it open, anything else
// never answers.
func streaming(host string) *call.Streaming {
	if host == "" {
		return nil
	}
	return &call.Streaming{URL: "ws://" + host + "/", Rate: 16000, Mixed: true, StartAtOnce: true}
}

// websocket reaches an application that takes a stream and says nothing.
func websocket(ctx context.Context, _, address string) (net.Conn, error) {
	if address != "up:80" {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		in := bufio.NewReader(far)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 §4.2.2
		fmt.Fprintf(far, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(key[:]))
		_, _ = io.Copy(io.Discard, in)
	}()
	return near, nil
}
