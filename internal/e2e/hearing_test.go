package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The pitches of a party: what each phone says all the time, and what is played
// to it. In 200 ms each has a whole number of periods, so that none is mistaken
// for another.
const (
	aliceHz, bobHz, carolHz = 500, 800, 1300
	musicHz, newsHz         = 1050, 1800
)

var pitches = []int{aliceHz, bobHz, carolHz, musicHz, newsHz}

// hum is a steady tone that leaves room for others.
func hum(rate, hz int, length time.Duration) sound {
	s := tone(rate, float64(hz), length)
	for i := range s.pcm {
		s.pcm[i] /= 3
	}
	return s
}

// tones are pitches that somebody hears, and no others; nil says nothing.
type tones []int

// file is where a phone writes what it hears in its call; "" before the call.
func (p *phone) file() string {
	found, _ := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// header is how long the header of baresip's files is.
const header = 44

// now is how much the phone has heard, in bytes of its file: a moment in its
// own time.
func (p *phone) now() int64 {
	info, err := os.Stat(p.file())
	if err != nil {
		return 0
	}
	return max(0, info.Size()-header)
}

// since is what it has heard since then, while the call goes on. The header of
// the file is not yet true.
func (p *phone) since(then int64) sound {
	b, err := os.ReadFile(p.file())
	if err != nil || int64(len(b)) < header+then {
		return sound{rate: 8000}
	}
	s := sound{rate: 8000}
	for b = b[header+then:]; len(b) >= 2; b = b[2:] {
		s.pcm = append(s.pcm, int16(uint16(b[0])|uint16(b[1])<<8))
	}
	return s
}

// ear is how much of a call is judged at a time.
const ear = 200 * time.Millisecond

// pitchesIn says which of the party's tones are in a sound.
func pitchesIn(s sound) string {
	var found []int
	for _, hz := range pitches {
		if s.power(float64(hz)) > 1500 {
			found = append(found, hz)
		}
	}
	return fmt.Sprint(found)
}

// pure reports whether these tones are in the sound, and not a trace of others.
func pure(s sound, hz []int) bool {
	for _, f := range pitches {
		power := s.power(float64(f))
		if want := slices.Contains(hz, f); want && power < 3500 || !want && power > 250 {
			return false
		}
	}
	return true
}

// goesOn wants the phone to hear these tones and no others for half a second
// from a moment on.
func (p *phone) goesOn(t *testing.T, from int64, want tones) {
	t.Helper()
	const length = 500 * time.Millisecond
	eventually(t, 5*time.Second, "half a second of sound", func() bool { return p.since(from).length() >= length })
	if s := p.since(from).between(0, length); !pure(s, want) {
		t.Errorf("%s goes on to hear %s, want %v", p.dir, pitchesIn(s), want)
	}
}

// TestPitches: the ears of the party hear what is there, and nothing else.
func TestPitches(t *testing.T) {
	t.Parallel()
	one, two := hum(8000, bobHz, ear), hum(8000, carolHz, ear)
	both := sound{rate: 8000}
	for i := range one.pcm {
		both.pcm = append(both.pcm, one.pcm[i]+two.pcm[i])
	}
	if got := pitchesIn(both); got != fmt.Sprint([]int{bobHz, carolHz}) {
		t.Errorf("in two tones are %s", got)
	}
	for _, c := range []struct {
		heard sound
		hz    tones
		want  bool
	}{
		{both, tones{bobHz, carolHz}, true},
		{both, tones{bobHz}, false},
		{both, tones{aliceHz, bobHz, carolHz}, false},
		{both, tones{}, false},
		{one, tones{bobHz, carolHz}, false},
		{silence(8000, ear), tones{}, true},
	} {
		if got := pure(c.heard, c.hz); got != c.want {
			t.Errorf("%v in %s: %v", c.hz, pitchesIn(c.heard), got)
		}
	}
}
