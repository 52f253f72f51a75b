package e2e_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	zafg711 "github.com/zaf/g711"
)

// Speech that counts: its pitch rises all the time, so that any piece of it
// tells when it was said, and a recording shows what it lacks.
const (
	countsFrom = 400. // Hz, at its beginning
	countsUp   = 200. // Hz a second
	countsFor  = 13 * time.Second
)

// counting is the speech itself.
func counting() sound {
	s := sound{8000, make([]int16, int(countsFor.Seconds()*8000))}
	for i := range s.pcm {
		at := float64(i) / 8000
		s.pcm[i] = int16(math.Round(12000 * math.Sin(2*math.Pi*(countsFrom+countsUp*at/2)*at)))
	}
	return s
}

// speech is counting as payloads of PCMU, 20 ms each. It begins anew when it
// has ended.
var speech = func() (all [][]byte) {
	for block := range slices.Chunk(counting().pcm, 160) {
		payload := make([]byte, len(block))
		for i, v := range block {
			payload[i] = zafg711.EncodeUlawFrame(v)
		}
		all = append(all, payload)
	}
	return all
}()

// A tale is what a recording says of the speech in it.
type tale struct {
	windows, silent, astray int // of 40 ms, between first and last sound
}

// told reads counting out of a recording: silent is where nothing is said, astray
// where something else is said than must be at this time. A telephone or a server
// that is late may put it off by a third of a second; what is not there any more,
// by more.
func (s sound) told() (out tale) {
	const window, hop = 40 * time.Millisecond, 20 * time.Millisecond
	heard := s.bursts()
	if len(heard) == 0 {
		return out
	}
	var late []float64 // when each window was said, before it was recorded, s
	for at := heard[0].start; at+window <= heard[len(heard)-1].end; at += hop {
		out.windows++
		w := s.between(at, at+window)
		if w.loudness() < 1000 {
			out.silent++
			continue
		}
		late = append(late, (w.pitch()-countsFrom)/countsUp-(at+window/2).Seconds())
	}
	if len(late) == 0 {
		return out
	}
	sorted := slices.Sorted(slices.Values(late))
	middle := sorted[len(sorted)/2]
	for _, v := range late {
		if math.Abs(v-middle) > 0.4 {
			out.astray++
		}
	}
	return out
}

// holes says what is missing, unless it is little, or no more than what was not
// said while the machine stood still.
func (t tale) holes(stood time.Duration) string {
	if t.silent+t.astray <= 10+t.windows*3/10+int(stood/tick) {
		return ""
	}
	return fmt.Sprintf("has holes: of %d moments %d are silent and %d astray; the machine stood still for %v", t.windows, t.silent, t.astray, stood)
}

// loudness is the mean square root.
func (s sound) loudness() float64 {
	sum := 0.
	for _, v := range s.pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(s.pcm))))
}

// TestCounting: a piece that is missing, or is there twice, shows.
func TestCounting(t *testing.T) {
	t.Parallel()
	whole := counting().between(time.Second, 4*time.Second)
	if got := whole.told(); got.windows < 140 || got.silent+got.astray > 0 {
		t.Errorf("of an unbroken speech: %+v", got)
	}
	cut := whole.between(0, time.Second).then(whole.between(2*time.Second, 3*time.Second))
	if got := cut.told(); got.astray < 40 {
		t.Errorf("with a second cut out: %+v", got)
	}
	muted := whole.between(0, time.Second).then(silence(8000, time.Second)).then(whole.between(2*time.Second, 3*time.Second))
	if got := muted.told(); got.silent < 40 || got.astray > 0 {
		t.Errorf("with a second of silence: %+v", got)
	}
}
