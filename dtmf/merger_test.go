package dtmf_test

import (
	"testing"

	"github.com/tipring/tipring/dtmf"
)

func TestMerger(t *testing.T) {
	const in, ev, info = dtmf.InBand, dtmf.Event, dtmf.Info
	type d = dtmf.Digit
	for _, tt := range []struct {
		name string
		in   []dtmf.Digit
		want string
	}{
		{"sound only", []d{{'5', in, 100}, {'6', in, 110}}, "56"},
		{"events only", []d{{'5', ev, 100}, {'6', ev, 110}}, "56"},
		{"INFO only", []d{{'5', info, 100}, {'5', info, 120}}, "55"},
		{"an event, then its sound", []d{{'5', ev, 100}, {'5', in, 103}}, "5"},
		{"the sound first: the event's first packets were lost", []d{{'5', in, 100}, {'5', ev, 102}}, "5"},
		{"the sound a little early: the gateway leaked", []d{{'5', in, 95}, {'5', ev, 100}}, "5"},
		{"an event, and its sound far behind in a jitter buffer", []d{{'5', ev, 100}, {'5', in, 120}}, "5"},
		{"sound leaks before and after the event", []d{{'5', in, 98}, {'5', ev, 100}, {'5', in, 112}}, "5"},
		{"the event, and its sound in two pieces", []d{{'5', ev, 100}, {'5', in, 101}, {'5', in, 115}}, "5"},
		{"all three", []d{{'5', ev, 100}, {'5', in, 103}, {'5', info, 110}}, "5"},
		{"all three, INFO first", []d{{'5', info, 100}, {'5', in, 103}, {'5', ev, 103}}, "5"},
		{"INFO behind its sound", []d{{'5', in, 100}, {'5', info, 130}}, "5"},
		{"the same key twice, sound only", []d{{'5', in, 100}, {'5', in, 105}}, "55"},
		{"the same key twice, events only", []d{{'5', ev, 100}, {'5', ev, 105}}, "55"},
		{"the same key twice, events and sound in turn", []d{{'5', ev, 100}, {'5', in, 103}, {'5', ev, 108}, {'5', in, 111}}, "55"},
		{"the same key twice, both events first", []d{{'5', ev, 100}, {'5', ev, 105}, {'5', in, 103}, {'5', in, 108}}, "55"},
		{"the same key twice, both sounds first", []d{{'5', in, 100}, {'5', in, 105}, {'5', ev, 101}, {'5', ev, 106}}, "55"},
		{"the same key three times, the sound of one missing", []d{{'5', ev, 100}, {'5', ev, 108}, {'5', in, 111}, {'5', ev, 116}, {'5', in, 119}}, "555"},
		{"the same key twice, the second's sound before its event", []d{{'5', ev, 100}, {'5', in, 103}, {'5', in, 108}, {'5', ev, 109}}, "55"},
		{"the same key twice, the first's event missing", []d{{'5', in, 100}, {'5', ev, 108}, {'5', in, 111}}, "55"},
		{"the next key's event before this one's sound", []d{{'5', ev, 100}, {'6', ev, 106}, {'5', in, 104}, {'6', in, 110}}, "56"},
		{"a number dialled fast, sound a digit behind", []d{
			{'1', ev, 100}, {'2', ev, 105}, {'1', in, 104}, {'2', ev, 110}, {'2', in, 109}, {'1', ev, 115}, {'2', in, 114}, {'1', in, 119},
		}, "1221"},
		{"the same key a second later, by event only and by sound only", []d{{'5', ev, 100}, {'5', in, 160}}, "55"},
		{"the same key two seconds later, by INFO", []d{{'5', in, 100}, {'5', info, 200}}, "55"},
		{"from the start of time", []d{{'5', in, 0}, {'5', ev, 0}, {'5', ev, 5}}, "55"},
		{"no way at all", []d{{'5', 0, 0}, {'5', 9, 0}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m dtmf.Merger
			got := ""
			for _, digit := range tt.in {
				if m.Add(digit) {
					got += string(digit.Symbol)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestMergerHold: a key held for three seconds, whose sound is found again in
// the middle, is one digit; the next press is another.
func TestMergerHold(t *testing.T) {
	var m dtmf.Merger
	if !m.Add(dtmf.Digit{Symbol: '5', Way: dtmf.Event, Tick: 100}) {
		t.Fatal("the event is new")
	}
	for tick := uint64(101); tick < 250; tick++ {
		m.Hold('5', tick)
	}
	for _, tick := range []uint64{103, 180, 252} {
		if m.Add(dtmf.Digit{Symbol: '5', Way: dtmf.InBand, Tick: tick}) {
			t.Errorf("its sound at tick %d is taken for another press", tick)
		}
	}
	if !m.Add(dtmf.Digit{Symbol: '5', Way: dtmf.Event, Tick: 256}) {
		t.Error("the next press is new")
	}
}

func TestMergerAllocatesNothing(t *testing.T) {
	var m dtmf.Merger
	tick := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		m.Add(dtmf.Digit{Symbol: '5', Way: dtmf.Event, Tick: tick})
		m.Add(dtmf.Digit{Symbol: '5', Way: dtmf.InBand, Tick: tick + 2})
		m.Hold('5', tick)
		tick += 10
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
