package room_test

import (
	"testing"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/room"
)

// A keypad is a phone whose events come by a schedule, beside its sound.
type keypad struct {
	phone
	events map[uint64]dtmf.Digit // by the tick in which they come
	held   byte
}

func (k *keypad) NextDigit() (dtmf.Digit, bool) {
	d, ok := k.events[k.now]
	delete(k.events, k.now)
	return d, ok
}

func (k *keypad) HeldDigit() (byte, bool) { return k.held, k.held != 0 }

// pressed ticks a room for a while and gives the digits that came out.
func pressed(r *room.Room, ticks int) string {
	var digits []byte
	for range ticks {
		r.Tick()
	}
	for _, n := range notices(r) {
		digits = append(digits, n.Digit.Symbol)
	}
	return string(digits)
}

func tones(digits string) media.Source {
	return dtmf.Tones(digits, 100*time.Millisecond, 100*time.Millisecond, -10)
}

func TestDigitsInTheSound(t *testing.T) {
	for _, test := range []struct {
		name string
		rate media.Rate
		set  func(*room.Port)
		want string
	}{
		{"at 8 kHz", media.Rate8k, func(*room.Port) {}, "147*"},
		{"at 16 kHz", media.Rate16k, func(*room.Port) {}, "147*"},
		{"at 48 kHz", media.Rate48k, func(*room.Port) {}, "147*"},
		{"of the muted", media.Rate8k, func(p *room.Port) { p.Muted = true }, "147*"},
		{"of the held", media.Rate8k, func(p *room.Port) { p.Held = true }, "147*"},
		{"not where nobody listens", media.Rate8k, func(p *room.Port) { p.Deaf = true }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := room.New()
			p := &room.Port{Peer: &phone{voice: media.Concat(tones("147*"), media.Loop(quiet)), rate: test.rate}}
			test.set(p)
			r.Plug(p)
			if got := pressed(r, 60); got != test.want {
				t.Errorf("heard %q, want %q", got, test.want)
			}
		})
	}
}

func quiet() media.Source { return level(0) }

// TestAnEventAndItsOwnSoundAreOneDigit: 200 ms a digit, so digit i sounds from
// tick 10·i; its event comes a little before or after.
func TestAnEventAndItsOwnSoundAreOneDigit(t *testing.T) {
	for _, shift := range []int{0, 1, 3} {
		k := &keypad{phone: phone{voice: media.Concat(tones("5512"), media.Loop(quiet))}, events: map[uint64]dtmf.Digit{}}
		for i, symbol := range []byte("5512") {
			at := uint64(10*i + shift)
			k.events[at] = dtmf.Digit{Symbol: symbol, Way: dtmf.Event, Tick: at}
		}
		r := room.New()
		r.Plug(&room.Port{Peer: k})
		if got := pressed(r, 100); got != "5512" {
			t.Errorf("events %d ticks after the sound began: heard %q, want 5512", shift, got)
		}
	}
}

// TestALongPressIsOneDigit: the gateway lets the tone through again at the end
// of a press of two seconds.
func TestALongPressIsOneDigit(t *testing.T) {
	r := room.New()
	k := &keypad{
		phone:  phone{voice: media.Concat(dtmf.Tones(",,5", 100*time.Millisecond, 0, -10), media.Loop(quiet))},
		events: map[uint64]dtmf.Digit{1: {Symbol: '5', Way: dtmf.Event, Tick: 1}},
		held:   '5',
	}
	r.Plug(&room.Port{Peer: k})
	if got := pressed(r, 150); got != "5" {
		t.Errorf("heard %q, want one 5", got)
	}
}

func TestASoundedDigitBargesIn(t *testing.T) {
	r := room.New()
	ear := new(peer)
	port := &room.Port{
		Peer: struct {
			media.Source
			media.Sink
		}{media.Concat(tones("7"), media.Loop(quiet)), ear},
		Barge: new(media.Gate),
	}
	port.Play = media.Until(level(100), port.Barge)
	r.Plug(port)
	for range 10 {
		r.Tick()
		heard := len(notices(r)) > 0
		if plays := ear.hears(t) != 0; plays == heard {
			t.Fatalf("tick %d: the digit is heard: %v, the play goes on: %v", r.Now()-1, heard, plays)
		}
		if heard {
			return
		}
	}
	t.Error("the digit was not heard")
}
