package rtp

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/jitter"
	"github.com/tipring/tipring/media/plc"
	"github.com/tipring/tipring/media/resample"
)

// ErrTimeout says that nothing, neither RTP nor RTCP, has come for too long.
var ErrTimeout = errors.New("rtp: the far end has gone silent")

// A Direction says which ways sound flows, seen from here (RFC 3264 §5.1).
type Direction uint8

// The directions.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

// Config says what an Endpoint is to do. Conn, Codec and Remote are needed.
type Config struct {
	Conn Conn // RTP; the endpoint closes it
	RTCP Conn // nil: reports share Conn (RFC 5761). The endpoint closes it

	Codec      codec.Codec
	PayloadIn  uint8 // the payload type we receive; 0: the codec's own
	PayloadOut uint8 // and the one we send
	EventIn    uint8 // that of telephone-event we receive; 0: none
	EventOut   uint8 // and the one we send; 0: digits are sent as sound
	EventClock int   // the clock rate of telephone-event; 0: the codec's

	Remote     netip.AddrPort // where the SDP says the far end is
	RemoteRTCP netip.AddrPort // the same for reports; zero: the port above, or Remote without RTCP
	Direction  Direction

	SSRC     uint32        // 0: a random one
	CNAME    string        // 0: a random one
	Timeout  time.Duration // without any packet, then Read fails; 0: 30 s; negative: never
	Counters *metric.Set
}

// maxSkip is the longest gap in the room's ticks that time went on through. A
// longer one, or a step back, is another room.
const maxSkip = 500

// An Endpoint is one end of an RTP session. It is a media.Source, a media.Sink
// and a room.Keypad. It is made by [NewEndpoint], and belongs to the tick.
type Endpoint struct {
	config Config
	rtcp   Conn // nil: muxed
	ended  error
	closed bool
	held   bool
	place  int // of the last batch on the shelf

	now   uint64 // time, in ticks of our own
	tick  uint64 // the room's, of the last Read
	begun bool
	life  uint64 // when the far end was last alive

	// In.
	source    source
	jitter    *jitter.Buffer
	decoder   codec.Decoder
	concealer *plc.Concealer
	dry       int  // ticks in a row with nothing to play
	quiet     bool // the last frame was
	upward    converter
	events    dtmf.Receiver
	digits    [16]dtmf.Digit
	first     int
	count     int

	// Out.
	encoder  codec.Encoder
	downward converter
	stamp    uint32 // RTP timestamp of the present tick
	sequence uint16
	wrote    uint64 // the room's tick of the last Write
	writing  bool
	marker   bool // the next packet follows a gap
	keypad   keypad

	pcm       []int16 // a period at the codec's rate
	reception reception
	control   control
	tally     tally
}

// NewEndpoint makes an Endpoint. Nothing is sent before the first Write.
func NewEndpoint(config Config) (*Endpoint, error) {
	if config.Conn == nil {
		return nil, errors.New("make an RTP endpoint: no Conn")
	}
	if config.SSRC == 0 {
		config.SSRC = rand.Uint32() | 1
	}
	if config.CNAME == "" {
		config.CNAME = fmt.Sprintf("%016x", rand.Uint64())
	}
	config.CNAME = config.CNAME[:min(len(config.CNAME), maxCNAME)]
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	e := &Endpoint{config: config, rtcp: config.RTCP}
	e.stamp, e.sequence = rand.Uint32(), uint16(rand.Uint32()>>17) // far from its wrap
	e.control.start(config.SSRC)
	e.tally.start(config.Counters)
	if err := e.adopt(config); err != nil {
		return nil, fmt.Errorf("make an RTP endpoint: %w", err)
	}
	e.source.name(e.config.Remote, 0)
	return e, nil
}

// plain writes an IPv4 address as one, as it is when packets come from it.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Update takes over what a re-INVITE changed: codec, payload types, addresses,
// direction. Conn, RTCP, SSRC, CNAME, Timeout and Counters stay as they were.
// After it the far end may come from another place.
func (e *Endpoint) Update(config Config) error {
	config.Conn, config.RTCP, config.SSRC = e.config.Conn, e.config.RTCP, e.config.SSRC
	config.CNAME, config.Timeout, config.Counters = e.config.CNAME, e.config.Timeout, e.config.Counters
	if err := e.adopt(config); err != nil {
		return fmt.Errorf("update an RTP endpoint: %w", err)
	}
	e.source.name(e.config.Remote, e.now)
	e.control.to = netip.AddrPort{}
	e.life = e.now
	if !config.Direction.receives() {
		e.jitter.Reset() // what comes after the hold is a new start
	}
	return nil
}

// adopt takes over the changeable part of a config. On an error nothing has
// changed.
func (e *Endpoint) adopt(config Config) error {
	c := config.Codec
	if c.NewDecoder == nil || c.NewEncoder == nil || !c.Rate.Valid() || c.Clock < 50 {
		return fmt.Errorf("codec %q is not one of the table", c.Name)
	}
	if config.PayloadIn == 0 {
		config.PayloadIn = c.PayloadType
	}
	if config.PayloadOut == 0 {
		config.PayloadOut = c.PayloadType
	}
	if config.EventClock == 0 {
		config.EventClock = c.Clock
	}
	config.Remote, config.RemoteRTCP = plain(config.Remote), plain(config.RemoteRTCP)
	if e.decoder == nil || c.Name != e.config.Codec.Name {
		e.take(c)
	}
	e.config = config
	e.events.Clock = config.EventClock
	e.keypad.sender.Clock = config.EventClock
	return nil
}

// take begins to speak another codec.
func (e *Endpoint) take(c codec.Codec) {
	e.decoder, e.encoder = c.NewDecoder(), c.NewEncoder()
	e.pcm = make([]int16, c.Rate.Samples())
	e.concealer = plc.New(int(c.Rate))
	e.upward, e.downward = converter{}, converter{}
	period := c.Clock / 50
	bytes := c.NewEncoder().Encode(make([]byte, MaxPacket), e.pcm)
	buffer := jitter.Config{Clock: c.Clock, Bytes: max(bytes*25, 2*MaxPacket)}
	if bytes > 0 && bytes != period {
		buffer.Units = func(payload []byte) int { return len(payload) * period / bytes }
	}
	e.jitter = jitter.New(buffer)
}

// Rate is the rate of the codec's samples.
func (e *Endpoint) Rate() media.Rate { return e.config.Codec.Rate }

// SSRC is how our packets are marked.
func (e *Endpoint) SSRC() uint32 { return e.config.SSRC }

// Hold says that the call is on hold: silence from the far end is no reason to
// give it up. Which ways sound flows is for Update to say.
func (e *Endpoint) Hold(on bool) {
	e.held = on
	e.life = e.now
}

// NextDigit gives the next key that the far end pressed, each once.
func (e *Endpoint) NextDigit() (dtmf.Digit, bool) {
	if e.count == 0 {
		return dtmf.Digit{}, false
	}
	d := e.digits[e.first]
	e.first = (e.first + 1) % len(e.digits)
	e.count--
	return d, true
}

// Close says goodbye to the far end and closes the sockets. Call it between two
// ticks, when the endpoint was unplugged.
func (e *Endpoint) Close() error {
	if e.closed {
		return nil
	}
	e.goodbye()
	e.keypad.drop(ErrClosed)
	e.tally.flush(e)
	e.closed = true
	err := e.config.Conn.Close()
	if e.rtcp != nil {
		err = errors.Join(err, e.rtcp.Close())
	}
	return err
}

// pass counts the time that passed since the last Read.
func (e *Endpoint) pass(tick uint64) {
	step := tick - e.tick
	if !e.begun || step == 0 || step > maxSkip {
		step = 1
	}
	e.begun, e.tick = true, tick
	e.now += step
	if e.now/ticksPerSecond != (e.now-step)/ticksPerSecond {
		e.tally.flush(e)
	}
}

const ticksPerSecond = uint64(time.Second / media.Period)

// overdue reports whether the far end has been silent for too long.
func (e *Endpoint) overdue() bool {
	if e.config.Timeout < 0 || e.held || !e.config.Direction.receives() {
		e.life = e.now
		return false
	}
	return e.now-e.life > uint64(e.config.Timeout/media.Period)
}

// Read is what the far end says: it empties the socket and plays one period.
// With nothing to play it has no samples. It fails with ErrTimeout, once, when
// the far end was silent for too long; after that it is at its end.
func (e *Endpoint) Read(f *media.Frame) (int, error) {
	f.Lost = false
	if e.ended != nil || e.closed {
		return 0, io.EOF
	}
	e.pass(f.Tick)
	e.poll()
	e.events.Tick(f.Tick)
	if e.overdue() {
		e.ended = ErrTimeout
		return 0, ErrTimeout
	}
	if !e.config.Direction.receives() {
		return 0, nil
	}
	return e.play(f), nil
}

// A converter changes the rate of a stream of frames, if it must.
type converter struct {
	from, to media.Rate
	r        *resample.Resampler
}

// convert fills dst from src. The first frame at a new pair of rates makes a
// resampler.
func (c *converter) convert(dst []int16, to media.Rate, src []int16, from media.Rate) int {
	if c.r == nil || c.from != from || c.to != to {
		c.from, c.to, c.r = from, to, resample.New(int(from), int(to))
	}
	return c.r.Process(dst, src)
}
