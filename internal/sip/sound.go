package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/sdp"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/rtp"
)

// eventType is the payload type that we offer telephone-event under.
const eventType = 101

// errSockets: no socket for sound could be opened, though ports are free.
var errSockets = errors.New("no sockets for sound")

// A sound is the media side of a dialog: its ports, the state of offer and
// answer, and the endpoint that the tick reads and writes.
//
// The dialog's goroutine negotiates. The endpoint belongs to the tick as soon
// as it is published: from then on a change is left in a box that the next Read
// empties.
type sound struct {
	dialog *dialog

	// ——— the dialog's goroutine ———
	session  sdp.Session
	local    sdp.Local
	chosen   sdp.Chosen
	answer   []byte // to the offer of the INVITE
	conn     rtp.Conn
	control  rtp.Conn
	prepared *rtp.Endpoint

	// ——— the tick ———
	tick uint64 // of the last Read

	// ——— both ———
	endpoint atomic.Pointer[rtp.Endpoint]
	change   atomic.Pointer[change]
	mute     atomic.Bool // the leg is over: nothing is sent any more
	keys     chan dtmf.Digit

	mu     sync.Mutex // guards what follows
	given  bool       // the endpoint was published, so the leg's owner closes it
	closed bool
}

// A change is what a new offer or answer does to a running endpoint.
type change struct {
	config rtp.Config
	hold   bool
}

// open takes a pair of ports and sets up what we can do.
func (m *sound) open(codecs []string) error {
	s := m.dialog.server
	if s.Ports == nil {
		return fmt.Errorf("%w: none configured", errSockets)
	}
	var err error
	if m.conn, m.control, err = s.Ports.Open(); err != nil {
		if errors.Is(err, rtp.ErrNoPorts) {
			return err
		}
		return fmt.Errorf("%w: %w", errSockets, err)
	}
	ip := s.MediaIP
	if !ip.IsValid() {
		ip = m.dialog.us.Addr()
	}
	m.keys = make(chan dtmf.Digit, 32)
	m.local = sdp.Local{
		Addr:    netip.AddrPortFrom(ip, m.conn.LocalAddr().Port()),
		RTCP:    netip.AddrPortFrom(ip, m.control.LocalAddr().Port()),
		Formats: formats(codecs),
	}
	return nil
}

// formats are the codecs of these names and the telephone-events that go with
// them; no names means all.
func formats(names []string) []sdp.Format {
	var out []sdp.Format
	add := func(c codec.Codec) {
		out = append(out, sdp.Format{Name: c.Name, PayloadType: c.PayloadType, Clock: c.Clock})
	}
	if len(names) == 0 {
		for _, c := range codec.Codecs {
			add(c)
		}
	}
	for _, name := range names {
		if c, ok := codec.ByName(name); ok {
			add(c)
		}
	}
	event := uint8(eventType)
	for _, f := range slices.Clone(out) {
		if !slices.ContainsFunc(out, func(g sdp.Format) bool { return g.IsEvent() && g.Clock == f.Clock }) {
			out = append(out, sdp.Format{Name: sdp.Event, PayloadType: event, Clock: f.Clock})
			event++
		}
	}
	return out
}

// offered takes the offer of an INVITE, nil for none.
func (m *sound) offered(offer []byte) error {
	if err := m.open(m.dialog.server.Codecs); err != nil {
		return err
	}
	if offer == nil {
		return nil
	}
	local := m.local
	local.Mux = true
	text, chosen, err := m.session.Answer(offer, local)
	if err != nil {
		m.abandon()
		return err
	}
	m.answer, m.chosen = text, chosen
	if err := m.prepare(); err != nil {
		m.abandon()
		return err
	}
	return nil
}

// firstOffer is the offer of a call of ours.
func (m *sound) firstOffer(codecs []string) ([]byte, error) {
	if len(codecs) == 0 {
		codecs = m.dialog.server.Codecs
	}
	if err := m.open(codecs); err != nil {
		return nil, err
	}
	return m.session.Offer(m.local)
}

// describe is the body of our 200: the answer, or, if the INVITE had no offer,
// our own.
func (m *sound) describe() (body []byte, offered bool, err error) {
	if m.answer != nil {
		return m.answer, false, nil
	}
	body, err = m.session.Offer(m.local)
	return body, true, err
}

// offer describes what runs already, once more.
func (m *sound) offer() ([]byte, error) {
	local := m.local
	if m.chosen.Codec.Name != "" { // keep to what was settled, under its payload types
		local.Formats = []sdp.Format{m.chosen.Codec}
		if m.chosen.HasEvent() {
			local.Formats = append(local.Formats, sdp.Format{Name: sdp.Event, PayloadType: m.chosen.Event.PayloadType, Clock: m.chosen.Event.Clock})
		}
	}
	return m.session.Offer(local)
}

// accept takes the answer to our offer.
func (m *sound) accept(answer []byte) error {
	if answer == nil {
		return fmt.Errorf("no answer: %w", sdp.ErrNoCodec)
	}
	chosen, err := m.session.Accept(answer)
	if err != nil {
		return err
	}
	m.chosen = chosen
	if m.prepared == nil {
		return m.prepare()
	}
	m.leave()
	return nil
}

// reoffered takes a new offer in a call that runs.
func (m *sound) reoffered(offer []byte) ([]byte, error) {
	text, chosen, err := m.session.Answer(offer, m.local)
	if err != nil {
		return nil, err
	}
	m.chosen = chosen
	m.leave()
	return text, nil
}

// prepare makes the endpoint of what was settled.
func (m *sound) prepare() error {
	config, err := m.config()
	if err != nil {
		return err
	}
	config.Conn, config.RTCP = m.conn, m.control
	if m.chosen.Mux { // for good: an endpoint keeps its sockets
		config.RTCP = nil
		m.control.Close()
		m.control = nil
		m.local.Mux, m.local.RTCP = true, m.local.Addr
	}
	config.Timeout, config.Counters = m.dialog.server.MediaTimeout, m.dialog.server.Metrics
	if m.prepared, err = rtp.NewEndpoint(config); err != nil {
		return err
	}
	m.prepared.Hold(m.heldByFarEnd())
	return nil
}

// config is what was settled, in the words of package rtp.
func (m *sound) config() (rtp.Config, error) {
	c, ok := codec.ByName(m.chosen.Codec.Name)
	if !ok {
		return rtp.Config{}, sdp.ErrNoCodec
	}
	config := rtp.Config{
		Codec: c, PayloadIn: m.chosen.Codec.PayloadType, PayloadOut: m.chosen.Codec.PayloadType,
		Remote: m.chosen.Remote, RemoteRTCP: m.chosen.RTCP, Direction: rtp.Direction(m.chosen.Direction),
	}
	if m.chosen.HasEvent() {
		config.EventIn, config.EventOut = m.chosen.Event.PayloadType, m.chosen.Event.PayloadType
		config.EventClock = m.chosen.Event.Clock
	}
	if !config.RemoteRTCP.Addr().IsValid() {
		config.RemoteRTCP = netip.AddrPort{}
	}
	return config, nil
}

// leave puts a change where the tick will find it.
func (m *sound) leave() {
	config, err := m.config()
	if err != nil {
		m.dialog.server.count("media not changed")
		return
	}
	m.change.Store(&change{config, m.heldByFarEnd()})
}

// heldByFarEnd reports whether the far end wants to hear nothing.
func (m *sound) heldByFarEnd() bool { return !m.chosen.Direction.Sends() }

// publish gives the endpoint to the tick.
func (m *sound) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given || m.prepared == nil {
		return
	}
	m.given = true
	if m.closed {
		m.prepared.Close()
		return
	}
	m.endpoint.Store(m.prepared)
}

// abandon closes what was never given to the tick.
func (m *sound) abandon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given {
		return
	}
	m.given = true
	switch {
	case m.prepared != nil:
		m.prepared.Close()
	case m.conn != nil:
		m.conn.Close()
		m.control.Close()
	}
}

// press takes a digit of an INFO, which comes when the key is released; false
// says that too many wait. Its Tick is how long the key was held.
func (m *sound) press(symbol byte, held time.Duration) bool {
	select {
	case m.keys <- dtmf.Digit{Symbol: symbol, Way: dtmf.Info, Tick: uint64(held / media.Period)}:
		return true
	default:
		return false
	}
}
