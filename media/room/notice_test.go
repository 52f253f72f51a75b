package room_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media/room"
)

func TestNoDigitIsEverDropped(t *testing.T) {
	for _, closes := range []bool{false, true} {
		p := new(peer)
		r, _ := plugged(p)
		const perTick, ticks = 7, 300
		var want []byte
		for tick := range ticks {
			for i := range perTick {
				p.keys = append(p.keys, dtmf.Symbols[(tick+i)%16])
			}
			want = append(want, p.keys...)
			r.Tick()
		}
		var got []byte
		read := func() {
			for _, n := range notices(r) {
				got = append(got, n.Digit.Symbol)
			}
		}
		if closes {
			r.Close()
			read()
		}
		for range ticks {
			read()
			r.Tick() // the rest has a place now
		}
		if !slices.Equal(got, want) {
			t.Errorf("closed %v: %d digits of %d came out in order", closes, len(got), len(want))
		}
	}
}

func TestNoticesWakeTheirReader(t *testing.T) {
	p := new(peer)
	r, _ := plugged(p)
	woken := func() bool {
		select {
		case <-r.Notices().C():
			return true
		default:
			return false
		}
	}
	r.Tick()
	if woken() {
		t.Error("woken for nothing")
	}
	p.keys = []byte("1")
	r.Tick()
	if !woken() {
		t.Error("not woken by a digit")
	}
}

func TestDoKeepsTheOrderOfEachCaller(t *testing.T) {
	const callers, each = 8, 500
	r := room.New()
	var all sync.WaitGroup
	order := make([][]int, callers)
	accepted := make([]int, callers)
	for c := range callers {
		all.Go(func() {
			for i := range each {
				if !r.Do(func(*room.Room) { order[c] = append(order[c], i) }) {
					return
				}
				accepted[c]++
			}
		})
	}
	for range 200 {
		r.Tick()
	}
	r.Close()
	all.Wait()
	for c, got := range order {
		if len(got) != accepted[c] {
			t.Errorf("caller %d: %d ran, %d were accepted", c, len(got), accepted[c])
		}
		for i, v := range got {
			if v != i {
				t.Fatalf("caller %d: %d ran as number %d", c, v, i)
			}
		}
	}
	if r.Do(func(*room.Room) { t.Error("ran after Close") }) {
		t.Error("Do was accepted after Close")
	}
	r.Tick()
}

func TestDoInsideDoRunsATickLater(t *testing.T) {
	r := room.New()
	var at []uint64
	r.Do(func(r *room.Room) {
		at = append(at, r.Now())
		r.Do(func(r *room.Room) { at = append(at, r.Now()) })
	})
	r.Tick()
	r.Tick()
	if !slices.Equal(at, []uint64{0, 1}) {
		t.Errorf("ran before ticks %v, want 0 and 1", at)
	}
	r.Close()
	r.Close()
}
