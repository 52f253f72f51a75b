package room

import (
	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// hear reads every peer and finds its digits: those that come beside its sound,
// and those in it.
func (r *Room) hear() {
	for _, p := range r.ports {
		r.begin(&p.in)
		n, err := media.Pull(p.Peer, &p.in)
		p.failed, p.spoke = err, n > 0
		r.keys(p)
		for _, f := range p.Filters {
			f.Apply(&p.in)
		}
		if !p.Deaf {
			r.listen(p)
		}
	}
}

// keys takes the digits that a port's peer knows of.
func (r *Room) keys(p *Port) {
	pad, ok := p.Peer.(Keypad)
	if !ok {
		return
	}
	for d, ok := pad.NextDigit(); ok; d, ok = pad.NextDigit() {
		r.digit(p, d)
	}
	if holder, ok := pad.(Holder); ok {
		if symbol, held := holder.HeldDigit(); held {
			p.merger.Hold(symbol, r.now.Load())
		}
	}
}

// listen looks for digits in what a port says.
func (r *Room) listen(p *Port) {
	_ = p.ear.Write(&p.in) // never fails
	for d, ok := p.ear.Next(); ok; d, ok = p.ear.Next() {
		r.digit(p, d)
	}
}

// digit lets a digit act, at once, and tells of it, unless it was known.
func (r *Room) digit(p *Port, d dtmf.Digit) {
	if !p.merger.Add(d) {
		return
	}
	if p.Barge != nil {
		p.Barge.Open()
	}
	r.notices.put(Notice{Kind: Digit, Port: p, Digit: d})
}

// observe feeds the ports' taps.
func (r *Room) observe() {
	r.begin(&r.silence)
	r.silence.Silence()
	for _, p := range r.ports {
		if len(p.Taps) == 0 {
			continue
		}
		voice := &p.in
		if p.Muted {
			voice = &r.silence
		}
		p.Taps = r.tap(p.Taps, voice)
	}
}

// mix adds up everybody who is heard, and what everybody hears. A voice alone is
// heard by nobody but taps: an IVR's room has nothing to add and take away again.
func (r *Room) mix() {
	r.sum.Reset(r.rate)
	heard := len(r.ports) > 1 || len(r.Taps) > 0
	for _, p := range r.ports {
		p.added = heard && p.spoke && !p.Muted && !p.Held
		if p.added {
			r.sum.Add(&p.in)
		}
	}
	if r.Play != nil {
		r.Play = r.pull(r.Play, &r.play, nil)
		r.sum.Add(&r.play)
		r.PlayTaps = r.tap(r.PlayTaps, &r.play)
	} else {
		r.PlayTaps = r.tap(r.PlayTaps, &r.silence)
	}
	if len(r.Taps) > 0 {
		r.begin(&r.out)
		r.sum.All(&r.out)
		r.Taps = r.tap(r.Taps, &r.out)
	}
}

// speak gives every peer the others, the room's play and its own.
func (r *Room) speak() {
	for _, p := range r.ports {
		if p.failed != nil {
			continue
		}
		var own, play *media.Frame
		if p.added {
			own = &p.in
		}
		if p.Play != nil {
			p.Play = r.pull(p.Play, &r.own, p)
			play = &r.own
		}
		r.begin(&r.out)
		switch {
		case !p.Held:
			r.sum.With(own, play, &r.out)
		case play != nil:
			r.out.CopyFrom(play)
		default:
			r.out.Silence()
		}
		p.failed = p.Peer.Write(&r.out)
	}
}

// sweep unplugs the ports that failed in this tick, and says so.
func (r *Room) sweep() {
	kept := r.ports[:0]
	for _, p := range r.ports {
		if p.failed == nil {
			kept = append(kept, p)
			continue
		}
		r.notices.put(Notice{Kind: PortFailed, Port: p, Err: p.failed})
	}
	clear(r.ports[len(kept):])
	r.ports = kept
}
