package stream

import (
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/resample"
)

// An Inlet is what the far end of a stream says: a queue of seconds between its
// socket and the tick, seen as a media.Source. It is a room.Peer that hears
// nothing, so it plugs into a port of its own.
//
// One goroutine may call Push, Stop and Close, another Read and Write.
type Inlet struct {
	rate   media.Rate
	queue  *queue
	source media.Source // the queue at the rate asked for

	lead    int // samples that must wait before a voice begins …
	patient int // … or so many ticks
	waited  int // ticks waited, −1 while the voice goes on

	dropped *metric.Counter
}

// InletOptions says what an Inlet is like. Its zero value is useful.
type InletOptions struct {
	// Rate is the rate of what is pushed; 0 means 16 kHz.
	Rate media.Rate
	// Limit is how much sound may wait; 0 means 2 minutes: programs send an
	// answer faster than it is spoken. What has no room is dropped and counted.
	Limit time.Duration
	// Lead is how much sound must wait before a voice begins, so that one sent
	// in real time does not stutter; it begins without when so much time has
	// gone by. 0 means 60 ms, negative none.
	Lead     time.Duration
	Counters *metric.Set
}

// NewInlet makes an Inlet. It panics when the rate is none a Frame can have.
func NewInlet(o InletOptions) *Inlet {
	if o.Rate == 0 {
		o.Rate = media.Rate16k
	}
	if !o.Rate.Valid() {
		panic("stream: an inlet of no valid rate")
	}
	if o.Limit == 0 {
		o.Limit = 2 * time.Minute
	}
	if o.Lead == 0 {
		o.Lead = 3 * media.Period
	}
	in := &Inlet{
		rate:    o.Rate,
		queue:   newQueue(int(o.Limit.Seconds() * float64(o.Rate))),
		lead:    max(0, int(o.Lead.Seconds()*float64(o.Rate))),
		patient: max(0, int(o.Lead/media.Period)),
		dropped: o.Counters.Counter("stream_inbound_dropped_total", "reason", "queue full", "sound from streams that was dropped, in frames"),
	}
	in.source = in.voice()
	return in
}

// voice is the queue at whatever rate it is read.
func (in *Inlet) voice() media.Source { return resample.NewSource(in.queue, int(in.rate)) }

// Push adds sound at the inlet's rate. It copies pcm and never waits.
func (in *Inlet) Push(pcm []int16) {
	if in.queue.push(pcm) > 0 {
		in.dropped.Add(1)
	}
}

// Stop drops all that was pushed and not yet heard: not a sample of it is heard
// from the next tick on.
func (in *Inlet) Stop() { in.queue.cut(in.voice()) }

// Close ends the voice once all that was pushed has been heard.
func (in *Inlet) Close() { in.queue.over.Store(true) }

// Read gives the voice at f's rate: silence while nothing waits, io.EOF after
// Close.
func (in *Inlet) Read(f *media.Frame) (int, error) {
	f.Lost = false
	if v := in.queue.skipped(); v != nil {
		in.source, in.waited = v, 0
	}
	if in.waited >= 0 && !in.ripe() {
		return 0, nil
	}
	in.waited = -1
	n, err := in.source.Read(f)
	if err == nil && n < len(f.PCM()) {
		in.waited = 0 // run dry: gather a lead again
	}
	return n, err
}

// ripe says whether a voice that waits may begin.
func (in *Inlet) ripe() bool {
	over := in.queue.over.Load()
	n := in.queue.waiting(max(1, in.lead))
	switch {
	case over, n >= max(1, in.lead):
		return true
	case n <= 0:
		return false
	}
	in.waited++
	return in.waited > in.patient
}

// Write hears nothing.
func (in *Inlet) Write(*media.Frame) error { return nil }

// Rate is the rate of the voice: it makes an Inlet a room.Wideband.
func (in *Inlet) Rate() media.Rate { return in.rate }
