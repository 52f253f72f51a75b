package dtmf

import (
	"io"
	"time"

	"github.com/tipring/tipring/media"
)

// Tones is the sound of digits (ITU-T Q.23): each tone pair for on, then off of
// silence, at the level of each tone in dBm0, where a full-scale sine is +3.14.
// Two tones above -3 dBm0 clip. A comma waits a second; what is neither a
// digit, of either case, nor a comma is left out.
//
// The sound begins and ends with ramps of 3 ms. It may be read at any rate, and
// at another rate in the next frame, without a jump of phase. After the last
// pause it ends with io.EOF.
func Tones(digits string, on, off time.Duration, level float64) media.Source {
	return &keying{
		digits: digits,
		on:     inUnits(on), off: inUnits(off), comma: inUnits(time.Second),
		amplitude: amplitude(level),
	}
}

// keying is where in its digits a sound is. Time is counted in 1/96000 s, which
// every rate divides, and in whole samples at the rate being read.
type keying struct {
	digits         string
	on, off, comma int64
	amplitude      float64

	at int64 // since the present digit or comma began
}

func inUnits(d time.Duration) int64 { return max(int64(d.Seconds()*toneUnits+0.5), 0) }

// Read is media.Source.
func (k *keying) Read(f *media.Frame) (n int, err error) {
	f.Lost = false
	pcm, step := f.PCM(), int64(toneUnits/f.Rate)
	for n < len(pcm) {
		if k.digits == "" {
			return n, io.EOF
		}
		code, ok := symbol(k.digits[0])
		length, sounds := k.on+k.off, k.on
		switch {
		case k.digits[0] == ',':
			length, sounds = k.comma, 0
		case !ok:
			k.digits = k.digits[1:]
			continue
		}
		if k.at >= length {
			k.digits, k.at = k.digits[1:], k.at-length
			continue
		}
		if k.at < sounds {
			m := min(int((sounds-k.at+step-1)/step), len(pcm)-n)
			tone(pcm[n:n+m], code, k.amplitude, k.at, step, sounds)
			n, k.at = n+m, k.at+int64(m)*step
			continue
		}
		m := min(int((length-k.at+step-1)/step), len(pcm)-n)
		clear(pcm[n : n+m])
		n, k.at = n+m, k.at+int64(m)*step
	}
	return n, nil
}
