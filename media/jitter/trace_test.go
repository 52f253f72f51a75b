package jitter_test

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tipring/tipring/media/jitter"
)

const ms = int64(1_000_000) // in ns

// A trace is a sender and a network: what happens to packet i.
type trace struct {
	name    string
	ptime   int     // ms of media in a packet; 0 is 20
	ppm     float64 // how much faster than ours the sender's clock is
	seconds int     // 0 is 60
	delay   func(i int, r *rand.Rand) float64
	lost    func(i int, r *rand.Rand) bool
	twice   bool // every tenth packet comes twice

	// what is demanded
	good  float64 // share of the media sent that must be heard
	depth float64 // ms from sending to playing, on average, at most
}

func steady(delay float64) func(int, *rand.Rand) float64 {
	return func(int, *rand.Rand) float64 { return delay }
}

func normal(sigma float64) func(int, *rand.Rand) float64 {
	return func(_ int, r *rand.Rand) float64 { return 20 + math.Abs(r.NormFloat64())*sigma }
}

// bursts is loss in bursts (Gilbert): p into one, q out of it.
func bursts(p, q float64) func(int, *rand.Rand) bool {
	bad := false
	return func(_ int, r *rand.Rand) bool {
		if bad {
			bad = r.Float64() >= q
		} else {
			bad = r.Float64() < p
		}
		return bad
	}
}

var traces = []trace{
	{name: "steady", delay: steady(20), good: 0.999, depth: 55},
	{name: "steady, ptime 10", ptime: 10, delay: steady(20), good: 0.999, depth: 51},
	{name: "steady, ptime 30", ptime: 30, delay: steady(20), good: 0.999, depth: 61},
	{name: "steady, ptime 40", ptime: 40, delay: steady(20), good: 0.999, depth: 55},
	{name: "steady, ptime 60", ptime: 60, delay: steady(20), good: 0.999, depth: 61},
	{name: "jitter 5 ms", delay: normal(5), good: 0.995, depth: 65},
	{name: "jitter 20 ms", delay: normal(20), good: 0.99, depth: 130},
	{name: "jitter 20 ms, ptime 60", ptime: 60, delay: normal(20), good: 0.99, depth: 130},
	{name: "loss 1 %", delay: normal(2), lost: func(_ int, r *rand.Rand) bool { return r.Float64() < 0.01 }, good: 0.98, depth: 65},
	{name: "loss 10 %", delay: normal(2), lost: func(_ int, r *rand.Rand) bool { return r.Float64() < 0.10 }, good: 0.88, depth: 65},
	{name: "loss in bursts, 5 %", delay: normal(2), lost: bursts(0.0175, 0.33), good: 0.93, depth: 65},
	{name: "reordering, 5 %", delay: func(i int, r *rand.Rand) float64 {
		if r.Float64() < 0.05 {
			return 50
		}
		return 20
	}, good: 0.99, depth: 80},
	{name: "a spike of 150 ms every 15 s", delay: func(i int, _ *rand.Rand) float64 {
		return 20 + max(0, 150-float64(i%750)*20)
	}, good: 0.98, depth: 190},
	{name: "a stall of 900 ms", delay: func(i int, _ *rand.Rand) float64 {
		if i >= 1000 && i < 1045 {
			return 20 + 900 - float64(i-1000)*20
		}
		return 20
	}, good: 0.97, depth: 150},
	{name: "a route 60 ms longer, then back", delay: func(i int, _ *rand.Rand) float64 {
		if i > 1000 && i < 2000 {
			return 80
		}
		return 20
	}, good: 0.99, depth: 100},
	{name: "everything twice", delay: normal(5), twice: true, good: 0.995, depth: 65},
	{name: "+300 ppm, an hour", ppm: 300, seconds: 3600, delay: normal(2), good: 0.9990, depth: 65},
	{name: "-300 ppm, an hour", ppm: -300, seconds: 3600, delay: normal(2), good: 0.9990, depth: 65},
	{name: "+300 ppm, jitter 20 ms, an hour", ppm: 300, seconds: 3600, delay: normal(20), good: 0.995, depth: 130},
	{name: "-300 ppm, jitter 20 ms, an hour", ppm: -300, seconds: 3600, delay: normal(20), good: 0.995, depth: 130},
}

type arrival struct {
	at   int64
	seq  int
	sent int64 // our time at which its media began
}

// send makes the packets of a trace, in order of arrival.
func (tr *trace) send(r *rand.Rand) (packets []arrival, media int) {
	ptime, seconds := cmp.Or(tr.ptime, 20), cmp.Or(tr.seconds, 60)
	step := float64(int64(ptime)*ms) / (1 + tr.ppm/1e6)
	for i := range seconds * 1000 / ptime {
		sent := int64(float64(i) * step)
		delay := tr.delay(i, r)
		media += ptime
		if tr.lost != nil && tr.lost(i, r) {
			continue
		}
		a := arrival{at: sent + int64(ptime)*ms + int64(delay*float64(ms)), seq: i, sent: sent}
		packets = append(packets, a)
		if tr.twice {
			packets = append(packets, arrival{at: a.at + 3*ms, seq: i, sent: sent})
		}
	}
	slices.SortStableFunc(packets, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return packets, media
}

// outcome is what a listener had of a trace.
type outcome struct {
	good      float64 // share of the media that was heard
	gaps      int     // periods with something missing or made up
	delay     float64 // ms from the beginning of a moment of sound to its playing, mean
	worst     float64
	backwards int
}

// run plays a trace in virtual time. Each sample is named by its number, four
// bytes in one "sample" of a clock of 8000 Hz, so that what is heard can be
// followed.
func (tr *trace) run(t *testing.T, b *jitter.Buffer) outcome {
	t.Helper()
	packets, media := tr.send(rand.New(rand.NewPCG(7, 7)))
	ptime := cmp.Or(tr.ptime, 20)
	n := 8 * ptime
	payload := make([]byte, 4*n)
	var o outcome
	var heard, expect, delays int64
	phase := 13 * ms // the ticks fall somewhere between the packets
	end := packets[len(packets)-1].at + 500*ms
	for now, next := phase, 0; now < end; now += 20 * ms {
		for ; next < len(packets) && packets[next].at <= now; next++ {
			p := packets[next]
			for i := range n {
				binary.BigEndian.PutUint32(payload[4*i:], uint32(p.seq*n+i))
			}
			b.Push(uint16(p.seq+65000), uint32(p.seq*n)-5000, payload, p.at) // both wrap
		}
		total, whole := 0, true
		for _, piece := range b.Pop(false) {
			total += piece.Units
			if piece.State != jitter.Heard {
				whole = false
				continue
			}
			if len(piece.Payload) != 4*piece.Units {
				t.Fatalf("a piece of %d units has %d bytes", piece.Units, len(piece.Payload))
			}
			for i := range piece.Units {
				v := int64(binary.BigEndian.Uint32(piece.Payload[4*i:]))
				if v < expect {
					o.backwards++
				}
				expect = v + 1
			}
			heard += int64(piece.Units)
			first := int64(binary.BigEndian.Uint32(piece.Payload))
			said := int64(float64(first) / 8 * float64(ms) / (1 + tr.ppm/1e6))
			delay := now - said
			delays += delay / 1000 * int64(piece.Units)
			o.worst = max(o.worst, float64(delay)/float64(ms))
		}
		if total != 160 {
			t.Fatalf("a period of %d units", total)
		}
		if !whole && heard > 0 && next < len(packets) {
			o.gaps++
		}
	}
	o.good = float64(heard) / float64(8*media)
	o.delay = float64(delays) / float64(heard) / 1000
	return o
}

func TestTraces(t *testing.T) {
	t.Logf("%-34s %9s %6s %16s | %5s %5s %5s %5s %5s", "trace", "heard", "gaps", "delay, worst ms", "late", "lost", "ins", "left", "over")
	for _, tr := range traces {
		b := jitter.New(jitter.Config{Clock: 8000, Bytes: 4 * 4096, Units: func(p []byte) int { return len(p) / 4 }})
		o := tr.run(t, b)
		s := b.Stats()
		t.Logf("%-34s %8.3f%% %6d %8.1f %7.1f | %5d %5d %5d %5d %5d", tr.name, 100*o.good, o.gaps, o.delay, o.worst,
			s.Late, s.Lost/160, s.Inserted, s.Left, s.Overflow)
		if o.good < tr.good {
			t.Errorf("%s: %.3f %% heard, want %.1f %%", tr.name, 100*o.good, 100*tr.good)
		}
		limit := tr.depth + float64(cmp.Or(tr.ptime, 20)) // the packet itself takes its length to fill
		if o.delay > limit {
			t.Errorf("%s: %.1f ms from mouth to ear, want at most %.0f", tr.name, o.delay, limit)
		}
		if o.backwards > 0 {
			t.Errorf("%s: media went backwards %d times", tr.name, o.backwards)
		}
	}
}
