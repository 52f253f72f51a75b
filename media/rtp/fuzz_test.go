package rtp_test

import (
	"testing"

	pionrtp "github.com/pion/rtp"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/rtp"
)

// hear is an endpoint that is given datagrams, and ticks. The first byte of each
// is its length; odd ones come from a stranger.
func hear(t *testing.T, data []byte, wrap func(p []byte) []byte) {
	ours, theirs := rtp.Pipe()
	e, err := rtp.NewEndpoint(rtp.Config{Conn: ours, Codec: pcm(t, "PCMU"), Remote: theirs.LocalAddr(), EventIn: 101, EventOut: 101, SSRC: 5})
	if err != nil {
		t.Fatal(err)
	}
	f := media.Frame{Rate: media.Rate8k}
	for i := 0; len(data) > 0; i++ {
		n := min(int(data[0]), len(data)-1)
		from := theirs.LocalAddr()
		if data[0]%8 == 7 {
			from = elsewhere
		}
		ours.Inject(from, wrap(data[1:1+n]))
		data = data[1+n:]
		if i%3 == 2 {
			continue
		}
		if n, err := media.Pull(e, &f); err != nil || n > 160 {
			t.Fatal(n, err)
		}
		for d, ok := e.NextDigit(); ok; d, ok = e.NextDigit() {
			if d.Symbol == 0 {
				t.Fatalf("digit %+v", d)
			}
		}
		if err := e.Write(&f); err != nil {
			t.Fatal(err)
		}
		f.Tick++
		ours.Advance(period)
	}
	e.Stats()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzRTP(f *testing.F) {
	good, err := (&pionrtp.Packet{Header: pionrtp.Header{Version: 2, SSRC: 9}, Payload: make([]byte, 160)}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte{byte(len(good))}, good...))
	f.Add([]byte("\x0e\x90\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\xbe\xde"))
	f.Add([]byte("\x10\xb0\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x10\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		hear(t, data, func(p []byte) []byte { return p })
	})
}

func FuzzRTCP(f *testing.F) {
	f.Add([]byte("\x08\x80\xc9\x00\x01\x00\x00\x00\x09"))
	f.Add([]byte("\x1c\x80\xc8\x00\x06\x00\x00\x00\x09\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Add([]byte("\x08\x81\xcb\x00\x01\x00\x00\x00\x09\x08\x9f\xc9\x00\x01\x00\x00\x00\x05"))
	f.Fuzz(func(t *testing.T, data []byte) {
		hear(t, data, func(p []byte) []byte {
			if len(p) > 1 { // most of it is to get past the first look
				p = append([]byte{0x80 | p[0]&0x3f, 200 + p[1]%8}, p[2:]...)
			}
			return p
		})
	})
}

func FuzzTelephoneEvent(f *testing.F) {
	f.Add([]byte("\x0b\x01\x00\x00\x01\x05\x0a\x00\xa0\x00\x00\x00"))
	f.Add([]byte("\x08\x01\x00\x00\x01\x05\x8a\x00\xa0\x08\x02\x00\x00\x01\x05\x8a\x00\xa0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		seq := uint16(0)
		hear(t, data, func(p []byte) []byte {
			h := pionrtp.Header{Version: 2, PayloadType: 101, SSRC: 9, SequenceNumber: seq}
			if len(p) >= 4 { // a step of the sequence, a timestamp, then the payload
				h.SequenceNumber += uint16(p[0])
				h.Timestamp = uint32(p[1])<<24 | uint32(p[2])<<8 | uint32(p[3])
				h.Marker, p = p[0]%2 == 1, p[4:]
			}
			seq = h.SequenceNumber
			data, err := (&pionrtp.Packet{Header: h, Payload: p}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return data
		})
	})
}
