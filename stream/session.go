package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
)

// Why a session failed: what Run returns wraps one of these.
var (
	ErrUnreachable = errors.New("stream: the websocket could not be reached")
	ErrBroken      = errors.New("stream: the websocket broke")
)

// farewell is how long a session takes to send its last frames, and again to
// hear the peer's goodbye.
const farewell = time.Second

// Options says what is streamed, where to and how. URL is all that must be
// given.
type Options struct {
	URL string // ws://… or wss://…

	// Sent with the handshake, those that are not empty.
	Connection    string // x-ms-call-connection-id
	Correlation   string // x-ms-call-correlation-id
	Authorization string // such as "Bearer …"

	Subscription string     // subscriptionId of the first frame
	Rate         media.Rate // 0 means 16 kHz
	Mixed        bool       // frames name no participant
	Digits       bool       // Digit sends DtmfData
	Inlet        *Inlet     // takes what the peer sends; nil: it is dropped

	// Began is the moment of tick 0, from which timestamps count. Zero: it is
	// reckoned from the first frame.
	Began time.Time
	// Patience is how much sound a tap keeps for a peer that is slow or not yet
	// connected; 0 means 3 s. What is older is dropped and counted.
	Patience time.Duration
	// Timeout limits the handshake and each write; 0 means 10 s.
	Timeout time.Duration
	// LargestFrame is the longest inbound frame that is read, in bytes; 0 means
	// 4 MiB. A longer one is dropped and counted.
	LargestFrame int

	// Dial connects; nil means a plain net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config // for wss

	// Started is called by Run once the socket is up and the first frame has
	// been written.
	Started  func()
	Counters *metric.Set
}

// A Session sends sound to one websocket. Make it with NewSession, tap it into
// ports, and Run it once.
type Session struct {
	o       Options
	digits  chan byte
	wake    chan struct{}
	waiting atomic.Bool
	ended   atomic.Bool

	mu   sync.Mutex
	taps []*Tap

	droppedFrames, droppedDigits    *metric.Counter
	malformed, oversize, framesSent *metric.Counter
}

// NewSession makes a session. Nothing is dialled before Run; what its taps hear
// until then waits, as far as Options.Patience goes. It panics when the rate is
// none a Frame can have.
func NewSession(o Options) *Session {
	if o.Rate == 0 {
		o.Rate = media.Rate16k
	}
	if !o.Rate.Valid() {
		panic("stream: a session of no valid rate")
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.LargestFrame == 0 {
		o.LargestFrame = 4 << 20
	}
	inbound := func(reason string) *metric.Counter {
		return o.Counters.Counter("stream_inbound_dropped_total", "reason", reason, "sound from streams that was dropped, in frames")
	}
	outbound := func(reason string) *metric.Counter {
		return o.Counters.Counter("stream_dropped_total", "reason", reason, "frames that a stream's peer was too slow for")
	}
	return &Session{
		o:             o,
		digits:        make(chan byte, 256),
		wake:          make(chan struct{}, 1),
		droppedFrames: outbound("peer too slow"),
		droppedDigits: outbound("too many digits"),
		malformed:     inbound("malformed"),
		oversize:      inbound("too long"),
		framesSent:    o.Counters.Counter("stream_frames_total", "", "", "frames of sound sent to streams"),
	}
}

// Digit sends a key press of a participant, if the session is for digits. The
// frame does not say who pressed it: Azure's has no place for that.
func (s *Session) Digit(participant string, symbol byte) {
	_ = participant
	if !s.o.Digits || s.ended.Load() {
		return
	}
	select {
	case s.digits <- symbol:
		s.rouse()
	default:
		s.droppedDigits.Add(1)
	}
}

// Run dials, streams until ctx is done, and closes the socket in an orderly
// way. It returns nil when ctx ended it, an error that wraps ErrUnreachable
// when the first connection failed, ErrBroken when it was up and broke; a peer
// that closes it counts as that. Afterwards taps refuse frames with
// io.ErrClosedPipe, and the inlet ends when it has been heard.
func (s *Session) Run(ctx context.Context) error {
	defer s.end()
	ws, err := s.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	closed := make(chan ending, 1)
	go func() { closed <- ending{s.read(ws)} }()
	w := &writer{s: s, ws: ws, began: s.o.Began.Truncate(time.Millisecond)}
	hurry := context.AfterFunc(ctx, func() {
		ws.NetConn().SetWriteDeadline(time.Now().Add(farewell)) //nolint:errcheck // a write that waits must not hold the end
	})
	defer hurry()
	err, over := w.run(ctx, closed)
	if err == nil {
		over = w.goodbye(closed)
	}
	ws.Close() // it is over, one way or the other
	if !over {
		<-closed
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// An ending says how the reading side of a socket ended.
type ending struct{ err error }

// end makes the taps refuse frames and lets the inlet run out.
func (s *Session) end() {
	s.ended.Store(true)
	if s.o.Inlet != nil {
		s.o.Inlet.Close()
	}
}

func (s *Session) dial(ctx context.Context) (*websocket.Conn, error) {
	dial, over := bounded(s.o.Dial)
	d := websocket.Dialer{
		NetDialContext:   dial,
		TLSClientConfig:  s.o.TLS,
		HandshakeTimeout: s.o.Timeout,
	}
	ws, answer, err := d.DialContext(ctx, s.o.URL, s.o.header()) //nolint:bodyclose // there is nothing behind it to close
	switch {
	case err != nil && answer != nil:
		return nil, fmt.Errorf("handshake: the answer was %s", answer.Status)
	case err != nil:
		return nil, fmt.Errorf("dial: %w", err)
	}
	over()
	return ws, nil
}

// read takes in what the peer sends until the socket ends.
func (s *Session) read(ws *websocket.Conn) error {
	var text []byte
	for {
		var err error
		text, err = readText(ws, text[:0], s.o.LargestFrame)
		switch {
		case errors.Is(err, errTooLong):
			s.oversize.Add(1)
			text = nil
		case err != nil:
			return err
		case s.o.Inlet != nil:
			s.take(text)
		}
	}
}

// take gives one frame to the inlet.
func (s *Session) take(text []byte) {
	m, err := Decode(text)
	if err != nil {
		s.malformed.Add(1)
		return
	}
	switch m := m.(type) {
	case Audio:
		s.o.Inlet.Push(m.PCM)
	case StopAudio:
		s.o.Inlet.Stop()
	default: // kinds that only we send
		s.malformed.Add(1)
	}
}

// header is what the peer is told at the handshake.
func (o *Options) header() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"x-ms-call-connection-id":  o.Connection,
		"x-ms-call-correlation-id": o.Correlation,
		"Authorization":            o.Authorization,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}
