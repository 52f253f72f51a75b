package stream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/stream"
)

// A program that consumes a call's sound: a websocket endpoint, and a function
// for each thing that comes over it.
func ExampleServe() {
	done := make(chan struct{})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		stream.Serve(w, r, stream.Handler{
			Metadata: func(c *stream.Conn, m stream.Metadata) { fmt.Println(m.Rate, "Hz") },
			Audio:    func(c *stream.Conn, a stream.Audio) { fmt.Println(a.Participant, len(a.PCM)) },
			Digit:    func(c *stream.Conn, d stream.Digit) { fmt.Printf("pressed %c\n", d.Symbol) },
		})
	}))
	defer app.Close()

	// The server's side, with one frame of one participant and a key press.
	ctx, stop := context.WithCancel(context.Background())
	s := stream.NewSession(stream.Options{
		URL:     "ws" + strings.TrimPrefix(app.URL, "http"),
		Digits:  true,
		Started: stop, // what the taps hold is sent before it ends
	})
	s.Tap("4:+15550100").Write(&media.Frame{Rate: media.Rate16k})
	s.Digit("4:+15550100", '5')
	if err := s.Run(ctx); err != nil {
		fmt.Println(err)
	}
	<-done
	// Output:
	// 16000 Hz
	// 4:+15550100 320
	// pressed 5
}
