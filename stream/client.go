package stream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// A Conn is the application's end of a stream: the call is at the other. One
// goroutine reads; any may send.
type Conn struct {
	ws      *websocket.Conn
	request *http.Request
	text    []byte

	mu  sync.Mutex // guards out and writes
	out []byte
}

// clientLargest is the longest frame that an application's end reads, in bytes.
const clientLargest = 4 << 20

// clientTimeout limits one write of an application's end.
const clientTimeout = 10 * time.Second

// Accept answers a websocket handshake. Whoever may reach the handler may
// stream to it, as browsers are not what calls here; check r before.
func Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return nil, fmt.Errorf("accept a stream: %w", err)
	}
	return &Conn{ws: ws, request: r}, nil
}

// ConnectionID is the callConnectionId of the call that streams.
func (c *Conn) ConnectionID() string { return c.request.Header.Get("x-ms-call-connection-id") }

// CorrelationID is the correlationId of the call that streams.
func (c *Conn) CorrelationID() string { return c.request.Header.Get("x-ms-call-correlation-id") }

// Next waits for the next frame. A frame that makes no sense is an error that
// wraps ErrMalformed, after which Next may be called again; io.EOF says that
// the other end has closed the stream; any other error, that it broke.
func (c *Conn) Next() (Message, error) {
	text, err := readText(c.ws, c.text[:0], clientLargest)
	c.text = text
	switch {
	case errors.Is(err, errTooLong):
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, clientLargest)
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("read a stream: %w", err)
	}
	return Decode(text)
}

// Send plays sound into the call, at the stream's rate. It may run ahead of
// time: the call keeps what it has not played yet.
func (c *Conn) Send(pcm []int16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = AppendReply(c.out[:0], pcm)
	return c.write()
}

// StopAudio drops what was sent and has not been heard yet.
func (c *Conn) StopAudio() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = AppendStopAudio(c.out[:0])
	return c.write()
}

func (c *Conn) write() error {
	c.ws.SetWriteDeadline(time.Now().Add(clientTimeout)) //nolint:errcheck // it sets a field
	if err := c.ws.WriteMessage(websocket.TextMessage, c.out); err != nil {
		return fmt.Errorf("write to a stream: %w", err)
	}
	return nil
}

// Close says goodbye and closes the socket.
func (c *Conn) Close() error {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	c.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) //nolint:errcheck // the close follows anyway
	return c.ws.Close()
}

// A Handler is called with what comes over a stream, on one goroutine, in
// order. Functions that are nil are not called.
type Handler struct {
	Metadata func(c *Conn, m Metadata)
	Audio    func(c *Conn, a Audio)
	Digit    func(c *Conn, d Digit)
	// Other is called with the rest: transcriptions.
	Other func(c *Conn, m Message)
	// Malformed is called with frames that made no sense; they are passed over.
	Malformed func(c *Conn, err error)
}

// Serve answers a websocket handshake and hands every frame to h until the
// stream ends. It returns nil when the other end closed it.
func Serve(w http.ResponseWriter, r *http.Request, h Handler) error {
	c, err := Accept(w, r)
	if err != nil {
		return err
	}
	defer c.Close() // it is over
	for {
		m, err := c.Next()
		switch {
		case errors.Is(err, ErrMalformed):
			if h.Malformed != nil {
				h.Malformed(c, err)
			}
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		default:
			h.hand(c, m)
		}
	}
}

func (h *Handler) hand(c *Conn, m Message) {
	switch m := m.(type) {
	case Metadata:
		if h.Metadata != nil {
			h.Metadata(c, m)
		}
	case Audio:
		if h.Audio != nil {
			h.Audio(c, m)
		}
	case Digit:
		if h.Digit != nil {
			h.Digit(c, m)
		}
	default:
		if h.Other != nil {
			h.Other(c, m)
		}
	}
}
