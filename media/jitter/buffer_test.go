package jitter_test

import (
	"testing"

	"github.com/tipring/tipring/media/jitter"
)

// A line is a buffer of G.711 and the moment it is at. Packet i holds 160 bytes
// of value i.
type line struct {
	t   *testing.T
	b   *jitter.Buffer
	now int64
}

func newLine(t *testing.T) *line {
	return &line{t: t, b: jitter.New(jitter.Config{Clock: 8000})}
}

func packet(i int) []byte {
	p := make([]byte, 160)
	for j := range p {
		p[j] = byte(i)
	}
	return p
}

func (l *line) push(i int) jitter.Verdict { return l.pushAs(uint16(i), uint32(i*160), i) }

func (l *line) pushAs(seq uint16, stamp uint32, i int) jitter.Verdict {
	return l.b.Push(seq, stamp, packet(i), l.now)
}

// pop plays one period, which must be a single piece, and tells what it was:
// the packet's number, or minus its state.
func (l *line) pop() int {
	l.t.Helper()
	pieces := l.b.Pop(false)
	l.now += 20 * ms
	if len(pieces) != 1 || pieces[0].Units != 160 {
		l.t.Fatalf("want one piece of 160 units, got %+v", pieces)
	}
	if pieces[0].State != jitter.Heard {
		return -int(pieces[0].State)
	}
	return int(pieces[0].Payload[0])
}

func (l *line) wantPops(want ...int) {
	l.t.Helper()
	for i, w := range want {
		if got := l.pop(); got != w {
			l.t.Fatalf("pop %d gave %d, want %d", i, got, w)
		}
	}
}

const (
	lost    = -int(jitter.Lost)
	starved = -int(jitter.Starved)
	silence = -int(jitter.Silence)
	idle    = -int(jitter.Idle)
)

func TestAStreamBeginsAndEnds(t *testing.T) {
	l := newLine(t)
	l.wantPops(idle, idle)
	l.push(1)
	l.wantPops(silence) // a period of patience
	for i := 2; i < 10; i++ {
		l.push(i)
		l.wantPops(i - 1)
	}
	l.wantPops(9, starved)
	for range 24 {
		l.pop()
	}
	l.wantPops(idle, idle)
	l.push(500)
	l.wantPops(silence, 500-256)
}

func TestOrderIsRestored(t *testing.T) {
	l := newLine(t)
	for _, i := range []int{1, 3, 2, 5, 4} {
		if v := l.push(i); v != jitter.Kept {
			t.Errorf("packet %d: verdict %d", i, v)
		}
	}
	l.wantPops(silence, 1, 2, 3, 4, 5)
}

func TestDuplicatesAndLateOnes(t *testing.T) {
	l := newLine(t)
	l.push(1)
	if v := l.push(1); v != jitter.Duplicate {
		t.Errorf("the same again: verdict %d", v)
	}
	l.push(2)
	l.push(4)
	l.push(5)
	l.wantPops(silence, 1, 2, lost)
	if v := l.push(2); v != jitter.Duplicate {
		t.Errorf("one that was played: verdict %d", v)
	}
	if v := l.push(3); v != jitter.Late {
		t.Errorf("one whose time has passed: verdict %d", v)
	}
	if v := l.push(3); v != jitter.Duplicate {
		t.Errorf("the late one again: verdict %d", v)
	}
	if s := l.b.Stats(); s.Late != 1 || s.Duplicates != 3 || s.Lost != 160 {
		t.Errorf("stats %+v", s)
	}
	// Too late once, so the buffer grows by a period.
	l.wantPops(starved, 4, 5)
	if s := l.b.Stats(); s.Inserted != 1 {
		t.Errorf("inserted %d periods, want 1", s.Inserted)
	}
}

func TestCountersWrap(t *testing.T) {
	l := newLine(t)
	for i := range 20 {
		seq, stamp := uint16(65530+i), uint32(0xFFFFFFFF-5*160)+uint32(i*160)
		if v := l.pushAs(seq, stamp, i); v != jitter.Kept {
			t.Fatalf("packet %d: verdict %d", i, v)
		}
		if i > 0 {
			l.wantPops(i - 1)
		} else {
			l.wantPops(silence)
		}
	}
}

func TestOneAloneIsNotBelieved(t *testing.T) {
	for _, tt := range []struct {
		name       string
		seq, stamp int
	}{
		{"sequence number ahead", 20000, 0},
		{"sequence number behind", -20000, 0},
		{"timestamp ahead", 0, 500 * 160},
		{"timestamp behind", 0, -500 * 160},
		{"both", 12345, 1 << 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLine(t)
			at := func(i int) (uint16, uint32) { return uint16(i + tt.seq), uint32(i*160 + tt.stamp) }
			for i := range 10 {
				l.push(i)
				l.pop()
			}
			seq, stamp := at(10)
			if v := l.pushAs(seq, stamp, 10); v != jitter.Astray {
				t.Fatalf("verdict %d", v)
			}
			l.push(10)
			l.wantPops(9, 10)
			// Two in a row are a restart.
			for i := 11; i < 20; i++ {
				seq, stamp = at(i)
				l.pushAs(seq, stamp, i)
				got := l.pop()
				if i > 13 && got != i-1 {
					t.Errorf("after the restart: %d, want %d", got, i-1)
				}
			}
			if s := l.b.Stats(); s.Restarts != 1 || s.Astray != 2 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestAnotherStream(t *testing.T) {
	l := newLine(t)
	for i := range 10 {
		l.push(i)
		l.pop()
	}
	l.b.Reset()
	l.wantPops(idle)
	l.pushAs(9999, 77, 1)
	l.pushAs(10000, 77+160, 2)
	l.wantPops(silence, 1, 2)
}

func TestSilenceIsNotLoss(t *testing.T) {
	l := newLine(t)
	for i := range 10 {
		l.push(i)
		l.pop()
	}
	// The sender is silent for 10 periods, and then goes on: no number is missing.
	l.wantPops(9)
	for range 9 {
		l.pop()
	}
	l.pushAs(10, 20*160, 10)
	if got := l.pop(); got != 10 && got != silence {
		t.Errorf("after a silence: %d", got)
	}
	if s := l.b.Stats(); s.Lost != 0 {
		t.Errorf("lost %d", s.Lost)
	}
}

func TestEventsInTheStreamAreNotLoss(t *testing.T) {
	l := newLine(t)
	for i := range 10 {
		l.push(i)
		l.pop()
	}
	for i := 10; i < 18; i++ { // 160 ms of key press instead of sound
		l.b.Beside(uint16(i))
		want := silence
		if i == 10 {
			want = 9
		}
		l.wantPops(want)
	}
	l.push(18)
	l.push(19)
	if got := l.pop(); got != 18 && got != silence {
		t.Errorf("after the event: %d", got)
	}
	if s := l.b.Stats(); s.Lost != 0 || s.Starved != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestTooManyAreDropped(t *testing.T) {
	l := newLine(t)
	for i := range 60 {
		l.push(i)
	}
	first := l.pop()
	if first < 60-16 {
		t.Errorf("plays packet %d of 60 waiting, want one of the last 16", first)
	}
	for i := first + 1; i < 60; i++ {
		l.wantPops(i)
	}
	if s := l.b.Stats(); s.Overflow == 0 && s.Left == 0 {
		t.Errorf("nothing was counted: %+v", s)
	}
}

func TestDepthShrinksInQuietMomentsFirst(t *testing.T) {
	for _, tt := range []struct {
		quiet bool
		min   int
		max   int
	}{{true, 5, 400}, {false, 90, 1000}} {
		b := jitter.New(jitter.Config{Clock: 8000, Start: 8})
		now, cutAt := int64(0), 0
		for i := range 2000 {
			b.Push(uint16(i), uint32(i*160), packet(i), now)
			now += 20 * ms
			for _, p := range b.Pop(tt.quiet) {
				if p.Cut && cutAt == 0 {
					cutAt = i
				}
			}
		}
		if cutAt < tt.min || cutAt > tt.max {
			t.Errorf("quiet=%v: the first period is left out at %d, want %d … %d", tt.quiet, cutAt, tt.min, tt.max)
		}
		if s := b.Stats(); s.Left < 6 || s.Depth > 2*160 {
			t.Errorf("quiet=%v: %d left out of 7 too many, depth %d", tt.quiet, s.Left, s.Depth)
		}
	}
}

// TestWholePackets: a packet that cannot be cut is given whole, with the part
// that is meant.
func TestWholePackets(t *testing.T) {
	b := jitter.New(jitter.Config{Clock: 48000, Whole: true, Units: func([]byte) int { return 2880 }}) // 60 ms
	b.Push(1, 0, []byte("abc"), 0)
	b.Pop(false)
	for i := range 3 {
		p := b.Pop(false)
		if len(p) != 1 || string(p[0].Payload) != "abc" || p[0].From != i*960 || p[0].Units != 960 {
			t.Errorf("period %d: %+v", i, p)
		}
	}
}

func TestUnfitPackets(t *testing.T) {
	l := newLine(t)
	for _, p := range [][]byte{nil, {}, make([]byte, 5000)} {
		if v := l.b.Push(1, 0, p, 0); v != jitter.Unfit {
			t.Errorf("%d bytes: verdict %d", len(p), v)
		}
	}
	l.wantPops(idle)
}

func TestTinyPacketsFillAPeriodInEightPieces(t *testing.T) {
	b := jitter.New(jitter.Config{Clock: 8000})
	for i := range 60 {
		b.Push(uint16(i), uint32(i), []byte{1}, 0)
	}
	for range 10 {
		units := 0
		p := b.Pop(false)
		for _, piece := range p {
			units += piece.Units
		}
		if len(p) > 8 || units != 160 {
			t.Fatalf("%d pieces of %d units", len(p), units)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	b := jitter.New(jitter.Config{Clock: 8000})
	p, i, now := packet(1), 0, int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		if i%10 != 3 {
			b.Push(uint16(i), uint32(i*160), p, now)
		}
		b.Beside(uint16(i + 5000))
		b.Pop(i%7 == 0)
		i++
		now += 20 * ms
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzBuffer pushes and pops as the bytes say: a period is always a period, and
// nothing panics.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 160, 9, 9, 1, 2, 160, 9, 0, 0, 0, 0, 7, 7})
	f.Add([]byte("push and pop and jump and wrap and wait and go on"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := jitter.New(jitter.Config{Clock: 8000, Bytes: 1500})
		payload := make([]byte, 1500)
		var now int64
		var seq uint16
		var stamp uint32
		for len(data) >= 5 {
			op, a, c, d, e := data[0], data[1], data[2], data[3], data[4]
			data = data[5:]
			switch op % 5 {
			case 0:
				seq++
				stamp += 160
			case 1:
				seq += uint16(a)<<8 | uint16(c)
			case 2:
				stamp += uint32(a)<<24 | uint32(c)<<16 | uint32(d)<<8 | uint32(e)
			case 3:
				b.Beside(seq + uint16(a))
				continue
			case 4:
				now += int64(int8(a)) << 28
			}
			b.Push(seq, stamp, payload[:min(int(c)*6, 1500)], now)
			for range op % 3 {
				units := 0
				for _, p := range b.Pop(e%2 == 0) {
					units += p.Units
					if p.Units <= 0 || p.State == jitter.Heard && len(p.Payload) != p.Units {
						t.Fatalf("piece %+v", p)
					}
				}
				if units != 160 {
					t.Fatalf("a period of %d units", units)
				}
				now += 20 * ms
			}
		}
	})
}

func BenchmarkPushPop(b *testing.B) {
	buffer := jitter.New(jitter.Config{Clock: 8000})
	p, i := packet(1), 0
	for b.Loop() {
		buffer.Push(uint16(i), uint32(i*160), p, int64(i)*20*ms)
		buffer.Pop(false)
		i++
	}
}
