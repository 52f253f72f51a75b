package stream

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
)

// largestHandshake is how many bytes a peer may send before the websocket is
// up, those of TLS among them.
const largestHandshake = 256 << 10

var errLongHandshake = errors.New("the handshake's answer has no end")

// A handshake is a connection whose peer may send so much and no more until it
// is over: the answer's header is read into memory.
type handshake struct {
	net.Conn
	left atomic.Int64 // bytes; below 0: it is over
}

// over lifts the bound.
func (h *handshake) over() { h.left.Store(-1) }

// Read reads. Once the bound is reached it fails for ever: who parses a header
// may well try again.
func (h *handshake) Read(b []byte) (int, error) {
	if h.left.Load() == 0 {
		return 0, errLongHandshake
	}
	n, err := h.Conn.Read(b)
	if left := h.left.Load(); left > 0 {
		h.left.CompareAndSwap(left, max(0, left-int64(n))) // or it has become over
	}
	return n, err
}

// bounded makes dial give such connections, and over lifts the bound of the one
// that it gave last.
func bounded(dial func(ctx context.Context, network, address string) (net.Conn, error)) (
	bounded func(ctx context.Context, network, address string) (net.Conn, error), over func(),
) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var last *handshake
	return func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			last = &handshake{Conn: conn}
			last.left.Store(largestHandshake)
			return last, nil
		}, func() {
			if last != nil {
				last.over()
			}
		}
}
