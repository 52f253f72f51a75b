package load

import (
	"context"
	"slices"
	"time"
)

// A Window is what was heard while it was open.
type Window struct {
	Legs    int           `json:"legs"`
	Seconds float64       `json:"seconds"`
	All     Heard         `json:"all"`
	Worst   float64       `json:"worst_leg"` // the punctual share of the least punctual leg
	Late    uint64        `json:"own_late"`  // steps of the phones' own loop that began more than 5 ms late
	OwnLate time.Duration `json:"own_worst"` // and the latest
	Lost    uint64        `json:"own_lost"`  // packets that the phones' sockets had no room for
}

// Measure listens for a while to the calls that stand.
func (p *Phones) Measure(ctx context.Context, d time.Duration) Window {
	var dropped uint64
	began := time.Now()
	p.sound.each(func(l *line) {
		l.ear.again()
		dropped += l.conn.Dropped()
	})
	p.sound.with(func() { p.sound.late, p.sound.worst = 0, 0 })
	p.wait(ctx, d)
	w := Window{Worst: 1, Seconds: time.Since(began).Seconds()}
	p.sound.each(func(l *line) {
		h := &l.ear.heard
		h.Due = uint64(w.Seconds*50) - 1 // one may be under way
		w.All.add(h)
		w.Worst = min(w.Worst, h.Punctual())
		w.Legs++
		w.Lost += l.conn.Dropped()
	})
	w.Lost -= dropped
	p.sound.with(func() { w.Late, w.OwnLate = p.sound.late, p.sound.worst })
	return w
}

// Times are how long something took, in milliseconds.
type Times struct {
	Count  int     `json:"count"`
	Median float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

func times(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	return Times{len(all), at(0.5), at(0.99), at(1)}
}

// A Story is what became of the calls.
type Story struct {
	Ring    Times  `json:"ring"`    // INVITE sent → the app has IncomingCall
	Play    Times  `json:"play"`    // play asked for → its first packet has come
	Key     Times  `json:"key"`     // a key's sound begins → the app has the tone
	Pressed int    `json:"pressed"` // keys
	Came    int    `json:"came"`    // that came back, once and in order
	Wrong   int    `json:"wrong"`   // tones that no key had been pressed for
	Mixed   uint64 `json:"mixed"`   // packets of somebody else's stream
	Again   uint64 `json:"again"`   // SIP requests that had to be sent again
}

// Story tells of the calls that stand; ask it before HangUp, after Rest.
func (p *Phones) Story() Story {
	var s Story
	var ring, play []time.Duration
	all := p.standing()
	p.mu.Lock()
	played := make([]time.Time, len(all))
	for i, c := range all {
		ring, played[i] = append(ring, c.rang.Sub(c.invited)), c.played
	}
	p.mu.Unlock()
	p.sound.with(func() {
		for i, c := range all {
			if c.line.first != 0 {
				play = append(play, time.Duration(c.line.first-played[i].UnixNano()))
			}
			s.Pressed += len(c.line.pressed)
			s.Came += c.came
			s.Wrong += c.wrong
			s.Mixed += c.line.mixed
		}
		s.Key = times(p.keyTimes)
	})
	s.Ring, s.Play = times(ring), times(play)
	p.caller.mu.Lock()
	s.Again = p.caller.again
	p.caller.mu.Unlock()
	return s
}
