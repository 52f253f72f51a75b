package main

import (
	"encoding/binary"
	"net/netip"

	"github.com/tipring/tipring/bench/load"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/resample"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

// beat is a tick, and the call that hears what the room tells.
func beat(r *room.Room) {
	r.Tick()
	select {
	case <-r.Notices().C():
		for _, more := r.Notices().Next(); more; _, more = r.Notices().Next() {
		}
	default:
	}
}

// house makes rooms with talking legs in them.
func house(rooms, size int, prompt bool) (all []*room.Room, conns []*voiceConn, err error) {
	pcmu, _ := codec.ByName("PCMU")
	speech := load.Speech(7)
	for range rooms {
		r := room.New()
		for range size {
			conn := &voiceConn{speech: speech, at: len(conns) * 17 % len(speech), number: uint32(len(conns)), prompted: prompt || size > 1}
			conn.begin()
			conns = append(conns, conn)
			e, err := rtp.NewEndpoint(rtp.Config{Conn: conn, RTCP: &muteConn{}, Codec: pcmu, Remote: far, EventIn: 101, EventOut: 101})
			if err != nil {
				return nil, nil, err
			}
			r.Plug(&room.Port{Peer: e})
		}
		if prompt {
			r.Play = r.Announce(1, media.Until(resample.NewSource(&announced{}, 8000), new(media.Gate)))
		}
		all = append(all, r)
	}
	return all, conns, nil
}

var far = netip.MustParseAddrPort("192.0.2.1:4000")

// announced is a prompt without an end.
type announced struct{ n int }

func (a *announced) ReadSamples(p []int16) (int, error) {
	for i := range p {
		a.n++
		p[i] = int16(a.n % 64 * 256)
	}
	return len(p), nil
}

// A voiceConn is a socket into which a packet falls in every tick.
type voiceConn struct {
	speech   [][]byte
	at       int
	number   uint32
	prompted bool
	silent   bool // nothing was sent though something should have been

	packets [1]rtp.Packet
	data    [172]byte
	seq     uint16
	now     int64
	sent    int
}

func (c *voiceConn) begin() {
	c.data[0], c.now = 0x80, 1_767_225_600_000_000_000
	binary.BigEndian.PutUint32(c.data[8:], c.number+1)
	c.packets[0] = rtp.Packet{Data: c.data[:], From: far}
}

// Receive makes the packet of this tick.
func (c *voiceConn) Receive(*rtp.Batch) ([]rtp.Packet, error) {
	c.seq++
	c.now += int64(media.Period)
	binary.BigEndian.PutUint16(c.data[2:], c.seq)
	binary.BigEndian.PutUint32(c.data[4:], uint32(c.seq)*160)
	copy(c.data[12:], c.speech[c.at])
	c.at = (c.at + 1) % len(c.speech)
	c.packets[0].Arrival = c.now
	return c.packets[:], nil
}

// Send counts.
func (c *voiceConn) Send(_ netip.AddrPort, data []byte) error {
	c.sent++
	c.silent = c.prompted && len(data) != 172
	return nil
}

func (c *voiceConn) LocalAddr() netip.AddrPort { return far }
func (c *voiceConn) Now() int64                { return c.now }
func (c *voiceConn) Dropped() uint64           { return 0 }
func (c *voiceConn) Close() error              { return nil }

// A muteConn is a socket into which nothing falls.
type muteConn struct{ voiceConn }

func (c *muteConn) Receive(*rtp.Batch) ([]rtp.Packet, error) { return nil, nil }
