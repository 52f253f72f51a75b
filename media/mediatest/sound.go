package mediatest

import (
	"time"

	"github.com/tipring/tipring/media"
)

// Tone is a sine of freq hertz at a level in dBm0 (FullScale is the loudest
// that does not clip), for d, then io.EOF; d = 0 is for ever. It begins at
// phase 0, and its phase goes on through a change of the frame's rate.
func Tone(freq, dBm0 float64, d time.Duration) media.Source {
	return &tone{length: length{left: inUnits(d), endless: d <= 0}, freq: freq, peak: Peak(dBm0)}
}

// Silence is zeros for d, then io.EOF; d = 0 is for ever.
func Silence(d time.Duration) media.Source {
	return &tone{length: length{left: inUnits(d), endless: d <= 0}}
}

// Noise is white Gaussian noise with the power of a tone of dBm0, for d, then
// io.EOF; d = 0 is for ever. The same seed gives the same samples.
func Noise(seed uint64, dBm0 float64, d time.Duration) media.Source {
	return newNoise(seed, Peak(dBm0), length{left: inUnits(d), endless: d <= 0})
}

// inUnits rounds d to the grid of all common sampling rates.
func inUnits(d time.Duration) int64 {
	const second = int64(time.Second)
	whole, rest := int64(d)/second, int64(d)%second
	return whole*unitsPerSecond + (rest*unitsPerSecond+second/2)/second
}
