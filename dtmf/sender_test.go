package dtmf_test

import (
	"encoding/binary"
	"testing"

	"github.com/tipring/tipring/dtmf"
)

// send runs a sender to its end and gives what each tick sent.
func send(t *testing.T, s *dtmf.Sender) (out []dtmf.Sending) {
	t.Helper()
	for s.Busy() {
		out = append(out, s.Tick())
		if len(out) > 20000 {
			t.Fatal("no end")
		}
	}
	return out
}

func TestSenderMakesAnEvent(t *testing.T) {
	s := dtmf.Sender{}
	if err := s.Queue("#"); err != nil {
		t.Fatal(err)
	}
	type row struct {
		marker, end, tone bool
		duration          uint16
		back              uint32
	}
	want := []row{
		{true, false, true, 160, 0},
		{false, false, true, 320, 160},
		{false, false, true, 480, 320},
		{false, false, true, 640, 480},
		{false, true, true, 800, 640},
		{false, true, false, 800, 800},
		{false, true, false, 800, 960},
	}
	got := send(t, &s)
	if len(got) != 5+5+1 || !got[10].Done {
		t.Fatalf("%d ticks, the last %+v; want 5 of tone, 5 of pause, and the end", len(got), got[len(got)-1])
	}
	for i, w := range want {
		p := got[i].Packet
		g := row{p.Marker, p.End, got[i].Tone, binary.BigEndian.Uint16(p.Payload[2:]), p.Back}
		if !got[i].Send || g != w || p.Payload[0] != 11 || p.Payload[1]&0x7F != 10 || p.Payload[1]&0x80 != 0 != w.end {
			t.Errorf("tick %d: %+v, payload %x; want %+v", i, g, p.Payload, w)
		}
	}
	for i, g := range got[len(want):10] {
		if g.Send || g.Tone || g.Done {
			t.Errorf("pause %d: %+v", i, g)
		}
	}
}

func TestSenderCommaWaitsASecond(t *testing.T) {
	s := dtmf.Sender{On: 2, Off: 3}
	s.Queue("1,,2")
	var began []int
	for i, g := range send(t, &s) {
		if g.Packet.Marker {
			began = append(began, i)
		}
	}
	if len(began) != 2 || began[1]-began[0] != 2+3+100 {
		t.Errorf("digits begin at ticks %v, want 105 apart", began)
	}
}

func TestSenderSaysWhenEachStringIsDone(t *testing.T) {
	var s dtmf.Sender
	s.Queue("12")
	s.Queue("")
	s.Queue("3")
	done := 0
	for _, g := range send(t, &s) {
		if g.Done {
			done++
		}
	}
	if done != 3 {
		t.Errorf("done %d times, want 3", done)
	}
}

func TestSenderRefusesWhatIsNoDigit(t *testing.T) {
	var s dtmf.Sender
	for _, bad := range []string{"12x", "E", "1 2", "\x00", "é"} {
		if err := s.Queue(bad); err == nil || s.Busy() {
			t.Errorf("%q: %v, busy %v", bad, err, s.Busy())
		}
	}
}

// TestSenderToReceiver: what is sent is received, whatever the clock and length.
func TestSenderToReceiver(t *testing.T) {
	for _, s := range []dtmf.Sender{{}, {Clock: 48000}, {On: 1, Off: 1}, {Clock: 48000, On: 200}, {On: 450, Volume: 99}} {
		r := dtmf.Receiver{Clock: s.Clock}
		units := uint32(max(s.Clock, 8000) / 50)
		if err := s.Queue("0123456789*#abcdABCD1,1"); err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, g := range send(t, &s) {
			r.Tick(uint64(i))
			if !g.Send {
				continue
			}
			ts := 5000 + uint32(i)*units - g.Packet.Back
			if d, ok := r.Push(9, ts, g.Packet.Marker, g.Packet.Payload[:], uint64(i)); ok {
				got += string(d.Symbol)
			}
		}
		if want := "0123456789*#ABCDABCD11"; got != want {
			t.Errorf("%+v: got %q, want %q", s, got, want)
		}
	}
}

func TestSenderClear(t *testing.T) {
	var s dtmf.Sender
	s.Queue("123")
	s.Tick()
	s.Clear()
	ends := 0
	for _, g := range send(t, &s) {
		if g.Packet.Marker {
			t.Error("another digit began")
		}
		if g.Packet.End {
			ends++
		}
	}
	if ends != 3 {
		t.Errorf("%d end packets, want 3", ends)
	}
}

func TestSenderAllocatesNothing(t *testing.T) {
	var s dtmf.Sender
	s.Queue("123456789,123456789")
	if n := testing.AllocsPerRun(150, func() { s.Tick() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
