package room_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
	"github.com/tipring/tipring/media/room"
)

// A phone speaks, hears and presses a key every so many ticks (0: never),
// without a frame of its own to copy into.
type phone struct {
	voice media.Source
	every uint64
	ticks uint64
	now   uint64
	rate  media.Rate
}

func (p *phone) Read(f *media.Frame) (int, error) { p.now = f.Tick; return p.voice.Read(f) }
func (p *phone) Write(*media.Frame) error         { p.ticks++; return nil }
func (p *phone) Rate() media.Rate                 { return p.rate }
func (p *phone) NextDigit() (dtmf.Digit, bool) {
	if p.every == 0 || p.ticks%p.every != 0 {
		return dtmf.Digit{}, false
	}
	p.ticks++
	return dtmf.Digit{Symbol: '5', Way: dtmf.Event, Tick: p.now}, true
}

// chatter is a voice that is not silent and costs nothing.
func chatter() media.Source {
	return media.SourceFunc(func(f *media.Frame) (int, error) {
		pcm := f.PCM()
		for i := range pcm {
			pcm[i] = int16(i * 37)
		}
		return len(pcm), nil
	})
}

// busy makes a room of so many ports with everything on.
func busy(ports int) *room.Room {
	r := room.New()
	r.Play = media.Loop(chatter)
	r.Taps = []media.Sink{media.NewRing(100)}
	r.PlayTaps = []media.Sink{media.NewRing(100)}
	for i := range ports {
		p := &room.Port{
			Peer:    &phone{voice: chatter(), every: 20, rate: media.Rate16k},
			Play:    r.Announce(uint64(i), media.Until(chatter(), new(media.Gate))),
			Filters: []media.Filter{media.Gain(0.5)},
			Taps:    []media.Sink{media.NewRing(100), resample.NewSink(media.Rate24k, media.NewRing(100))},
			Barge:   new(media.Gate),
			Muted:   i%3 == 1,
			Held:    i%3 == 2,
		}
		r.Plug(p)
	}
	return r
}

// TestATickDoesNotAllocate has three ports (one heard, one muted, one held)
// with plays, filters, taps, digits of both kinds, and a reader of notices.
func TestATickDoesNotAllocate(t *testing.T) {
	r := busy(3)
	tick := func() {
		r.Tick()
		for _, ok := r.Notices().Next(); ok; _, ok = r.Notices().Next() {
		}
	}
	tick() // resamplers are made when they first hear a rate
	if n := testing.AllocsPerRun(500, tick); n != 0 {
		t.Errorf("%v allocations a tick, want 0", n)
	}
}

// TestDigitsDoNotAllocate has digits in the sound, ten a second, and others
// beside it.
func TestDigitsDoNotAllocate(t *testing.T) {
	r := room.New()
	tones := dtmf.Tones(strings.Repeat("123A", 100), 60*time.Millisecond, 40*time.Millisecond, -10)
	r.Plug(&room.Port{Peer: &phone{voice: tones, every: 7}})
	heard := map[dtmf.Way]int{dtmf.InBand: 0, dtmf.Event: 0}
	if n := testing.AllocsPerRun(500, func() {
		r.Tick()
		for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
			heard[n.Digit.Way]++
		}
	}); n != 0 {
		t.Errorf("%v allocations a tick, want 0", n)
	}
	if heard[dtmf.InBand] < 95 || heard[dtmf.Event] < 60 {
		t.Errorf("heard %v, want about 100 in-band and 63 beside", heard)
	}
}

// BenchmarkTick is a tick of a conference at 8 kHz: mixing alone, then with
// in-band detection on every port.
func BenchmarkTick(b *testing.B) {
	for _, deaf := range []bool{true, false} {
		for _, ports := range []int{1, 2, 100, 500} {
			name := fmt.Sprintf("ports=%d/detect=%v", ports, !deaf)
			b.Run(name, func(b *testing.B) {
				r := room.New()
				for range ports {
					r.Plug(&room.Port{Peer: &phone{voice: chatter()}, Deaf: deaf})
				}
				b.ReportAllocs()
				for b.Loop() {
					r.Tick()
				}
			})
		}
	}
}

// BenchmarkDo is a function brought in from another goroutine.
func BenchmarkDo(b *testing.B) {
	r := room.New()
	f := func(*room.Room) {}
	for b.Loop() {
		r.Do(f)
		r.Tick()
	}
}
