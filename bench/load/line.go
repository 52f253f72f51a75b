package load

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/tipring/tipring/media/rtp"
)

// keys is what the phones press, one after the other.
const keys = "1590*268#734"

// A script is what all phones say.
type script struct {
	speech  [][]byte
	presses map[byte][][]byte
	every   int // ticks from key to key; 0: no keys
}

func newScript(every time.Duration) *script {
	s := &script{speech: payloads(speech(7)), presses: map[byte][][]byte{}, every: max(int(every/(20*time.Millisecond)), 0)}
	for i := range len(keys) {
		s.presses[keys[i]] = press(keys[i])
	}
	return s
}

// A line is one phone's RTP. It belongs to the sound loop.
type line struct {
	conn   rtp.Conn
	to     netip.AddrPort // zero: nowhere yet
	script *script
	out    [12 + payloadSize]byte
	seq    uint16
	stamp  uint32
	at     int // in the speech

	keying  bool     // keys may be pressed
	wait    int      // ticks until the next key
	pressed []key    // all so far
	press   [][]byte // what is left of the one being pressed

	ear   ear
	first int64 // when the first sound came, ns since 1970
	ssrc  uint32
	mixed uint64 // packets of another stream than the first
}

// A key is one that was pressed.
type key struct {
	symbol byte
	at     time.Time // when its sound began to leave
}

func newLine(conn rtp.Conn, s *script, index int) *line {
	l := &line{conn: conn, script: s, at: index * 37 % len(s.speech)}
	if s.every > 0 {
		l.wait = index * 7919 % s.every
	}
	l.out[0] = 0x80
	binary.BigEndian.PutUint32(l.out[8:], uint32(index)+1)
	return l
}

// tick receives what has come and sends one packet.
func (l *line) tick(b *rtp.Batch) {
	l.receive(b)
	if l.to.IsValid() {
		l.send()
	}
}

func (l *line) receive(b *rtp.Batch) {
	for {
		packets, err := l.conn.Receive(b)
		for i := range packets {
			if packets[i].From == l.to { // else it is for whoever had this port before
				l.hear(packets[i].Data, packets[i].Arrival)
			}
		}
		if err != nil || len(packets) < rtp.MaxBatch {
			return
		}
	}
}

func (l *line) hear(data []byte, arrival int64) {
	if len(data) < 12 || data[0]>>6 != 2 || data[1]&0x7f != 0 {
		return // reports
	}
	ssrc := binary.BigEndian.Uint32(data[8:])
	if l.ssrc == 0 {
		l.ssrc = ssrc
	}
	if ssrc != l.ssrc {
		l.mixed++
		return
	}
	payload := data[12:]
	if l.first == 0 && !mute(payload) {
		l.first = arrival
	}
	l.ear.packet(binary.BigEndian.Uint16(data[2:]), payload, arrival)
}

func (l *line) send() {
	copy(l.out[12:], l.say())
	binary.BigEndian.PutUint16(l.out[2:], l.seq)
	binary.BigEndian.PutUint32(l.out[4:], l.stamp)
	l.seq++
	l.stamp += payloadSize
	_ = l.conn.Send(l.to, l.out[:]) // what is lost here, the server's counters show
}

// say is the next packet's payload.
func (l *line) say() []byte {
	if len(l.press) == 0 && l.keying && l.script.every > 0 {
		if l.wait--; l.wait <= 0 {
			l.wait = l.script.every
			symbol := keys[len(l.pressed)%len(keys)]
			l.press = l.script.presses[symbol]
			l.pressed = append(l.pressed, key{symbol, time.Now().Add(60 * time.Millisecond)})
		}
	}
	if len(l.press) > 0 {
		p := l.press[0]
		l.press = l.press[1:]
		return p
	}
	p := l.script.speech[l.at]
	l.at = (l.at + 1) % len(l.script.speech)
	return p
}
