package rtp_test

import (
	"encoding/binary"
	"testing"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/rtp"
)

// A packet of a telephone-event, as a test script has it: in which tick it is
// sent, and what it says.
type key struct {
	tick     int
	stamp    uint32
	event    byte
	duration uint16
	marker   bool
	end      bool
}

// press is a key press of 100 ms from a tick on: 5 packets and 3 end packets.
func press(tick int, event byte) (keys []key) {
	stamp := uint32(tick * 160)
	for i := range 5 {
		keys = append(keys, key{tick + i, stamp, event, uint16((i + 1) * 160), i == 0, false})
	}
	for range 3 {
		keys = append(keys, key{tick + 5, stamp, event, 960, false, true})
	}
	return keys
}

func without(keys []key, gone func(i int, k key) bool) (out []key) {
	for i, k := range keys {
		if !gone(i, k) {
			out = append(out, k)
		}
	}
	return out
}

func each(keys []key, change func(i int, k *key)) []key {
	for i := range keys {
		change(i, &keys[i])
	}
	return keys
}

func TestDigitsArriveOnceEach(t *testing.T) {
	join := func(parts ...[]key) (all []key) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	var long []key // 10 s: two segments
	for i := range 500 {
		d := uint32(i+1) * 160
		k := key{tick: 10 + i, stamp: 1600, event: 7, duration: uint16(d)}
		if d > 0xffff {
			k.stamp, k.duration = 1600+0xffff, uint16(d-0xffff)
		}
		k.marker = i == 0
		long = append(long, k)
	}
	long = append(long, key{510, 1600 + 0xffff, 7, uint16(501*160 - 0xffff), false, true})
	for _, tt := range []struct {
		name string
		keys []key
		want string
	}{
		{"three digits", join(press(10, 1), press(20, 2), press(30, 11)), "12#"},
		{"the first packet lost", without(press(10, 5), func(i int, _ key) bool { return i == 0 }), "5"},
		{"all but one lost", without(press(10, 5), func(i int, _ key) bool { return i != 3 }), "5"},
		{"only an end packet", without(press(10, 5), func(i int, _ key) bool { return i != 7 }), "5"},
		{"no marker", each(press(10, 5), func(_ int, k *key) { k.marker = false }), "5"},
		{"a marker on every packet", each(press(10, 5), func(_ int, k *key) { k.marker = true }), "5"},
		{"the end packets lost", join(without(press(10, 5), func(_ int, k key) bool { return k.end }), press(30, 6)), "56"},
		{"the end packets lost, the same again", join(without(press(10, 5), func(_ int, k key) bool { return k.end }), press(30, 5)), "55"},
		{"everything twice", join(press(10, 5), press(10, 5)), "5"},
		{"reordered", each(press(10, 5), func(i int, k *key) { k.tick += (i * 3) % 4 }), "5"},
		{"ten seconds, in two segments", long, "7"},
		{"a used timestamp", join(press(10, 5), each(press(30, 5), func(_ int, k *key) { k.stamp = 1600 })), "55"},
		{"two at a pause of 40 ms", join(press(10, 5), press(18, 5)), "55"},
		{"flash is no digit", press(10, 16), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newTalk(t, rtp.Config{})
			for tick := range 560 {
				for _, x := range tt.keys {
					if x.tick == tick {
						k.phone.event(x.stamp, x.marker, x.event, x.duration, x.end)
					}
				}
				k.run(1)
			}
			if k.keys != tt.want {
				t.Errorf("digits %q, want %q", k.keys, tt.want)
			}
			if s := k.e.Stats(); s.Concealed > 0 && tt.name != "reordered" {
				t.Errorf("concealed %d periods: events are no loss of sound", s.Concealed)
			}
		})
	}
}

// TestDigitsAreSent: what RFC 4733 §2.5 says of the packets of a digit, and that
// the far end's receiver reads them.
func TestDigitsAreSent(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.says = mediatest.Tone(440, -10, 0)
	k.run(20)
	before := k.phone.take()
	done := 0
	k.e.SendDigits("1#", func(err error) {
		if done++; err != nil {
			t.Error(err)
		}
	})
	k.run(2 * (8 + 5))
	if done != 0 {
		t.Error("done before the pause after the last digit was over")
	}
	k.run(14)
	if done != 1 {
		t.Errorf("done was called %d times", done)
	}
	var read dtmf.Receiver
	var digits []byte
	var events []got
	last := before[len(before)-1]
	for i, p := range k.phone.take() {
		if want := last.SequenceNumber + uint16(i) + 1; p.SequenceNumber != want {
			t.Fatalf("packet %d has sequence number %d, want %d", i, p.SequenceNumber, want)
		}
		if p.PayloadType == 101 {
			events = append(events, p)
			if d, ok := read.Push(p.SSRC, p.Timestamp, p.Marker, p.Payload, uint64(i)); ok {
				digits = append(digits, d.Symbol)
			}
		}
	}
	if string(digits) != "1#" {
		t.Errorf("the far end reads %q", digits)
	}
	if len(events) != 2*(8+2) {
		t.Fatalf("%d event packets, want two digits of 8 ticks and 2 more end packets", len(events))
	}
	for i, p := range events {
		n, first := i%10, events[i/10*10]
		duration, end := binary.BigEndian.Uint16(p.Payload[2:]), p.Payload[1]&0x80 != 0
		if want := uint16(min(n+1, 8) * 160); duration != want {
			t.Errorf("event packet %d has duration %d, want %d", i, duration, want)
		}
		if p.Timestamp != first.Timestamp || p.Marker != (n == 0) || end != (n >= 7) {
			t.Errorf("event packet %d: timestamp %d (first %d), marker %v, end %v", i, p.Timestamp, first.Timestamp, p.Marker, end)
		}
	}
	if first := events[0].Timestamp; (first-last.Timestamp)%160 != 0 || first-last.Timestamp > 2*160 {
		t.Errorf("the first digit has timestamp %d, the sound before it %d", first, last.Timestamp)
	}
	if apart := events[10].Timestamp - events[0].Timestamp; apart < 13*160 || apart > 14*160 {
		t.Errorf("the digits are %d units apart, want 260 ms", apart)
	}
}

func TestSoundIsMutedWhileDigitsAreSent(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.says = mediatest.Tone(440, -10, 0)
	k.run(5)
	k.phone.take()
	k.e.SendDigits("12", nil)
	k.run(26)
	decoder := pcm(t, "PCMU").NewDecoder()
	samples := make([]int16, 160)
	for _, p := range k.phone.take() {
		if p.PayloadType != 0 {
			continue
		}
		decoder.Decode(samples, p.Payload)
		for _, v := range samples {
			if v > 8 || v < -8 {
				t.Fatalf("sound beside the digits: sample %d", v)
			}
		}
	}
	k.run(30)
	var s mediatest.Capture
	f := media.Frame{Rate: media.Rate8k}
	for _, p := range k.phone.take()[5:] {
		decoder.Decode(f.PCM(), p.Payload)
		s.Write(&f)
	}
	near(t, s.Sound(), 440, -10)
}

// TestDigitsAsSound: a far end without telephone-event hears the tones.
func TestDigitsAsSound(t *testing.T) {
	ours, theirs := rtp.Pipe()
	a := newCall(t, endpoint(t, rtp.Config{Conn: ours, Remote: theirs.LocalAddr()}), media.Rate16k)
	b := newCall(t, endpoint(t, rtp.Config{Conn: theirs, Remote: ours.LocalAddr()}), media.Rate8k)
	done := 0
	var ear dtmf.Detector
	heard := ""
	for i := range 100 {
		if i == 10 {
			a.e.SendDigits("7*", func(error) { done++ })
		}
		a.tick()
		b.tick()
		ours.Advance(period)
	}
	sound := b.heard.Samples()
	f := media.Frame{Rate: media.Rate8k}
	for len(sound) >= 160 {
		copy(f.PCM(), sound)
		ear.Write(&f)
		sound = sound[160:]
		f.Tick++
		for d, ok := ear.Next(); ok; d, ok = ear.Next() {
			heard += string(d.Symbol)
		}
	}
	if heard != "7*" || done != 1 {
		t.Errorf("heard %q, done %d times", heard, done)
	}
}

func TestDigitsThatAreNone(t *testing.T) {
	for _, event := range []bool{true, false} {
		k := newTalk(t, rtp.Config{})
		if !event {
			k.update(func(c *rtp.Config) { c.EventOut = 0 })
		}
		var got []error
		k.e.SendDigits("12x", func(err error) { got = append(got, err) })
		k.run(5)
		if len(got) != 1 || got[0] == nil {
			t.Errorf("errors %v, want one", got)
		}
	}
}

func TestDigitsEndWithTheEndpoint(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	var got []error
	k.e.SendDigits("1,,,,,,2", func(err error) { got = append(got, err) })
	k.run(20)
	k.e.Close()
	k.e.SendDigits("3", func(err error) { got = append(got, err) })
	if len(got) != 2 || got[0] != rtp.ErrClosed || got[1] != rtp.ErrClosed {
		t.Errorf("errors %v, want two of ErrClosed", got)
	}
}

// TestStopDigits: the digit that has begun is sent to its end, those behind it
// are not, and the sound comes back; later digits are sent as ever.
func TestStopDigits(t *testing.T) {
	for name, event := range map[string]bool{"events": true, "sound": false} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, rtp.Config{})
			if !event {
				k.update(func(c *rtp.Config) { c.EventOut = 0 })
			}
			var got []error
			k.e.SendDigits("12", func(err error) { got = append(got, err) })
			k.e.SendDigits("3", func(err error) { got = append(got, err) })
			k.run(4)
			k.e.StopDigits()
			k.e.StopDigits() // nothing is left to stop
			if len(got) != 2 || got[0] != rtp.ErrDigitsStopped || got[1] != rtp.ErrDigitsStopped {
				t.Fatalf("errors %v, want two of ErrDigitsStopped", got)
			}
			k.e.SendDigits("4", func(err error) { got = append(got, err) })
			k.run(2*(8+5) + 10)
			if len(got) != 3 || got[2] != nil {
				t.Errorf("the digit after the stop ended with %v", got[2:])
			}
			if !event {
				return
			}
			var read dtmf.Receiver
			var digits []byte
			for i, p := range k.phone.take() {
				if p.PayloadType != 101 {
					continue
				}
				if d, ok := read.Push(p.SSRC, p.Timestamp, p.Marker, p.Payload, uint64(i)); ok {
					digits = append(digits, d.Symbol)
				}
			}
			if string(digits) != "14" {
				t.Errorf("the far end got %q, want the digit that had begun and the later one", digits)
			}
		})
	}
}

// TestTimestampsGoOnThroughSkippedTicks: a gap in the room's ticks is a gap in
// the timestamps, with a marker behind it.
func TestTimestampsGoOnThroughSkippedTicks(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(5)
	k.f.Tick += 7
	k.run(3)
	k.f.Tick = 1 << 40 // another room
	k.run(3)
	packets := k.phone.take()
	if len(packets) != 11 {
		t.Fatalf("%d packets, want 11", len(packets))
	}
	for i := 1; i < len(packets); i++ {
		step, marker := uint32(160), false
		if i == 5 {
			step, marker = 8*160, true
		}
		if got := packets[i].Timestamp - packets[i-1].Timestamp; got != step || packets[i].Marker != marker {
			t.Errorf("packet %d: %d units after the last, marker %v; want %d, %v", i, got, packets[i].Marker, step, marker)
		}
		if packets[i].SequenceNumber != packets[i-1].SequenceNumber+1 {
			t.Errorf("packet %d: a gap in the sequence numbers", i)
		}
	}
	if !packets[0].Marker {
		t.Error("the first packet has no marker")
	}
}

// TestHeldDigit: the room asks in every tick which key is down.
func TestHeldDigit(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	keys := press(10, 7)
	for tick := range 30 {
		for _, x := range keys {
			if x.tick == tick {
				k.phone.event(x.stamp, x.marker, x.event, x.duration, x.end)
			}
		}
		k.run(1)
		symbol, held := k.e.HeldDigit()
		if want := tick >= 10 && tick < 15; held != want || held && symbol != '7' {
			t.Errorf("tick %d: %q held: %v, want %v", tick, symbol, held, want)
		}
	}
}
