package room

import "github.com/tipring/tipring/media"

// hear reads every peer and takes its digits: those it says, and those that
// are heard in its sound.
func (r *Room) hear() {
	for _, p := range r.ports {
		r.begin(&p.in)
		n, err := media.Pull(p.Peer, &p.in)
		p.failed, p.spoke = err, n > 0
		p.keys()
		for _, f := range p.Filters {
			f.Apply(&p.in)
		}
		p.listen()
	}
}

// observe lets digits act at once, tells of them, and feeds the ports' taps.
func (r *Room) observe() {
	for _, p := range r.ports {
		r.digits(p)
	}
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

// mix adds up everybody who is heard, and what everybody hears.
func (r *Room) mix() {
	r.sum.reset(r.rate)
	for _, p := range r.ports {
		p.added = p.spoke && !p.Muted && !p.Held
		if p.added {
			r.sum.add(&p.in)
		}
	}
	if r.Play != nil {
		r.Play = r.pull(r.Play, &r.play, nil)
		r.sum.add(&r.play)
		r.PlayTaps = r.tap(r.PlayTaps, &r.play)
	} else {
		r.PlayTaps = r.tap(r.PlayTaps, &r.silence)
	}
	if len(r.Taps) > 0 {
		r.begin(&r.out)
		r.sum.all(&r.out)
		r.Taps = r.tap(r.Taps, &r.out)
	}
}

// speak gives every peer the others, the room's play and its own.
func (r *Room) speak() {
	for _, p := range r.ports {
		if p.failed != nil {
			continue
		}
		r.begin(&r.out)
		switch {
		case p.Held:
			r.out.Silence()
		case p.added:
			r.sum.without(&p.in, &r.out)
		default:
			r.sum.all(&r.out)
		}
		if p.Play != nil {
			p.Play = r.pull(p.Play, &r.own, p)
			lay(&r.out, &r.own)
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
		r.drain(p)
		r.notices.put(Notice{Kind: PortFailed, Port: p, Err: p.failed})
	}
	clear(r.ports[len(kept):])
	r.ports = kept
}

// drain takes a leaving port's last digits.
func (r *Room) drain(p *Port) {
	p.keys()
	r.digits(p)
}

// digits opens the port's gate and tells of each of its new digits.
func (r *Room) digits(p *Port) {
	for d, ok := p.next(); ok; d, ok = p.next() {
		if p.Barge != nil {
			p.Barge.Open()
		}
		r.notices.put(Notice{Kind: Digit, Port: p, Digit: d})
	}
}
