package stream_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

// listener is an application's websocket endpoint, for one stream.
func listener(t *testing.T, serve func(w http.ResponseWriter, r *http.Request)) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/any/path"
}

// collector keeps what comes over a stream.
type collector struct {
	mu      sync.Mutex
	meta    []stream.Metadata
	audio   map[string][]stream.Audio
	digits  string
	order   []stream.Message
	headers http.Header
	ended   chan error
	changed chan struct{}
}

func newCollector() *collector {
	return &collector{audio: map[string][]stream.Audio{}, ended: make(chan error, 1), changed: make(chan struct{}, 1)}
}

func (c *collector) add(m stream.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order = append(c.order, m)
	switch m := m.(type) {
	case stream.Metadata:
		c.meta = append(c.meta, m)
	case stream.Audio:
		c.audio[m.Participant] = append(c.audio[m.Participant], m)
	case stream.Digit:
		c.digits += string(rune(m.Symbol))
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *collector) serve(w http.ResponseWriter, r *http.Request) {
	c.headers = r.Header
	c.ended <- stream.Serve(w, r, stream.Handler{
		Metadata:  func(_ *stream.Conn, m stream.Metadata) { c.add(m) },
		Audio:     func(_ *stream.Conn, a stream.Audio) { c.add(a) },
		Digit:     func(_ *stream.Conn, d stream.Digit) { c.add(d) },
		Malformed: func(_ *stream.Conn, err error) { panic(err) },
	})
}

// wait waits until enough says so.
func (c *collector) wait(t *testing.T, enough func() bool) {
	t.Helper()
	for {
		c.mu.Lock()
		ok := enough()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.changed:
		case <-time.After(10 * time.Second):
			t.Fatal("waited 10 s for the stream")
		}
	}
}

// run runs a session in the background; stop ends it and gives Run's result.
func run(t *testing.T, s *stream.Session) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- s.Run(ctx) }()
	once := sync.OnceValue(func() error { cancel(); return <-result })
	t.Cleanup(func() { once() })
	return once
}

func frame(rate media.Rate, tick uint64, v int16) *media.Frame {
	f := &media.Frame{Rate: rate, Tick: tick}
	copy(f.PCM(), constant(v, len(f.PCM())))
	return f
}
