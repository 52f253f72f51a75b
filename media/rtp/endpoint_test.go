package rtp_test

import (
	"errors"
	"io"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/rtp"
)

// stamped is a socket whose packets are stamped by a clock of the test's own,
// so that an hour of call takes a moment.
type stamped struct {
	rtp.Conn
	now *int64
}

func (s stamped) Now() int64 { return *s.now }

func (s stamped) Receive(b *rtp.Batch) ([]rtp.Packet, error) {
	packets, err := s.Conn.Receive(b)
	for i := range packets {
		packets[i].Arrival = *s.now
	}
	return packets, err
}

func listen(t testing.TB, addr string) rtp.Conn {
	t.Helper()
	c, err := rtp.Listen(netip.MustParseAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTwoEndpointsHearEachOther(t *testing.T) {
	for _, tt := range []struct {
		name, addr, codec string
		rate              media.Rate
	}{
		{"in memory", "", "PCMU", media.Rate8k},
		{"in memory, A-law, a wideband room", "", "PCMA", media.Rate16k},
		{"in memory, a room at 48 kHz", "", "PCMU", media.Rate48k},
		{"IPv4", "127.0.0.1:0", "PCMU", media.Rate8k},
		{"IPv4, A-law", "127.0.0.1:0", "PCMA", media.Rate8k},
		{"IPv6", "[::1]:0", "PCMU", media.Rate8k},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var now int64 = 1e18
			var ca, cb rtp.Conn
			if tt.addr == "" {
				ca, cb = rtp.Pipe()
			} else {
				ca, cb = listen(t, tt.addr), listen(t, tt.addr)
			}
			ca, cb = stamped{ca, &now}, stamped{cb, &now}
			c := pcm(t, tt.codec)
			a := newCall(t, endpoint(t, rtp.Config{Conn: ca, Codec: c, Remote: cb.LocalAddr()}), tt.rate)
			b := newCall(t, endpoint(t, rtp.Config{Conn: cb, Codec: c, Remote: ca.LocalAddr()}), tt.rate)
			a.says, b.says = mediatest.Tone(440, -10, 0), mediatest.Tone(1000, -20, 0)
			for range 500 {
				a.tick()
				b.tick()
				now += period
			}
			near(t, from(a.heard.Sound(), 200*time.Millisecond), 1000, -20)
			near(t, from(b.heard.Sound(), 200*time.Millisecond), 440, -10)
			for name, s := range map[string]mediatest.Sound{"a": from(a.heard.Sound(), 200*time.Millisecond), "b": from(b.heard.Sound(), 200*time.Millisecond)} {
				freq := map[string]float64{"a": 1000, "b": 440}[name]
				if jumps := s.PhaseJumps(freq); len(jumps) > 0 {
					t.Errorf("%s heard %d jumps: %v", name, len(jumps), jumps)
				}
			}
			if first := b.heard.FirstSound(100); first < 0 || first > int(tt.rate)/10 {
				t.Errorf("the first sound came after %d samples, want 100 ms at most", first)
			}
			s := a.e.Stats()
			if s.PacketsIn < 499 || s.PacketsOut != 500 || s.Concealed != 0 || len(s.Drops) != 0 || s.Lost != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// talk is a phone that speaks to an endpoint over a pipe, in step with it.
type talk struct {
	*call
	phone  *phone
	plug   *rtp.Plug // the endpoint's
	config rtp.Config
	set    *metric.Set
	ms     int
}

func newTalk(t *testing.T, c rtp.Config) *talk {
	t.Helper()
	ours, theirs := rtp.Pipe()
	set := new(metric.Set)
	c.Conn, c.Counters = ours, set
	if !c.Remote.IsValid() {
		c.Remote = theirs.LocalAddr()
	}
	c.Codec, c.EventIn, c.EventOut = pcm(t, "PCMU"), 101, 101
	return &talk{
		call: newCall(t, endpoint(t, c), media.Rate8k), phone: newPhone(t, theirs, ours.LocalAddr()),
		plug: ours, config: c, set: set,
	}
}

// run goes on for so many ticks; the phone speaks unless it is told not to.
func (k *talk) run(ticks int) {
	k.t.Helper()
	for range ticks {
		if k.phone.ptime > 0 {
			for ; k.ms >= k.phone.ptime; k.ms -= k.phone.ptime {
				k.phone.speak()
			}
			k.ms += 20
		}
		k.tick()
		k.plug.Advance(period)
	}
}

func (k *talk) drops(reason string) uint64 { return k.e.Stats().Drops[reason] }

func TestEveryPacketTime(t *testing.T) {
	for _, ptime := range []int{10, 20, 30, 40, 60} {
		k := newTalk(t, rtp.Config{})
		k.phone.ptime = ptime
		k.run(500)
		sound := from(k.heard.Sound(), 300*time.Millisecond)
		near(k.t.(*testing.T), sound, 440, -10)
		if jumps := sound.PhaseJumps(440); len(jumps) > 0 {
			t.Errorf("ptime %d: %d jumps: %v", ptime, len(jumps), jumps)
		}
		if s := k.e.Stats(); s.Concealed > 0 || len(s.Drops) > 0 {
			t.Errorf("ptime %d: %+v", ptime, s)
		}
	}
}

func TestLossIsConcealed(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	n := 0
	k.plug.Lose = func([]byte) bool { n++; return n%10 == 7 }
	k.run(500)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	lost := 0
	for _, l := range k.heard.Lost() {
		if l {
			lost++
		}
	}
	if lost < 48 || lost > 52 {
		t.Errorf("%d frames are marked as lost, want 50", lost)
	}
	s := k.e.Stats()
	if s.Lost < 48 || s.Lost > 51 || s.Concealed != uint64(lost) {
		t.Errorf("lost %d packets, concealed %d periods: want 50", s.Lost, s.Concealed)
	}
}

func TestBadPacketsAreDroppedAndCounted(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	good := k.phone.raw(k.phone.header, make([]byte, 160))
	with := func(change func(p []byte) []byte) []byte { return change(append([]byte(nil), good...)) }
	for _, tt := range []struct {
		reason string
		data   []byte
	}{
		{"too short", []byte{0x80}},
		{"too short", good[:11]},
		{"not RTP version 2", with(func(p []byte) []byte { p[0] = 0x40; return p })},
		{"malformed header", with(func(p []byte) []byte { p[0] |= 0x10; p[14], p[15] = 0xff, 0xff; return p })}, // extension
		{"malformed header", with(func(p []byte) []byte { p[0] |= 0x0f; return p[:20] })},                       // 15 CSRCs
		{"malformed header", with(func(p []byte) []byte { p[0] |= 0x20; p[len(p)-1] = 200; return p })},         // padding
		{"unknown payload type", with(func(p []byte) []byte { p[1] = 96; return p })},
		{"unknown payload type", with(func(p []byte) []byte { p[1] = 8; return p })},
		{"too long", make([]byte, 3000)},
		{"malformed RTCP", []byte{0x80, 200, 0, 1, 0, 0, 0, 0}},
		{"malformed RTCP", []byte{0x80, 200, 0, 200, 0, 0, 0, 0}},
		{"malformed RTCP", []byte{0x80, 201, 0}},
	} {
		before := k.drops(tt.reason)
		k.plug.Inject(k.phone.plug.LocalAddr(), tt.data)
		k.tick()
		if k.drops(tt.reason) != before+1 {
			t.Errorf("%x…: not counted as %q: %v", tt.data[:min(len(tt.data), 16)], tt.reason, k.e.Stats().Drops)
		}
	}
	k.heard.Reset()
	k.run(100)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	for _, r := range k.set.Read() {
		if r.Name == "rtp_dropped_total" && r.Value == "malformed header" && r.Number != 3 {
			t.Errorf("the shared counter says %v malformed headers, want 3", r.Number)
		}
	}
}

func TestComfortNoiseIsSilence(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(50)
	k.phone.ptime = 0
	h := k.phone.header
	h.PayloadType = 13
	k.phone.send(h, []byte{60})
	k.phone.header.SequenceNumber++
	k.phone.header.Timestamp += 50 * 160
	k.heard.Reset()
	k.run(50)
	if l := from(k.heard.Sound(), 100*time.Millisecond).Level(); !math.IsInf(l, -1) {
		t.Errorf("a level of %.1f dBFS, want silence", l)
	}
	k.phone.ptime, k.ms = 20, 0
	k.heard.Reset()
	k.run(100)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	if s := k.e.Stats(); s.Concealed > 0 || s.Lost > 0 || len(s.Drops) > 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestMediaTimeout(t *testing.T) {
	k := newTalk(t, rtp.Config{Timeout: time.Second})
	k.run(200)
	k.phone.ptime = 0
	k.run(45)
	if k.err != nil {
		t.Fatalf("after 900 ms: %v", k.err)
	}
	k.run(10)
	if !errors.Is(k.err, rtp.ErrTimeout) && !errors.Is(k.err, io.EOF) {
		t.Fatalf("after 1100 ms: %v", k.err)
	}
	if n, err := k.e.Read(&k.f); n != 0 || err != io.EOF {
		t.Errorf("after the timeout: %d, %v; want 0, io.EOF", n, err)
	}
}

func TestTimeoutIsReportedOnce(t *testing.T) {
	k := newTalk(t, rtp.Config{Timeout: 100 * time.Millisecond})
	k.phone.ptime = 0
	var errs []error
	for range 20 {
		k.run(1)
		if k.err != nil {
			errs = append(errs, k.err)
		}
	}
	if len(errs) < 2 || errs[0] != rtp.ErrTimeout || errs[1] != io.EOF {
		t.Errorf("errors %v", errs)
	}
}

func TestNoTimeoutOnHold(t *testing.T) {
	for name, hold := range map[string]func(k *talk){
		"held":     func(k *talk) { k.e.Hold(true) },
		"inactive": func(k *talk) { k.update(func(c *rtp.Config) { c.Direction = rtp.Inactive }) },
		"sendonly": func(k *talk) { k.update(func(c *rtp.Config) { c.Direction = rtp.SendOnly }) },
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, rtp.Config{Timeout: time.Second})
			k.run(20)
			hold(k)
			k.phone.ptime = 0
			k.run(500)
			if k.err != nil {
				t.Fatal(k.err)
			}
			k.e.Hold(false)
			k.update(func(c *rtp.Config) { c.Direction = rtp.SendRecv })
			k.run(45)
			if k.err != nil {
				t.Fatalf("900 ms after the hold: %v", k.err)
			}
			k.run(10)
			if k.err == nil {
				t.Error("no timeout after the hold")
			}
		})
	}
}

func TestReportsKeepALegAlive(t *testing.T) {
	k := newTalk(t, rtp.Config{Timeout: time.Second})
	k.phone.ptime = 0
	for range 20 {
		k.plug.Inject(k.phone.plug.LocalAddr(), []byte{0x80, 201, 0, 1, 0, 0, 0xca, 0xfe})
		k.run(25)
	}
	if k.err != nil {
		t.Error(k.err)
	}
}

// update is a re-INVITE.
func (k *talk) update(change func(*rtp.Config)) {
	k.t.Helper()
	change(&k.config)
	if err := k.e.Update(k.config); err != nil {
		k.t.Fatal(err)
	}
}

func TestDirections(t *testing.T) {
	for _, tt := range []struct {
		direction      rtp.Direction
		sends, receive bool
	}{
		{rtp.SendRecv, true, true}, {rtp.SendOnly, true, false}, {rtp.RecvOnly, false, true}, {rtp.Inactive, false, false},
	} {
		k := newTalk(t, rtp.Config{Direction: tt.direction})
		k.run(100)
		if sent := len(k.phone.take()) > 0; sent != tt.sends {
			t.Errorf("direction %d: sends %v, want %v", tt.direction, sent, tt.sends)
		}
		if heard := k.heard.Level() > -60; heard != tt.receive {
			t.Errorf("direction %d: receives %v, want %v", tt.direction, heard, tt.receive)
		}
	}
}

func TestReInviteChangesTheCodec(t *testing.T) {
	k := newTalk(t, rtp.Config{})
	k.run(50)
	k.phone.take()
	k.update(func(c *rtp.Config) { c.Codec = pcm(t, "PCMA"); c.PayloadIn, c.PayloadOut = 0, 0 })
	k.phone.encoder = pcm(t, "PCMA").NewEncoder()
	k.phone.header.PayloadType = 8
	k.phone.spoken = nil
	k.heard.Reset()
	k.run(100)
	near(t, from(k.heard.Sound(), 200*time.Millisecond), 440, -10)
	for _, p := range k.phone.take() {
		if p.PayloadType != 8 {
			t.Fatalf("sends payload type %d after the change to 8", p.PayloadType)
		}
	}
	if err := k.e.Update(rtp.Config{}); err == nil {
		t.Error("Update without a codec: no error")
	}
}

func TestTheConformanceOfAVoice(t *testing.T) {
	mediatest.TestSource(t, func() media.Source {
		a, b := rtp.Pipe()
		e := endpoint(t, rtp.Config{Conn: a, Remote: b.LocalAddr()})
		p := newPhone(t, b, a.LocalAddr())
		for range 100 {
			p.speak()
		}
		return e
	})
	mediatest.TestSink(t, func() media.Sink {
		a, b := rtp.Pipe()
		return endpoint(t, rtp.Config{Conn: a, Remote: b.LocalAddr()})
	})
}

func TestNothingIsAllocatedInTheTick(t *testing.T) {
	for _, rate := range []media.Rate{media.Rate8k, media.Rate16k} {
		ca, cb := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		ra, rb := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
		set := new(metric.Set)
		a := endpoint(t, rtp.Config{Conn: ca, RTCP: ra, Remote: cb.LocalAddr(), RemoteRTCP: rb.LocalAddr(), EventIn: 101, EventOut: 101, Counters: set})
		b := endpoint(t, rtp.Config{Conn: cb, RTCP: rb, Remote: ca.LocalAddr(), RemoteRTCP: ra.LocalAddr(), EventIn: 101, EventOut: 101, Counters: set})
		f := media.Frame{Rate: rate}
		round := func() {
			f.Tick++
			for _, e := range []*rtp.Endpoint{a, b} {
				if _, err := media.Pull(e, &f); err != nil {
					t.Fatal(err)
				}
				for _, ok := e.NextDigit(); ok; _, ok = e.NextDigit() {
				}
				if err := e.Write(&f); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 100 {
			round()
		}
		a.SendDigits("123", nil)
		if n := testing.AllocsPerRun(1000, round); n != 0 { // reports and digits among them
			t.Errorf("%d Hz: %v allocations a round", rate, n)
		}
		if s := a.Stats(); s.PacketsIn < 900 || s.ReportsIn == 0 {
			t.Errorf("stats: %+v", s)
		}
	}
}
