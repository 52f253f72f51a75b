package stream

import (
	"io"
	"sync/atomic"

	"github.com/tipring/tipring/media"
)

// chunkSamples is the size of one piece of a queue: 8 KB.
const chunkSamples = 4096

// A queue holds samples between one goroutine that writes (push, cut) and one
// that reads (ReadSamples), without locks. It is a chain of chunks: the writer
// fills the last one and publishes how far it is full, the reader walks behind
// and lets go of what it has left.
type queue struct {
	limit int64 // samples that may wait

	last    *chunk // writer only
	written int64  // writer only: samples pushed since the beginning
	dead    int64  // writer only: those before the last cut

	skip atomic.Pointer[cut] // how the reader must go on after a cut
	over atomic.Bool
	read atomic.Int64 // the reader's place, counted like written

	first *chunk // reader only
	at    int    // reader only: the place in first
}

// A chunk is a piece of the queue; the first full samples of it may be read.
type chunk struct {
	start int64 // the number of its first sample
	full  atomic.Int32
	next  atomic.Pointer[chunk]
	pcm   [chunkSamples]int16
}

// A cut is where the reader goes on, and the voice through which it does: the
// old one has read ahead and has samples in its filter.
type cut struct {
	to    *chunk
	voice media.Source
}

func newQueue(limit int) *queue {
	c := new(chunk)
	return &queue{limit: int64(limit), first: c, last: c}
}

// push adds samples and says how many had no room.
func (q *queue) push(pcm []int16) (dropped int) {
	room := q.limit - (q.written - max(q.dead, q.read.Load()))
	if int64(len(pcm)) > room {
		dropped = len(pcm) - int(max(room, 0))
		pcm = pcm[:len(pcm)-dropped]
	}
	for len(pcm) > 0 {
		full := int(q.last.full.Load())
		if full == chunkSamples {
			q.append()
			full = 0
		}
		n := copy(q.last.pcm[full:], pcm)
		q.last.full.Store(int32(full + n))
		q.written += int64(n)
		pcm = pcm[n:]
	}
	return dropped
}

func (q *queue) append() {
	c := &chunk{start: q.written}
	q.last.next.Store(c)
	q.last = c
}

// cut drops all that waits: the reader's next look begins behind it, with
// another voice.
func (q *queue) cut(voice media.Source) {
	c := &chunk{start: q.written}
	q.dead = q.written
	q.skip.Store(&cut{c, voice}) // before the link, so that nobody walks past it unseen
	q.last.next.Store(c)
	q.last = c
}

// skipped moves the reader over a cut, and gives the voice to go on with; nil
// when there was none.
func (q *queue) skipped() media.Source {
	if q.skip.Load() == nil { // a look is cheaper than a swap
		return nil
	}
	c := q.skip.Swap(nil)
	q.first, q.at = c.to, 0
	q.read.Store(c.to.start)
	return c.voice
}

// waiting is how many samples can be read now, counted up to enough.
func (q *queue) waiting(enough int) int {
	n := -q.at
	for c := q.first; c != nil && n < enough; c = c.next.Load() {
		n += int(c.full.Load())
	}
	return n
}

// ReadSamples takes samples out. It gives less than asked, and no error, when
// the queue has run dry; io.EOF when it is over as well.
func (q *queue) ReadSamples(p []int16) (n int, err error) {
	over := q.over.Load() // before the look, so that nothing pushed earlier is missed
	for n < len(p) {
		m := copy(p[n:], q.first.pcm[q.at:q.first.full.Load()])
		if m == 0 {
			next := q.first.next.Load()
			if q.skip.Load() != nil { // the next look begins elsewhere
				over = false
				break
			}
			if next == nil {
				break
			}
			// A chunk that has a successor never grows again, so this look at
			// full is the last one needed.
			if q.at == int(q.first.full.Load()) {
				q.first, q.at = next, 0
			}
			continue
		}
		n, q.at = n+m, q.at+m
	}
	q.read.Store(q.first.start + int64(q.at))
	if over && n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
