package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

type listenCmd struct {
	Addr string `default:"127.0.0.1:9000" placeholder:"HOST:PORT" help:"Where to listen for websockets, on any path (127.0.0.1:9000)."`
	Out  string `default:"./streams" type:"path" placeholder:"DIR" help:"The folder for a WAV file of each participant (./streams)."`
	Echo bool   `help:"Send the sound of each stream's first participant back."`
}

// Run listens until ctx is done. All files are whole by then.
func (c *listenCmd) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Printf("Listening on ws://%s (any path); WAV files go to %s\n", listener.Addr(), c.Out)
	return c.serve(ctx, listener, os.Stdout)
}

// serve takes in streams from a listener until ctx is done.
func (c *listenCmd) serve(ctx context.Context, listener net.Listener, out io.Writer) error {
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	desk := &desk{cmd: c, paper: &paper{w: out}, open: map[*stream.Conn]bool{}}
	server := &http.Server{Handler: desk, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		server.Close() // Serve returns
	})
	defer stop()
	err := server.Serve(listener)
	desk.close()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// A desk takes in streams, each on a goroutine of its request.
type desk struct {
	cmd   *listenCmd
	paper *paper

	mu     sync.Mutex
	open   map[*stream.Conn]bool
	count  int
	closed bool
	busy   sync.WaitGroup
}

// close ends the streams that go on and returns when their files are whole.
func (d *desk) close() {
	d.mu.Lock()
	d.closed = true
	for c := range d.open {
		c.Close() // its goroutine sees the end
	}
	d.mu.Unlock()
	d.busy.Wait()
}

// enter takes a stream in, and numbers it.
func (d *desk) enter(c *stream.Conn) (number int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, false
	}
	d.count++
	d.open[c] = true
	d.busy.Add(1)
	return d.count, true
}

func (d *desk) leave(c *stream.Conn) {
	d.mu.Lock()
	delete(d.open, c)
	d.mu.Unlock()
	d.busy.Done()
}

// ServeHTTP takes in one stream from its beginning to its end.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := stream.Accept(w, r)
	if err != nil {
		d.paper.line("%s: not a websocket: %v", r.RemoteAddr, err)
		return
	}
	number, ok := d.enter(c)
	if !ok {
		c.Close() // we are leaving
		return
	}
	defer d.leave(c)
	name := c.ConnectionID()
	if name == "" {
		name = fmt.Sprintf("stream-%d", number)
	}
	s := &sitting{desk: d, conn: c, name: name, rate: media.Rate16k}
	d.paper.line("%s: connected from %s, %s", name, r.RemoteAddr, r.URL.Path)
	err = s.run()
	c.Close() // it is over
	s.summary(err)
}

// A sitting is one stream that is listened to.
type sitting struct {
	desk      *desk
	conn      *stream.Conn
	name      string
	rate      media.Rate
	voices    []*voice // in order of appearance
	malformed int
}

// run reads frames until the stream ends: nil when the other end, or we, closed
// it.
func (s *sitting) run() error {
	for {
		m, err := s.conn.Next()
		switch {
		case errors.Is(err, stream.ErrMalformed):
			s.malformed++
			s.desk.paper.line("%s: %v", s.name, err)
		case err == io.EOF, errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		default:
			if err := s.take(m); err != nil {
				return err
			}
		}
	}
}

// take keeps one frame.
func (s *sitting) take(m stream.Message) error {
	switch m := m.(type) {
	case stream.Metadata:
		s.rate = m.Rate
		s.desk.paper.line("%s: %d Hz, %d bytes a frame, subscription %s", s.name, m.Rate, m.Length, m.Subscription)
	case stream.Audio:
		return s.audio(m)
	case stream.Digit:
		s.desk.paper.line("%s: digit %c", s.name, m.Symbol)
	case stream.TranscriptionMetadata:
		s.desk.paper.line("%s: transcription in %s, subscription %s", s.name, m.Locale, m.Subscription)
	case stream.Transcription:
		mark := "…"
		if m.Final {
			mark = ""
		}
		s.desk.paper.line("%s: %s says: %s%s", s.name, m.Participant, m.Text, mark)
	}
	return nil
}

func (s *sitting) audio(a stream.Audio) error {
	v, err := s.voice(a.Participant)
	if err != nil {
		return err
	}
	if err := v.hear(a, time.Now()); err != nil {
		return err
	}
	s.desk.paper.live(s.name, s.voices)
	if s.desk.cmd.Echo && v == s.voices[0] {
		err := s.conn.Send(a.PCM)
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil // we are going: what has come is still taken in
		}
		return err
	}
	return nil
}

// voice finds a participant's voice, or begins its file.
func (s *sitting) voice(participant string) (*voice, error) {
	for _, v := range s.voices {
		if v.participant == participant {
			return v, nil
		}
	}
	v, err := newVoice(s.desk.cmd.Out, s.name, participant, s.rate)
	if err != nil {
		return nil, err
	}
	s.voices = append(s.voices, v)
	return v, nil
}

// summary closes the files and says what has come.
func (s *sitting) summary(err error) {
	p := s.desk.paper
	if err != nil {
		p.line("%s: ended: %v", s.name, err)
	} else {
		p.line("%s: ended", s.name)
	}
	for _, v := range s.voices {
		if err := v.close(); err != nil {
			p.line("%s: %v", s.name, err)
		}
		p.line("%s: %s", s.name, v.summary())
	}
	if s.malformed > 0 {
		p.line("%s: %d malformed frames", s.name, s.malformed)
	}
}
