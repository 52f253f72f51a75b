package e2e_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"testing"
	"time"
)

// A sound is mono 16-bit PCM. The tests make and measure it with arithmetic of
// their own, so that no mistake of the server's is repeated here.
type sound struct {
	rate int
	pcm  []int16
}

// tone is a sine of half scale.
func tone(rate int, hz float64, length time.Duration) sound {
	s := sound{rate, make([]int16, int(length*time.Duration(rate)/time.Second))}
	for i := range s.pcm {
		s.pcm[i] = int16(math.Round(16384 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return s
}

// keys are digits as two tones each, as a phone without events sends them.
func keys(rate int, digits string, on, off time.Duration) sound {
	low := map[rune]float64{'1': 697, '2': 697, '3': 697, 'A': 697, '4': 770, '5': 770, '6': 770, 'B': 770, '7': 852, '8': 852, '9': 852, 'C': 852, '*': 941, '0': 941, '#': 941, 'D': 941}
	high := map[rune]float64{'1': 1209, '4': 1209, '7': 1209, '*': 1209, '2': 1336, '5': 1336, '8': 1336, '0': 1336, '3': 1477, '6': 1477, '9': 1477, '#': 1477, 'A': 1633, 'B': 1633, 'C': 1633, 'D': 1633}
	s := sound{rate: rate}
	for _, d := range digits {
		a, b := tone(rate, low[d], on), tone(rate, high[d], on)
		for i := range a.pcm {
			s.pcm = append(s.pcm, a.pcm[i]/2+b.pcm[i]/2)
		}
		s = s.then(silence(rate, off))
	}
	return s
}

func silence(rate int, length time.Duration) sound {
	return sound{rate, make([]int16, int(length*time.Duration(rate)/time.Second))}
}

func (s sound) then(more sound) sound {
	return sound{s.rate, append(append([]int16(nil), s.pcm...), more.pcm...)}
}

// padded is s with silence up to length.
func (s sound) padded(length time.Duration) sound {
	if rest := length - s.length(); rest > 0 {
		return s.then(silence(s.rate, rest))
	}
	return s
}

func (s sound) length() time.Duration {
	return time.Duration(len(s.pcm)) * time.Second / time.Duration(s.rate)
}

// between is the part from a to b.
func (s sound) between(a, b time.Duration) sound {
	at := func(d time.Duration) int { return min(len(s.pcm), int(d*time.Duration(s.rate)/time.Second)) }
	return sound{s.rate, s.pcm[at(a):at(b)]}
}

// write makes a WAV file.
func (s sound) write(t *testing.T, path string) {
	t.Helper()
	var b bytes.Buffer
	size := uint32(2 * len(s.pcm))
	b.WriteString("RIFF")
	for _, v := range []any{36 + size, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1),
		uint32(s.rate), uint32(2 * s.rate), uint16(2), uint16(16), []byte("data"), size, s.pcm} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// channels reads a WAV file of 16-bit PCM, each channel by itself.
func channels(b []byte) ([]sound, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, fmt.Errorf("no WAV file")
	}
	var count, rate, bits int
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		body := b[8:min(len(b), 8+size)]
		switch {
		case id == "fmt " && len(body) >= 16:
			count, rate, bits = int(binary.LittleEndian.Uint16(body[2:])), int(binary.LittleEndian.Uint32(body[4:])), int(binary.LittleEndian.Uint16(body[14:]))
		case id == "data":
			if bits != 16 || count < 1 {
				return nil, fmt.Errorf("%d channels of %d bits", count, bits)
			}
			all := make([]sound, count)
			for i := range len(body) / 2 {
				c := &all[i%count]
				c.rate = rate
				c.pcm = append(c.pcm, int16(binary.LittleEndian.Uint16(body[2*i:])))
			}
			return all, nil
		}
		b = b[min(len(b), 8+size+size%2):]
	}
	return nil, fmt.Errorf("WAV file without sound")
}

// readSound reads a WAV file of one channel.
func readSound(t *testing.T, path string) sound {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := channels(b)
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: %d channels, %v", path, len(all), err)
	}
	return all[0]
}

// A burst is a stretch of sound between silences.
type burst struct{ start, end time.Duration }

func (b burst) length() time.Duration { return b.end - b.start }

// bursts finds where the sound is above a quiet level, ignoring gaps of less
// than 10 ms. Its edges are exact to a period of the sound.
func (s sound) bursts() []burst {
	const quiet = 300
	at := func(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(s.rate) }
	var all []burst
	for i, v := range s.pcm {
		if v < quiet && v > -quiet {
			continue
		}
		if n := len(all); n == 0 || at(i)-all[n-1].end > 10*time.Millisecond {
			all = append(all, burst{start: at(i)})
		}
		all[len(all)-1].end = at(i + 1)
	}
	return all
}

// pitch is the frequency of a pure tone, from its rising zero crossings.
func (s sound) pitch() float64 {
	var first, last float64
	crossings := 0
	for i := 1; i < len(s.pcm); i++ {
		a, b := float64(s.pcm[i-1]), float64(s.pcm[i])
		if a < 0 && b >= 0 {
			at := float64(i-1) + a/(a-b)
			if crossings == 0 {
				first = at
			}
			last = at
			crossings++
		}
	}
	if crossings < 2 {
		return 0
	}
	return float64(crossings-1) * float64(s.rate) / (last - first)
}

// jump is the largest step of phase, in radians, that a pure tone of hz makes
// from one 10 ms to the next: near 0 for an unbroken tone, up to π where a
// piece is missing, doubled or late.
func (s sound) jump(hz float64) float64 {
	block := s.rate / 100
	var last complex128
	worst := 0.0
	for i := 0; i+block <= len(s.pcm); i += block {
		var sum complex128
		for j := i; j < i+block; j++ {
			sum += complex(float64(s.pcm[j]), 0) * cmplx.Rect(1, -2*math.Pi*hz*float64(j)/float64(s.rate))
		}
		if i > 0 && last != 0 {
			worst = max(worst, math.Abs(cmplx.Phase(sum/last)))
		}
		last = sum
	}
	return worst
}

// power is how much of hz is in the sound, as the amplitude of that sine.
func (s sound) power(hz float64) float64 {
	var sum complex128
	for i, v := range s.pcm {
		sum += complex(float64(v), 0) * cmplx.Rect(1, -2*math.Pi*hz*float64(i)/float64(s.rate))
	}
	return 2 * cmplx.Abs(sum) / float64(max(1, len(s.pcm)))
}

// TestMeasures: the tests' own eyes see what they should.
func TestMeasures(t *testing.T) {
	t.Parallel()
	whole := tone(8000, 440, time.Second)
	if hz := whole.pitch(); math.Abs(hz-440) > 0.1 {
		t.Errorf("440 Hz measured as %.2f", hz)
	}
	if p := whole.power(440); math.Abs(p-16384) > 20 {
		t.Errorf("half scale measured as %.0f", p)
	}
	if j := whole.jump(440); j > 0.05 {
		t.Errorf("an unbroken tone jumps by %.2f", j)
	}
	cut := whole.between(0, 500*time.Millisecond).then(whole.between(520*time.Millisecond, time.Second))
	if j := cut.jump(440); j < 0.5 {
		t.Errorf("20 ms cut out of a tone are a jump of %.2f only", j)
	}
	b := silence(8000, 300*time.Millisecond).then(whole).then(silence(8000, time.Second)).then(whole).bursts()
	if len(b) != 2 || (b[0].start-300*time.Millisecond).Abs() > 3*time.Millisecond || (b[1].length()-time.Second).Abs() > 3*time.Millisecond {
		t.Errorf("bursts are %v", b)
	}
}
