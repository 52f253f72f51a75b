package stream

import (
	"errors"
	"io"

	"github.com/gorilla/websocket"
)

// errTooLong is a frame that was passed over.
var errTooLong = errors.New("stream: frame too long")

// endless is the longest frame that is passed over; one beyond it ends the
// socket, for somebody means to hold us.
const endless = 64 << 20

// readText reads one frame into b and returns it. A frame of more than limit
// bytes is errTooLong, after which the next can be read.
func readText(ws *websocket.Conn, b []byte, limit int) ([]byte, error) {
	ws.SetReadLimit(endless)
	_, r, err := ws.NextReader() // passes over what was left of the frame before
	if err != nil {
		return b, err
	}
	for {
		if len(b) > limit {
			return b[:0], errTooLong
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), limit+1)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}
