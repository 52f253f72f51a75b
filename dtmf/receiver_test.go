package dtmf_test

import (
	"encoding/binary"
	"testing"

	"github.com/tipring/tipring/dtmf"
)

// packet is one telephone-event packet and when it arrives.
type packet struct {
	tick      uint64
	ssrc, ts  uint32
	event     byte
	marker    bool
	end       bool
	duration  uint16
	malformed bool
}

func (p packet) payload() []byte {
	if p.malformed {
		return []byte{p.event, 0, 0}
	}
	b := []byte{p.event, 10, 0, 0}
	if p.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], p.duration)
	return b
}

// event is the packets of one key press, as RFC 4733 has them: an update in
// each of n ticks, then the end packet twice more.
func event(tick uint64, ts uint32, code byte, n int) (out []packet) {
	for i := range n + 2 {
		k := min(i+1, n)
		out = append(out, packet{
			tick: tick + uint64(i), ssrc: 1, ts: ts, event: code,
			marker: i == 0, end: i >= n-1, duration: uint16(160 * k),
		})
	}
	return out
}

// receive pushes packets, with the ticks between and after them.
func receive(r *dtmf.Receiver, packets []packet) (digits string, ticks []uint64) {
	now := uint64(0)
	for _, p := range packets {
		for ; now < p.tick; now++ {
			r.Tick(now)
		}
		if d, ok := r.Push(p.ssrc, p.ts, p.marker, p.payload(), p.tick); ok {
			digits += string(d.Symbol)
			ticks = append(ticks, d.Tick)
		}
	}
	for range 20 {
		r.Tick(now)
		now++
	}
	return digits, ticks
}

func join(lists ...[]packet) (out []packet) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// change gives the packets with one thing altered in each.
func change(packets []packet, f func(i int, p *packet)) []packet {
	for i := range packets {
		f(i, &packets[i])
	}
	return packets
}

// long is a press at 48 kHz in segments of at most 0xFFFF, without end bits but
// the last.
func long(tick uint64, ts uint32, code byte, n int) (out []packet) {
	from := 0
	for i := range n {
		if (i-from+1)*960 > 0xFFFF {
			from = i
		}
		out = append(out, packet{
			tick: tick + uint64(i), ssrc: 1, ts: ts + uint32(from*960), event: code,
			marker: i == 0, end: i == n-1, duration: uint16((i - from + 1) * 960),
		})
	}
	return out
}

func TestReceiver(t *testing.T) {
	five := func() []packet { return event(100, 8000, 5, 5) }
	for _, tt := range []struct {
		name    string
		clock   int
		packets []packet
		want    string
	}{
		{"a plain event", 0, five(), "5"},
		{"every symbol", 0, func() (out []packet) {
			for i := range byte(16) {
				out = append(out, event(uint64(i)*12, uint32(i)*1920, i, 5)...)
			}
			return out
		}(), dtmf.Symbols},
		{"first packet lost, and the marker with it", 0, five()[1:], "5"},
		{"only the end packets arrive", 0, five()[4:], "5"},
		{"only the last of them", 0, five()[6:], "5"},
		{"no marker at all", 0, change(five(), func(_ int, p *packet) { p.marker = false }), "5"},
		{"the marker on every packet", 0, change(five(), func(_ int, p *packet) { p.marker = true }), "5"},
		{"end packets lost", 0, five()[:4], "5"},
		{"end packets lost, the same key again", 0, join(five()[:4], event(110, 9600, 5, 5)), "55"},
		{"end packets lost, another key at once", 0, join(five()[:4], event(105, 8800, 6, 5)), "56"},
		{"end packets lost, the same key again soon, unmarked", 0, join(five()[:4],
			change(event(107, 9120, 5, 5), func(_ int, p *packet) { p.marker = false })), "55"},
		{"every packet twice", 0, func() (out []packet) {
			for _, p := range five() {
				out = append(out, p, p)
			}
			return out
		}(), "5"},
		{"reordered within", 0, func() []packet {
			p := five()
			p[0], p[2], p[4], p[6] = p[2], p[0], p[6], p[4]
			for i := range p {
				p[i].tick = 100 + uint64(i)
			}
			return p
		}(), "5"},
		{"reordered: updates behind the end", 0, func() []packet {
			p := five()
			p = join(p[:2], p[4:], p[2:4])
			for i := range p {
				p[i].tick = 100 + uint64(i)
			}
			return p
		}(), "5"},
		{"a straggler 100 ms after the end", 0, append(join(five()[:3], five()[4:]), packet{tick: 109, ssrc: 1, ts: 8000, event: 5, duration: 640}), "5"},
		{"a copy of an end packet a second after the end", 0, append(five(), packet{tick: 160, ssrc: 1, ts: 8000, event: 5, duration: 800, end: true}), "5"},
		{"an end packet behind the next key's first", 0, func() []packet {
			p := join(five(), event(106, 8960, 6, 5))
			p[6], p[7] = p[7], p[6]
			p[6].tick, p[7].tick = 106, 106
			return p
		}(), "56"},
		{"the same key twice quickly", 0, join(five(), event(108, 9280, 5, 5)), "55"},
		{"the same key, another SSRC", 0, join(five(), change(event(108, 8000, 5, 5), func(_ int, p *packet) { p.ssrc = 2 })), "55"},
		{"a used timestamp, 40 ms after the end", 0, join(five(), event(107, 8000, 5, 5)), "55"},
		{"a used timestamp, another key", 0, join(five(), event(107, 8000, 6, 5), event(114, 8000, 5, 5)), "565"},
		{"a used timestamp for all", 0, join(five(), event(112, 8000, 5, 5), event(124, 8000, 5, 5), event(136, 8000, 5, 5)), "5555"},
		{"a used timestamp, its first packet lost", 0, join(five(), event(110, 8000, 5, 5)[1:]), "55"},
		{"a used timestamp, the end before it lost", 0, join(five()[:4], event(112, 8000, 5, 5)), "55"},
		{"a pause in the packets, then the event goes on", 0, append(five()[:2],
			packet{tick: 112, ssrc: 1, ts: 8000, event: 5, duration: 1920},
			packet{tick: 113, ssrc: 1, ts: 8000, event: 5, duration: 2080, end: true}), "5"},
		{"packets every 50 ms", 0, func() (out []packet) {
			for i := range 8 {
				out = append(out, packet{tick: 100 + uint64(i*5/2), ssrc: 1, ts: 8000, event: 9, marker: i == 0, duration: uint16(400 * (i + 1)), end: i == 7})
			}
			return out
		}(), "9"},
		{"a duration of nothing at first", 0, change(five(), func(i int, p *packet) { p.duration = uint16(160 * i) }), "5"},
		{"one packet only, duration nothing", 0, []packet{{tick: 3, ssrc: 1, ts: 1, event: 1}}, "1"},
		{"a timestamp that wraps", 0, join(event(100, 0xFFFFFF00, 5, 5), event(112, 0x680, 5, 5)), "55"},
		{"four seconds at 48 kHz: three segments", 48000, long(100, 7777, 5, 200), "5"},
		{"the same, with the packets around a new segment lost", 48000, func() []packet {
			p := long(100, 7777, 5, 200)
			return join(p[:67], p[70:])
		}(), "5"},
		{"the same, wrapping", 48000, long(100, 0xFFFFF000, 5, 200), "5"},
		{"nine seconds at 8 kHz", 8000, func() (out []packet) {
			for i := range 450 {
				seg := i / 409
				out = append(out, packet{tick: uint64(i), ssrc: 1, ts: uint32(seg * 409 * 160), event: 5, duration: uint16((i - seg*409 + 1) * 160), end: i == 449})
			}
			return out
		}(), "5"},
		{"a long press, then the same key", 48000, join(long(100, 7777, 5, 100), change(long(110+100, 7777+110*960, 5, 10), func(_ int, p *packet) {})), "55"},
		{"a flash, a fax tone", 0, []packet{{tick: 1, ssrc: 1, ts: 1, event: 16}, {tick: 2, ssrc: 1, ts: 2, event: 36}}, ""},
		{"a malformed payload", 0, []packet{{tick: 1, ssrc: 1, ts: 1, event: 5, malformed: true}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := dtmf.Receiver{Clock: tt.clock}
			if got, _ := receive(&r, tt.packets); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if symbol, ok := r.Held(); ok {
				t.Errorf("%c is still held", symbol)
			}
		})
	}
}

// TestReceiverLosesNothing: each digit comes once whatever single packets are
// lost, as long as one of it arrives.
func TestReceiverLosesNothing(t *testing.T) {
	all := event(100, 8000, 5, 5)
	for mask := 1; mask < 1<<len(all); mask++ {
		var some []packet
		for i, p := range all {
			if mask&(1<<i) != 0 {
				some = append(some, p)
			}
		}
		var r dtmf.Receiver
		got, ticks := receive(&r, join(some, event(112, 9920, 5, 5)))
		if got != "55" {
			t.Errorf("packets %07b: got %q", mask, got)
		} else if first := ticks[0]; first < 98 || first > 101 {
			t.Errorf("packets %07b: began at tick %d, want about 100", mask, first)
		}
	}
}

func TestReceiverCounts(t *testing.T) {
	var r dtmf.Receiver
	receive(&r, join(event(10, 1, 5, 5)[:3], []packet{
		{tick: 20, event: 16}, {tick: 21, event: 255}, {tick: 22, malformed: true},
	}))
	want := dtmf.ReceiverCounts{Digits: 1, Other: 2, Malformed: 1, Silent: 1}
	if r.Counts() != want {
		t.Errorf("got %+v, want %+v", r.Counts(), want)
	}
}

func TestReceiverHolds(t *testing.T) {
	var r dtmf.Receiver
	p := event(10, 1, 5, 5)
	for _, p := range p[:3] {
		r.Push(p.ssrc, p.ts, p.marker, p.payload(), p.tick)
	}
	if symbol, ok := r.Held(); !ok || symbol != '5' {
		t.Errorf("held: %c, %v", symbol, ok)
	}
	r.Push(1, 1, false, p[4].payload(), 14)
	if _, ok := r.Held(); ok {
		t.Error("held after its end")
	}
}

func TestReceiverAllocatesNothing(t *testing.T) {
	var r dtmf.Receiver
	payload := []byte{5, 10, 1, 64}
	tick := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		r.Push(1, uint32(tick/10), false, payload, tick)
		r.Tick(tick)
		tick++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 5, 10, 0, 160, 1, 0, 0, 0, 1, 5, 138, 1, 64}, 8000)
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255}, 48000)
	f.Fuzz(func(t *testing.T, data []byte, clock int) {
		r := dtmf.Receiver{Clock: clock}
		tick, pushed, digits := uint64(0), uint64(0), uint64(0)
		for len(data) >= 9 {
			tick += uint64(data[0] & 15)
			n := min(4+int(data[0]>>6), len(data)-5)
			ts := binary.BigEndian.Uint32(data[1:])
			if d, ok := r.Push(uint32(data[0]>>4&1), ts, data[0]&32 != 0, data[5:5+n], tick); ok {
				digits++
				if d.Way != dtmf.Event || d.Tick > tick {
					t.Fatalf("%+v at tick %d", d, tick)
				}
			}
			r.Tick(tick)
			pushed++
			data = data[9:]
		}
		if c := r.Counts(); c.Digits != digits || c.Digits+c.Other+c.Malformed > pushed {
			t.Fatalf("%+v of %d packets, %d digits", c, pushed, digits)
		}
	})
}
