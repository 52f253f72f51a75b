package rtp_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/rtp"
)

const period = int64(media.Period)

func pcm(t testing.TB, name string) codec.Codec {
	t.Helper()
	c, ok := codec.ByName(name)
	if !ok {
		t.Fatalf("no codec %s", name)
	}
	return c
}

func endpoint(t testing.TB, c rtp.Config) *rtp.Endpoint {
	t.Helper()
	if c.Codec.Name == "" {
		c.Codec = pcm(t, "PCMU")
	}
	e, err := rtp.NewEndpoint(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// A call ticks an endpoint: what it says is captured, what it hears comes from
// a source.
type call struct {
	t     testing.TB
	e     *rtp.Endpoint
	f     media.Frame
	heard mediatest.Capture
	says  media.Source
	keys  string
	err   error
}

func newCall(t testing.TB, e *rtp.Endpoint, rate media.Rate) *call {
	return &call{t: t, e: e, f: media.Frame{Rate: rate}, says: mediatest.Silence(0)}
}

func (c *call) tick() {
	c.t.Helper()
	if _, c.err = media.Pull(c.e, &c.f); c.err != nil {
		return
	}
	if err := c.heard.Write(&c.f); err != nil {
		c.t.Fatal(err)
	}
	for d, ok := c.e.NextDigit(); ok; d, ok = c.e.NextDigit() {
		c.keys += string(d.Symbol)
	}
	if _, err := media.Pull(c.says, &c.f); err != nil {
		c.t.Fatal(err)
	}
	if err := c.e.Write(&c.f); err != nil {
		c.t.Fatal(err)
	}
	c.f.Tick++
}

// A phone is a far end of our own making on one plug of a pipe: it sends what
// the test tells it to.
type phone struct {
	t       testing.TB
	plug    *rtp.Plug
	to      netip.AddrPort
	header  pionrtp.Header
	encoder codec.Encoder
	batch   *rtp.Batch
	tone    media.Source
	ptime   int    // ms
	spoken  []byte // encoded, and not yet sent
}

func newPhone(t testing.TB, plug *rtp.Plug, to netip.AddrPort) *phone {
	return &phone{
		t: t, plug: plug, to: to, batch: rtp.NewBatch(), ptime: 20,
		header:  pionrtp.Header{Version: 2, SSRC: 0xcafe, SequenceNumber: 65500, Timestamp: 0xffffff00},
		encoder: pcm(t, "PCMU").NewEncoder(),
		tone:    mediatest.Tone(440, -10, 0),
	}
}

func (p *phone) raw(h pionrtp.Header, payload []byte) []byte {
	data, err := (&pionrtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

// sound makes ptime ms of the phone's tone.
func (p *phone) sound() []byte {
	n := p.ptime * 8
	for len(p.spoken) < n {
		f := media.Frame{Rate: media.Rate8k}
		if _, err := media.Pull(p.tone, &f); err != nil {
			p.t.Fatal(err)
		}
		part := make([]byte, 160)
		p.encoder.Encode(part, f.PCM())
		p.spoken = append(p.spoken, part...)
	}
	out := p.spoken[:n]
	p.spoken = p.spoken[n:]
	return out
}

// speak sends one packet of the phone's tone.
func (p *phone) speak() {
	p.send(p.header, p.sound())
	p.header.SequenceNumber++
	p.header.Timestamp += uint32(p.ptime * 8)
}

func (p *phone) send(h pionrtp.Header, payload []byte) {
	if err := p.plug.Send(p.to, p.raw(h, payload)); err != nil {
		p.t.Fatal(err)
	}
}

// event sends a telephone-event packet (payload type 101) of an event that
// began at stamp.
func (p *phone) event(stamp uint32, marker bool, event byte, duration uint16, end bool) {
	h := p.header
	h.PayloadType, h.Marker, h.Timestamp = 101, marker, stamp
	payload := []byte{event, 10, 0, 0}
	if end {
		payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(payload[2:], duration)
	p.send(h, payload)
	p.header.SequenceNumber++
}

// A got is one RTP packet that the phone received.
type got struct {
	pionrtp.Header
	Payload []byte
}

// take gives the RTP packets that have come to the phone; reports go elsewhere.
func (p *phone) take() (packets []got) {
	for {
		batch, err := p.plug.Receive(p.batch)
		if err != nil {
			p.t.Fatal(err)
		}
		if len(batch) == 0 {
			return packets
		}
		for _, d := range batch {
			if d.Data[1] >= 200 && d.Data[1] <= 207 {
				continue
			}
			var packet pionrtp.Packet
			if err := packet.Unmarshal(append([]byte(nil), d.Data...)); err != nil {
				p.t.Fatal(err)
			}
			packets = append(packets, got{packet.Header, packet.Payload})
		}
	}
}

// near fails unless a tone of freq at dBm0 fills the sound.
func near(t *testing.T, s mediatest.Sound, freq, dBm0 float64) {
	t.Helper()
	if f := s.Frequency(); f < freq-0.5 || f > freq+0.5 {
		t.Errorf("heard %.2f Hz, want %.0f", f, freq)
	}
	want := dBm0 - mediatest.FullScale
	if l := s.Power(freq); l < want-0.3 || l > want+0.3 {
		t.Errorf("heard a level of %.2f dBFS at %.0f Hz, want %.2f", l, freq, want)
	}
}

// from cuts the beginning of a sound off.
func from(s mediatest.Sound, d time.Duration) mediatest.Sound {
	n := int(d * time.Duration(s.Rate) / time.Second)
	return mediatest.Sound{Rate: s.Rate, PCM: s.PCM[min(n, len(s.PCM)):]}
}
