package mediatest

import (
	"io"
	"math"
	"math/rand/v2"

	"github.com/tipring/tipring/media"
)

// FullScale is the level in dBm0 of a sine that just reaches full scale
// (ITU-T G.711, table of the digital reference sequence, A-law).
const FullScale = 3.14

// Peak is the peak, in sample values, of a sine of a level in dBm0.
func Peak(dBm0 float64) float64 { return math.MaxInt16 * math.Pow(10, (dBm0-FullScale)/20) }

// unitsPerSecond is a common multiple of the sampling rates in use (the rates
// of media, 11.025, 12, 22.05 and 44.1 kHz), so that lengths are exact.
const unitsPerSecond = 14_112_000

// length counts down how much sound is left.
type length struct {
	left    int64 // in units
	endless bool
}

// take says how many of n samples at a rate are left, and counts them off.
func (l *length) take(n int, rate media.Rate) (int, error) {
	if l.endless {
		return n, nil
	}
	unit := unitsPerSecond / int64(rate)
	if left := (l.left + unit - 1) / unit; left <= int64(n) {
		l.left = 0
		return int(left), io.EOF
	}
	l.left -= int64(n) * unit
	return n, nil
}

type tone struct {
	length
	freq, peak float64
	phase      float64 // in turns
}

func (s *tone) Read(f *media.Frame) (int, error) {
	f.Lost = false
	pcm := f.PCM()
	n, err := s.take(len(pcm), f.Rate)
	step := s.freq / float64(f.Rate)
	for i := range pcm[:n] {
		pcm[i] = int16(math.Round(s.peak * math.Sin(2*math.Pi*(s.phase+float64(i)*step))))
	}
	_, s.phase = math.Modf(s.phase + float64(n)*step)
	return n, err
}

type noise struct {
	length
	random *rand.Rand
	rms    float64
}

func newNoise(seed uint64, peak float64, l length) *noise {
	return &noise{length: l, random: rand.New(rand.NewPCG(seed, seed)), rms: peak / math.Sqrt2}
}

func (s *noise) Read(f *media.Frame) (int, error) {
	f.Lost = false
	pcm := f.PCM()
	n, err := s.take(len(pcm), f.Rate)
	for i := range pcm[:n] {
		v := math.Round(s.random.NormFloat64() * s.rms)
		pcm[i] = int16(min(max(v, math.MinInt16), math.MaxInt16))
	}
	return n, err
}

// Lossy plays s and loses frames by a pattern of one character a frame, which
// repeats: 'x' is lost, anything else is heard. "...x" loses every fourth. A
// lost frame is read from s and thrown away: it comes as zeros, Lost set.
func Lossy(s media.Source, pattern string) media.Source {
	next := 0
	return media.SourceFunc(func(f *media.Frame) (int, error) {
		n, err := s.Read(f)
		if pattern == "" {
			return n, err
		}
		if pattern[next%len(pattern)] == 'x' && n > 0 {
			clear(f.PCM()[:n])
			f.Lost = true
		}
		next++
		return n, err
	})
}
