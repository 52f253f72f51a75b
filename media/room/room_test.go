package room_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
)

// A peer says one level all the time and keeps the last frame it heard.
type peer struct {
	level   int16
	rate    media.Rate
	keys    []byte
	readErr error
	wrote   error
	heard   media.Frame
	frames  int
	readAt  media.Rate
}

func (p *peer) Read(f *media.Frame) (int, error) {
	p.readAt = f.Rate
	if p.readErr != nil {
		return 0, p.readErr
	}
	return level(p.level).Read(f)
}

func (p *peer) Write(f *media.Frame) error {
	p.heard = *f
	p.frames++
	return p.wrote
}

func (p *peer) NextDigit() (dtmf.Digit, bool) {
	if len(p.keys) == 0 {
		return dtmf.Digit{}, false
	}
	d := dtmf.Digit{Symbol: p.keys[0], Way: dtmf.Event}
	p.keys = p.keys[1:]
	return d, true
}

func (p *peer) Rate() media.Rate { return p.rate }

// hears is the level of the last frame, which must be the same throughout.
func (p *peer) hears(t *testing.T) int16 {
	t.Helper()
	pcm := p.heard.PCM()
	for _, v := range pcm {
		if v != pcm[0] {
			t.Fatalf("heard %v, want one level", pcm)
		}
	}
	return pcm[0]
}

// level is a source of one level.
func level(v int16) media.SourceFunc {
	return func(f *media.Frame) (int, error) {
		pcm := f.PCM()
		for i := range pcm {
			pcm[i] = v
		}
		return len(pcm), nil
	}
}

// lasting is a source of one level that ends with err after n frames.
func lasting(v int16, n int, err error) media.Source {
	return media.SourceFunc(func(f *media.Frame) (int, error) {
		if n == 0 {
			return 0, err
		}
		n--
		return level(v).Read(f)
	})
}

// ear keeps what a tap was given.
type ear struct {
	levels []int16
	ticks  []uint64
	err    error
}

func (e *ear) Write(f *media.Frame) error {
	e.levels = append(e.levels, f.PCM()[0])
	e.ticks = append(e.ticks, f.Tick)
	return e.err
}

func notices(r *room.Room) []room.Notice {
	var all []room.Notice
	for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
		all = append(all, n)
	}
	return all
}

// plugged makes a room and a deaf port for each peer.
func plugged(peers ...*peer) (*room.Room, []*room.Port) {
	r := room.New()
	var ports []*room.Port
	for _, p := range peers {
		ports = append(ports, &room.Port{Peer: p, Deaf: true})
		r.Plug(ports[len(ports)-1])
	}
	return r, ports
}

func TestWhoHearsWhom(t *testing.T) {
	const a, b, c, all, own = 100, 200, 400, 1000, 5000 // voices; the room's play, and the first one's own
	for _, test := range []struct {
		name string
		set  func(r *room.Room, p []*room.Port)
		want [3]int16
		mix  int16
	}{
		{"all the others", func(*room.Room, []*room.Port) {}, [3]int16{b + c, a + c, a + b}, a + b + c},
		{"not the muted", func(_ *room.Room, p []*room.Port) { p[0].Muted = true }, [3]int16{b + c, c, b}, b + c},
		{"nor the held, who hears nobody", func(_ *room.Room, p []*room.Port) { p[0].Held = true }, [3]int16{0, c, b}, b + c},
		{"the room's play", func(r *room.Room, _ []*room.Port) { r.Play = level(all) },
			[3]int16{all + b + c, all + a + c, all + a + b}, all + a + b + c},
		{"their own play", func(_ *room.Room, p []*room.Port) { p[0].Play = level(own) },
			[3]int16{own + b + c, a + c, a + b}, a + b + c},
		{"both", func(r *room.Room, p []*room.Port) { r.Play, p[0].Play = level(all), level(own) },
			[3]int16{own + all + b + c, all + a + c, all + a + b}, all + a + b + c},
		{"the held only their own", func(r *room.Room, p []*room.Port) {
			r.Play, p[0].Play, p[0].Held = level(all), level(own), true
		}, [3]int16{own, all + c, all + b}, all + b + c},
		{"the muted all", func(r *room.Room, p []*room.Port) { r.Play, p[0].Muted = level(all), true },
			[3]int16{all + b + c, all + c, all + b}, all + b + c},
		{"what a filter left", func(_ *room.Room, p []*room.Port) { p[0].Filters = []media.Filter{media.Gain(0.5)} },
			[3]int16{b + c, a/2 + c, a/2 + b}, a/2 + b + c},
	} {
		t.Run(test.name, func(t *testing.T) {
			peers := []*peer{{level: a}, {level: b}, {level: c}}
			r, ports := plugged(peers...)
			mix := new(ear)
			r.Taps = []media.Sink{mix}
			test.set(r, ports)
			for tick := range 3 {
				r.Tick()
				for i, p := range peers {
					if got := p.hears(t); got != test.want[i] {
						t.Errorf("tick %d: %d hears %d, want %d", tick, i, got, test.want[i])
					}
				}
				if mix.levels[tick] != test.mix {
					t.Errorf("tick %d: the mix is %d, want %d", tick, mix.levels[tick], test.mix)
				}
			}
		})
	}
}

func TestTheMixSaturates(t *testing.T) {
	peers := []*peer{{level: 30000}, {level: 30000}, {level: -30000}}
	r, _ := plugged(peers...)
	r.Play = level(20000)
	r.Tick()
	for i, want := range []int16{20000, 20000, 32767} {
		if got := peers[i].hears(t); got != want {
			t.Errorf("%d hears %d, want %d", i, got, want)
		}
	}
}

func TestTheRoomHasItsHighestRate(t *testing.T) {
	low, high := &peer{level: 1}, &peer{level: 2, rate: media.Rate16k}
	r, ports := plugged(low)
	check := func(want media.Rate) {
		t.Helper()
		r.Tick()
		if r.Rate() != want || low.readAt != want || low.heard.Rate != want {
			t.Errorf("the room runs at %d, reads at %d and speaks at %d; want %d", r.Rate(), low.readAt, low.heard.Rate, want)
		}
	}
	check(media.Rate8k)
	wide := &room.Port{Peer: high}
	r.Plug(wide)
	check(media.Rate16k)
	high.rate = 11025 // not a rate of ours
	check(media.Rate8k)
	high.rate = media.Rate48k
	check(media.Rate48k)
	r.Unplug(wide)
	check(media.Rate8k)
	r.Plug(ports[0])
	if r.Ports() != 1 {
		t.Errorf("%d ports, want 1: a port is plugged once", r.Ports())
	}
}

func TestTapsKeepTheTicks(t *testing.T) {
	r, ports := plugged(&peer{level: 7})
	voice, play := new(ear), new(ear)
	ports[0].Taps, r.PlayTaps = []media.Sink{voice}, []media.Sink{play}
	r.Tick()
	ports[0].Muted = true
	r.Play = lasting(9, 1, io.EOF)
	r.Tick()
	r.Skip(5)
	ports[0].Muted = false
	r.Tick()
	if want := []uint64{0, 1, 7}; !slices.Equal(voice.ticks, want) || !slices.Equal(play.ticks, want) || r.Now() != 8 {
		t.Errorf("ticks %v and %v, now %d; want %v, now 8", voice.ticks, play.ticks, r.Now(), want)
	}
	if want := []int16{7, 0, 7}; !slices.Equal(voice.levels, want) {
		t.Errorf("the voice's tap heard %v, want %v", voice.levels, want)
	}
	if want := []int16{0, 9, 0}; !slices.Equal(play.levels, want) {
		t.Errorf("the play's tap heard %v, want %v", play.levels, want)
	}
}

func TestAFailingTapIsTakenOutAndCounted(t *testing.T) {
	r, ports := plugged(&peer{level: 7})
	r.TapsFailed = new(metric.Counter)
	broken := errors.New("broken")
	good, bad, shared := new(ear), &ear{err: broken}, new(ear)
	taps := []media.Sink{good, bad, bad, shared}
	ports[0].Taps, r.Taps, r.PlayTaps = taps, taps, taps
	r.Tick()
	r.Tick()
	if len(good.levels) != 6 || len(shared.levels) != 6 || len(bad.levels) != 6 {
		t.Errorf("taps heard %d, %d and %d frames; want 6, 6, and 6 of the two that fail", len(good.levels), len(shared.levels), len(bad.levels))
	}
	if r.TapsFailed.Value() != 6 || len(notices(r)) != 0 {
		t.Errorf("%d taps counted, want 6 and no notice", r.TapsFailed.Value())
	}
}

func TestEndsOfPlays(t *testing.T) {
	broken := errors.New("broken")
	gate := new(media.Gate)
	for _, test := range []struct {
		name string
		play func(r *room.Room) media.Source
		want []room.Notice
	}{
		{"announced", func(r *room.Room) media.Source { return r.Announce(4, lasting(1, 2, io.EOF)) },
			[]room.Notice{{Kind: room.PlayEnded, Token: 4}}},
		{"announced, and it fails", func(r *room.Room) media.Source { return r.Announce(4, lasting(1, 2, broken)) },
			[]room.Notice{{Kind: room.PlayEnded, Token: 4, Err: broken}}},
		{"announced and cut short", func(r *room.Room) media.Source { return r.Announce(4, media.Until(level(1), gate)) },
			[]room.Notice{{Kind: room.PlayEnded, Token: 4}}},
		{"announced inside", func(r *room.Room) media.Source {
			return media.Concat(r.Announce(4, lasting(1, 1, io.EOF)), r.Announce(5, lasting(1, 1, broken)))
		}, []room.Notice{{Kind: room.PlayEnded, Token: 4}, {Kind: room.PlayEnded, Token: 5, Err: broken}}},
		{"not announced", func(*room.Room) media.Source { return lasting(1, 2, io.EOF) }, nil},
		{"not announced, and it fails", func(*room.Room) media.Source { return lasting(1, 2, broken) },
			[]room.Notice{{Kind: room.PlayEnded, Err: broken}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, ports := plugged(&peer{})
			r.Play = test.play(r)
			for range 2 {
				r.Tick()
			}
			gate.Open()
			r.Tick()
			if got := notices(r); !slices.Equal(got, test.want) || r.Play != nil {
				t.Errorf("the room's play: notices %v, want %v; play taken out: %v", got, test.want, r.Play == nil)
			}
			*gate = media.Gate{}
			ports[0].Play = test.play(r)
			for range 2 {
				r.Tick()
			}
			gate.Open()
			r.Tick()
			got := notices(r)
			for i := range got {
				got[i].Port = nil
			}
			if !slices.Equal(got, test.want) || ports[0].Play != nil {
				t.Errorf("a port's play: notices %v, want %v; play taken out: %v", got, test.want, ports[0].Play == nil)
			}
			*gate = media.Gate{}
		})
	}
}

func TestBargeInIsSilentInTheSameTick(t *testing.T) {
	caller, other := new(peer), new(peer)
	r, ports := plugged(other, caller)
	ports[1].Barge = new(media.Gate)
	ports[1].Muted = true // its digits count all the same
	r.Play = r.Announce(1, media.Until(level(50), ports[1].Barge))
	ports[1].Play = media.Until(level(100), ports[1].Barge)
	r.Tick()
	if caller.hears(t) != 150 || other.hears(t) != 50 {
		t.Fatalf("before the key: %d and %d, want 150 and 50", caller.hears(t), other.hears(t))
	}
	caller.keys = []byte("5")
	r.Tick()
	if caller.hears(t) != 0 || other.hears(t) != 0 {
		t.Errorf("in the tick of the key: %d and %d, want silence", caller.hears(t), other.hears(t))
	}
	got := notices(r)
	if len(got) != 2 || got[0].Kind != room.Digit || got[0].Digit.Symbol != '5' || got[0].Port != ports[1] || got[1].Kind != room.PlayEnded {
		t.Errorf("notices %v, want the digit, then the end of the play", got)
	}
}

func TestAFailingPortIsUnplugged(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		fail func(*peer)
		want error
	}{
		{"in Read", func(p *peer) { p.readErr = broken }, broken},
		{"at its end", func(p *peer) { p.readErr = io.EOF }, io.EOF},
		{"in Write", func(p *peer) { p.wrote = broken }, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad, good := &peer{level: 1}, &peer{level: 2}
			r, ports := plugged(bad, good)
			r.Tick()
			test.fail(bad)
			bad.keys = []byte("12")
			r.Tick()
			frames := bad.frames
			r.Tick()
			got := notices(r)
			if len(got) != 3 || got[0].Digit.Symbol != '1' || got[1].Digit.Symbol != '2' {
				t.Fatalf("notices %v, want the last digits first", got)
			}
			if n := got[2]; n.Kind != room.PortFailed || n.Port != ports[0] || n.Err != test.want {
				t.Errorf("notice %v, want that port and %v", n, test.want)
			}
			if r.Ports() != 1 || bad.frames != frames || good.hears(t) != 0 {
				t.Errorf("the failed port still takes part")
			}
		})
	}
}

func TestALeavingPortGivesItsDigits(t *testing.T) {
	p := new(peer)
	r, ports := plugged(p)
	r.Tick()
	p.keys = []byte("1#")
	r.Do(func(r *room.Room) { r.Unplug(ports[0]) })
	r.Tick()
	if got := notices(r); len(got) != 2 || got[0].Digit.Symbol != '1' || got[1].Digit.Symbol != '#' {
		t.Errorf("notices %v, want the two digits", got)
	}
}
