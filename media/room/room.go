package room

import (
	"io"
	"slices"
	"sync/atomic"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
)

// A Room is where ports hear each other. Make one with New. Its exported fields
// may be changed between two ticks only: by the goroutine that ticks it, or in
// Do.
type Room struct {
	// Play is heard by everybody who is not held. At its end it is set to nil.
	Play media.Source
	// Taps get the mix of all who are heard, with Play: a mixed recording, a
	// mixed stream. They get a frame in every tick, at the room's rate.
	Taps []media.Sink
	// PlayTaps get Play alone, and silence while there is none: the room's own
	// channel of an unmixed recording.
	PlayTaps []media.Sink
	// TapsFailed, if set, counts taps that returned an error and were removed.
	TapsFailed *metric.Counter

	ports    []*Port
	*scratch     // during a tick
	place    int // of the last scratch on the shelf
	now      atomic.Uint64
	rate     media.Rate

	notices *Notices
	told    uint64 // how many ends Announce has put into the notices
	inbox   inbox
}

// New makes an empty room.
func New() *Room { return &Room{notices: newNotices(), rate: media.Rate8k} }

// Plug puts a port into the room. A port that is in it already stays as it is;
// a port may be in one room at a time.
func (r *Room) Plug(p *Port) {
	if slices.Contains(r.ports, p) {
		return
	}
	p.plug()
	r.ports = append(r.ports, p)
}

// Unplug takes a port out. Digits that its peer still holds come out as notices
// all the same. Its peer, play and taps are not told.
func (r *Room) Unplug(p *Port) {
	i := slices.Index(r.ports, p)
	if i < 0 {
		return
	}
	r.ports = slices.Delete(r.ports, i, i+1)
	r.keys(p)
}

// Ports is how many ports are plugged in.
func (r *Room) Ports() int { return len(r.ports) }

// Rate is the rate of the tick before: the highest of the peers' rates then.
func (r *Room) Rate() media.Rate { return r.rate }

// Now is the number of the tick that runs or, between two ticks, of the next.
// The first tick is 0. Unlike all else here, anyone may call it at any time:
// the frames of every tick before Now have been written to their taps.
func (r *Room) Now() uint64 { return r.now.Load() }

// Skip lets n ticks pass without sound. Whoever ticks the room calls it when it
// has fallen too far behind.
func (r *Room) Skip(n uint64) { r.now.Add(n) }

// Do has f run between two ticks, on the goroutine that ticks the room, after
// all that was asked before. It may be called by anyone at any time, and does
// not wait. After Close it drops f and returns false; f runs if and only if Do
// returns true.
func (r *Room) Do(f func(*Room)) bool { return r.inbox.put(f) }

// Close ends the room: what Do has taken in is run, and nothing is taken in any
// more. Call it on the goroutine that ticked the room, after the last tick.
// Ports stay plugged; whoever owns the peers closes them now.
func (r *Room) Close() {
	r.inbox.close(r)
	r.notices.finish()
}

// Notices is what happened in the room: the only way out. One goroutine may
// drain it.
func (r *Room) Notices() *Notices { return r.notices }

// Announce is media.Then for the notices: it plays s, and at its end puts
// PlayEnded with this token and the error (nil when s was played to its end, or
// cut short by media.Until) into them. It says nothing of a play that is taken
// away before its end.
func (r *Room) Announce(token uint64, s media.Source) media.Source {
	return media.Then(s, func(err error) {
		r.told++
		r.notices.put(Notice{Kind: PlayEnded, Token: token, Err: err})
	})
}

// Tick moves the sound of one period: hear, observe, mix, speak. It neither
// waits nor allocates.
func (r *Room) Tick() {
	r.inbox.run(r)
	r.rate = r.highest()
	r.scratch = take(&r.place)
	r.hear()
	r.observe()
	r.mix()
	r.speak()
	put(r.place, r.scratch)
	r.scratch = nil
	r.sweep()
	r.now.Add(1)
	r.notices.flush()
}

// highest is the rate of the tick to come.
func (r *Room) highest() media.Rate {
	top := media.Rate8k
	for _, p := range r.ports {
		top = max(top, p.rate())
	}
	return top
}

// begin makes f a frame of this tick.
func (r *Room) begin(f *media.Frame) {
	f.Rate, f.Tick, f.Lost = r.rate, r.now.Load(), false
}

// pull reads a play into f and says what is left of it: nil at its end. A play
// that fails without anybody having been told is told of here.
func (r *Room) pull(s media.Source, f *media.Frame, p *Port) media.Source {
	r.begin(f)
	told := r.told
	_, err := media.Pull(s, f)
	if err == nil {
		return s
	}
	if err != io.EOF && told == r.told {
		r.notices.put(Notice{Kind: PlayEnded, Port: p, Err: err})
	}
	return nil
}

// tap writes f to every tap and gives those that want more.
func (r *Room) tap(taps []media.Sink, f *media.Frame) []media.Sink {
	for i := 0; i < len(taps); i++ {
		if taps[i].Write(f) == nil {
			continue
		}
		r.TapsFailed.Add(1)
		taps = slices.Concat(taps[:i], taps[i+1:]) // a copy: the slice may be somebody else's, too
		i--
	}
	return taps
}
