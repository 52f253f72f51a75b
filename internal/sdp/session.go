package sdp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	pionsdp "github.com/pion/sdp/v3"
)

// A Local is what we bring to an offer or an answer.
type Local struct {
	Addr netip.AddrPort // where we want RTP
	RTCP netip.AddrPort // where we want RTCP; zero: the port above Addr's
	Mux  bool           // we can take RTCP on Addr
	// Formats are ours, in order of preference. Their payload types count in
	// an offer; an answer uses the offer's.
	Formats []Format
	// Direction is what we are willing to do; the zero value is both ways.
	Direction Direction
	Ptime     int // milliseconds a packet that we like; 0 means 20
}

// A Chosen is what offer and answer have settled.
type Chosen struct {
	Codec Format
	// Event is the telephone-event whose clock is the codec's; its Name is
	// empty if there is none.
	Event     Format
	Direction Direction      // ours: RecvOnly says that the far end holds us
	Remote    netip.AddrPort // where to send RTP; its address is zero if the far end gave a host name
	RTCP      netip.AddrPort // where to send RTCP
	Mux       bool           // RTP and RTCP share a port
	Ptime     int            // milliseconds a packet that the far end asks for; 0 if it does not say
}

// HasEvent reports whether digits can be sent as telephone-events.
func (c *Chosen) HasEvent() bool { return c.Event.Name != "" }

// A Session is our side of one conversation of offers and answers. It keeps the
// session id, and counts its version up whenever our description changes
// (RFC 3264 §8). The zero value is ready; it is not for several goroutines.
type Session struct {
	id      uint64
	version uint64
	last    []byte // our last description, at version
	offered Local  // of the last Offer, for Accept
}

// Answer answers an offer. Lines that we do not carry are refused with port 0.
func (s *Session) Answer(offer []byte, local Local) ([]byte, Chosen, error) {
	d, err := Parse(offer)
	if err != nil {
		return nil, Chosen{}, err
	}
	taken := -1
	var chosen Chosen
	for i := range d.Media {
		if !d.Media[i].carried() {
			continue
		}
		if c, ok := choose(&d.Media[i], local); ok {
			taken, chosen = i, c
			break
		}
	}
	if taken < 0 {
		return nil, Chosen{}, ErrNoCodec
	}
	lines := make([]*pionsdp.MediaDescription, len(d.Media))
	for i := range d.Media {
		if i == taken {
			lines[i] = s.line(&d.Media[i], chosen, local)
		} else {
			lines[i] = refuse(&d.Media[i])
		}
	}
	text, err := s.text(local.Addr.Addr(), lines)
	return text, chosen, err
}

// choose takes the first format of the offer that we have, and the event that
// goes with it.
func choose(m *Media, local Local) (Chosen, bool) {
	c := Chosen{Remote: m.Addr, RTCP: m.RTCP, Ptime: m.Ptime, Mux: m.Mux && local.Mux}
	if m.Mux && !c.Mux {
		c.RTCP = netip.AddrPortFrom(m.Addr.Addr(), m.Addr.Port()+1)
	}
	if m.MaxPtime != 0 && (c.Ptime == 0 || c.Ptime > m.MaxPtime) && m.MaxPtime < 20 {
		c.Ptime = m.MaxPtime
	}
	i := slices.IndexFunc(m.Formats, func(f Format) bool {
		return !f.IsEvent() && slices.ContainsFunc(local.Formats, f.Same)
	})
	if i < 0 {
		return c, false
	}
	c.Codec = m.Formats[i]
	// An event on another clock than the codec's breaks durations, so it is as
	// good as none (RFC 4733 §2.2).
	i = slices.IndexFunc(m.Formats, func(f Format) bool {
		return f.IsEvent() && f.Clock == c.Codec.Clock && slices.ContainsFunc(local.Formats, f.Same)
	})
	if i >= 0 {
		c.Event = m.Formats[i]
	}
	c.Direction = direction(
		m.Direction.Receives() && local.Direction.Sends(),
		m.Direction.Sends() && local.Direction.Receives())
	return c, true
}

// Offer describes what we would like: all our formats.
func (s *Session) Offer(local Local) ([]byte, error) {
	if len(local.Formats) == 0 {
		return nil, ErrNoCodec
	}
	s.offered = local
	m := &pionsdp.MediaDescription{MediaName: pionsdp.MediaName{
		Media: "audio", Protos: []string{"RTP", "AVP"}, Port: pionsdp.RangedPort{Value: int(local.Addr.Port())},
	}}
	for _, f := range local.Formats {
		if f.IsEvent() && f.Fmtp == "" {
			f.Fmtp = "0-15"
		}
		addFormat(m, f)
	}
	finish(m, local, local.Direction, local.Mux)
	return s.text(local.Addr.Addr(), []*pionsdp.MediaDescription{m})
}

// Accept takes in the answer to our last Offer.
func (s *Session) Accept(answer []byte) (Chosen, error) {
	d, err := Parse(answer)
	if err != nil {
		return Chosen{}, err
	}
	if len(d.Media) == 0 {
		return Chosen{}, errors.New("accept answer: no m-line")
	}
	if !d.Media[0].carried() { // we offer one line, so its answer is the first
		return Chosen{}, ErrNoCodec
	}
	c, ok := choose(&d.Media[0], s.offered)
	if !ok {
		return Chosen{}, ErrNoCodec
	}
	return c, nil
}

// line is our answer to the m-line that we take.
func (s *Session) line(m *Media, c Chosen, local Local) *pionsdp.MediaDescription {
	out := &pionsdp.MediaDescription{MediaName: pionsdp.MediaName{
		Media: "audio", Protos: strings.Split(m.Profile, "/"), Port: pionsdp.RangedPort{Value: int(local.Addr.Port())},
	}}
	codec := c.Codec
	codec.Fmtp = ""
	if i := slices.IndexFunc(local.Formats, codec.Same); i >= 0 {
		codec.Fmtp = local.Formats[i].Fmtp // ours: parameters say what the one who states them receives
	}
	addFormat(out, codec)
	if c.HasEvent() {
		event := c.Event
		event.Fmtp = "0-15"
		addFormat(out, event)
	}
	finish(out, local, c.Direction, c.Mux)
	return out
}

func addFormat(m *pionsdp.MediaDescription, f Format) {
	pt := strconv.Itoa(int(f.PayloadType))
	m.MediaName.Formats = append(m.MediaName.Formats, pt)
	name := fmt.Sprintf("%s %s/%d", pt, f.Name, f.Clock)
	if f.Channels > 1 {
		name += "/" + strconv.Itoa(f.Channels)
	}
	m.Attributes = append(m.Attributes, pionsdp.NewAttribute("rtpmap", name))
	if f.Fmtp != "" {
		m.Attributes = append(m.Attributes, pionsdp.NewAttribute("fmtp", pt+" "+f.Fmtp))
	}
}

// finish adds what stands after the formats.
func finish(m *pionsdp.MediaDescription, local Local, d Direction, mux bool) {
	ptime := local.Ptime
	if ptime == 0 {
		ptime = 20
	}
	m.Attributes = append(m.Attributes, pionsdp.NewAttribute("ptime", strconv.Itoa(ptime)))
	if mux {
		m.Attributes = append(m.Attributes, pionsdp.NewPropertyAttribute("rtcp-mux"))
	} else if local.RTCP.Port() != 0 && local.RTCP.Port() != local.Addr.Port()+1 {
		m.Attributes = append(m.Attributes, pionsdp.NewAttribute("rtcp", strconv.Itoa(int(local.RTCP.Port()))))
	}
	m.Attributes = append(m.Attributes, pionsdp.NewPropertyAttribute(d.String()))
}

// refuse is the same m-line with port 0 (RFC 3264 §6).
func refuse(m *Media) *pionsdp.MediaDescription {
	fmts := m.fmts
	if len(fmts) == 0 {
		fmts = []string{"0"}
	}
	return &pionsdp.MediaDescription{MediaName: pionsdp.MediaName{
		Media: m.Kind, Protos: strings.Split(m.Profile, "/"), Formats: fmts,
	}}
}

// text writes our description, under the next version if it has changed.
func (s *Session) text(addr netip.Addr, lines []*pionsdp.MediaDescription) ([]byte, error) {
	if !addr.IsValid() {
		return nil, errors.New("describe session: no address")
	}
	if s.id == 0 {
		s.id = uint64(rand.Uint32())<<16 | 1 // within 63 bits, as some telephones need it
		s.version = s.id
	}
	kind := "IP4"
	if addr.Is6() && !addr.Is4In6() {
		kind = "IP6"
	}
	d := pionsdp.SessionDescription{
		Origin: pionsdp.Origin{
			Username: "-", SessionID: s.id, SessionVersion: s.version,
			NetworkType: "IN", AddressType: kind, UnicastAddress: addr.Unmap().String(),
		},
		SessionName: "-",
		ConnectionInformation: &pionsdp.ConnectionInformation{
			NetworkType: "IN", AddressType: kind, Address: &pionsdp.Address{Address: addr.Unmap().String()},
		},
		TimeDescriptions:  []pionsdp.TimeDescription{{}},
		MediaDescriptions: lines,
	}
	text, err := d.Marshal()
	if err != nil {
		return nil, fmt.Errorf("describe session: %w", err)
	}
	if s.last != nil && string(s.last) != string(text) {
		s.version++
		d.Origin.SessionVersion = s.version
		if text, err = d.Marshal(); err != nil {
			return nil, fmt.Errorf("describe session: %w", err)
		}
	}
	s.last = text
	return text, nil
}
