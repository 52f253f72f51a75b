package stream_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tipring/tipring/stream"
)

func TestUnreachable(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "ws://" + taken.Addr().String()
	taken.Close()
	forbidden := listener(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	for _, url := range []string{refused, forbidden, "http://127.0.0.1", "", "ws://:bad:", "file:///etc/passwd"} {
		s := stream.NewSession(stream.Options{URL: url, Timeout: 5 * time.Second})
		if err := s.Run(t.Context()); !errors.Is(err, stream.ErrUnreachable) {
			t.Errorf("%q: %v, want ErrUnreachable", url, err)
		}
	}
}

// TestAnAnswerWithoutEnd to the handshake is not read into memory.
func TestAnAnswerWithoutEnd(t *testing.T) {
	for name, answer := range map[string]string{"lines": "X: y\r\n", "a line": strings.Repeat("y", 60)} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			defer all.Wait()
			defer l.Close()
			all.Go(func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if _, err = http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nX: ")
				}
				for err == nil {
					_, err = io.WriteString(conn, answer)
				}
			})
			err = stream.NewSession(stream.Options{URL: "ws://" + l.Addr().String(), Timeout: time.Minute}).Run(t.Context())
			if !errors.Is(err, stream.ErrUnreachable) || !strings.Contains(err.Error(), "no end") {
				t.Error(err)
			}
		})
	}
}

func TestStoppedWhileItDials(t *testing.T) {
	dialling := make(chan struct{})
	s := stream.NewSession(stream.Options{URL: "ws://127.0.0.1:1/", Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	stop := run(t, s)
	<-dialling
	if err := stop(); err != nil {
		t.Errorf("got %v, want nil: it was stopped, it did not fail", err)
	}
}
