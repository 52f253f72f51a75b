package dtmf

import "github.com/tipring/tipring/media"

const (
	frameLen    = 160     // a frame at 8 kHz
	mostSkipped = 1 << 32 // ticks: years
)

// A Hit is a digit found in sound, from where to where.
type Hit struct {
	Digit
	// Start and End are counted in samples at 8 kHz from the first frame that
	// was written, lost and skipped ones included.
	Start, End int64
}

// A Detector finds digits in sound. Its zero value is ready. It is a media.Sink
// to be pushed once per tick, allocates nothing, and belongs to one goroutine.
//
// Frames may be of any rate, and of another than the one before. A lost frame,
// and ticks that were skipped, keep the place: they neither split a digit nor
// make one.
type Detector struct {
	thinner thinner
	began   queue[Digit]
	ended   queue[Hit]
	ear     ear
	tick    uint64 // of the frame that is to come
	running bool
}

// Write takes one frame. It never fails; a frame of no valid rate is taken for
// a lost one.
func (d *Detector) Write(f *media.Frame) error {
	if d.running && f.Tick > d.tick {
		d.ear.skip(int64(min(f.Tick-d.tick, mostSkipped)) * frameLen)
	}
	d.running, d.tick = true, f.Tick+1
	if f.Lost || !f.Rate.Valid() {
		d.thinner.forget()
		d.ear.skip(frameLen)
		return nil
	}
	d.thinner.set(f.Rate)
	d.thinner.thin(d.ear.room(), f.PCM())
	for range frameLen / segmentLen {
		d.ear.hear()
		d.report()
	}
	return nil
}

// Next is the next digit that has begun. It is reported some 30 ms after its
// start, counted in sound.
func (d *Detector) Next() (Digit, bool) { return d.began.take() }

// Ended is the next digit that has ended, with its place. It is reported 25 ms
// after its end. Who needs no places need not ask: of those that wait, only the
// last few are kept.
func (d *Detector) Ended() (Hit, bool) { return d.ended.take() }

// Flush ends a digit that still sounds, at the end of a recording.
func (d *Detector) Flush() {
	d.ear.hangUp()
	d.report()
}

// report queues what the ear has just found.
func (d *Detector) report() {
	delay := d.thinner.delay()
	if gone, ok := d.ear.takeEnded(); ok {
		d.ended.put(Hit{Digit: d.digit(gone, delay), Start: gone.start - delay, End: gone.end - delay})
	}
	if here, ok := d.ear.takeBegun(); ok {
		d.began.put(d.digit(here, delay))
	}
}

// digit puts a found tone on the room's time axis.
func (d *Detector) digit(s spell, delay int64) Digit {
	behind := uint64(max(d.ear.frameEnd()-(s.start-delay)-1, 0)) / frameLen // whole frames behind the present one
	now := d.tick - 1
	return Digit{Symbol: Symbols[s.code], Way: InBand, Tick: now - min(now, behind)}
}

// A queue holds a few things in order. When it is full the oldest is dropped.
type queue[T any] struct {
	items [8]T
	from  uint
	n     uint
}

func (q *queue[T]) put(v T) {
	if q.n == uint(len(q.items)) {
		q.from++
		q.n--
	}
	q.items[(q.from+q.n)%uint(len(q.items))] = v
	q.n++
}

func (q *queue[T]) take() (v T, ok bool) {
	if q.n == 0 {
		return v, false
	}
	v = q.items[q.from%uint(len(q.items))]
	q.from++
	q.n--
	return v, true
}
