package load

import (
	"io"
	"math"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
)

// payloadSize is a period of µ-law.
const payloadSize = 160

// speech is some seconds of something like speech at 8 kHz: syllables of a
// gliding voice with two formants, breath between them, a floor of noise. It
// makes the detector of digits work, and holds no digit.
func speech(seconds int) []int16 {
	pcm := make([]int16, seconds*8000)
	state, phase := uint32(1), 0.0
	for i := range pcm {
		t := float64(i) / 8000
		syllable := math.Max(0, math.Sin(2*math.Pi*3.7*t)) * (0.6 + 0.4*math.Sin(2*math.Pi*0.31*t))
		pitch := 130 + 35*math.Sin(2*math.Pi*0.7*t) + 12*math.Sin(2*math.Pi*2.3*t)
		first, second := 500+200*math.Sin(2*math.Pi*1.1*t), 1400+500*math.Sin(2*math.Pi*0.9*t)
		phase += pitch / 8000
		sound := 0.0
		for k := 1.0; k*pitch < 3400; k++ {
			hz := k * pitch
			gain := bell(hz, first, 120) + 0.5*bell(hz, second, 180) + 0.03
			sound += gain * math.Sin(2*math.Pi*k*phase)
		}
		state = state*1664525 + 1013904223
		noise := float64(int32(state)) / (1 << 31)
		pcm[i] = int16(3500*syllable*sound + 60*noise)
	}
	return pcm
}

func bell(hz, centre, width float64) float64 {
	x := (hz - centre) / width
	return math.Exp(-x * x / 2)
}

// announcement is a prompt without a pause, so that a packet without sound is a
// fault.
func announcement(seconds int) []int16 {
	pcm := make([]int16, seconds*8000)
	for i := range pcm {
		t := float64(i) / 8000
		pcm[i] = int16(4000*math.Sin(2*math.Pi*350*t) + 2000*math.Sin(2*math.Pi*(500+20*math.Sin(2*math.Pi*t))*t))
	}
	return pcm
}

// Speech is some seconds of what the phones say, as payloads of µ-law, 20 ms
// each.
func Speech(seconds int) [][]byte { return payloads(speech(seconds)) }

// payloads cuts sound into packets of µ-law.
func payloads(pcm []int16) [][]byte {
	pcmu, _ := codec.ByName("PCMU")
	encoder := pcmu.NewEncoder()
	var all [][]byte
	for ; len(pcm) >= payloadSize; pcm = pcm[payloadSize:] {
		p := make([]byte, payloadSize)
		encoder.Encode(p, pcm[:payloadSize])
		all = append(all, p)
	}
	return all
}

// press is a key pressed for 100 ms, with a rest before and after.
func press(symbol byte) [][]byte {
	const rest = 3 * payloadSize
	pcm := make([]int16, rest)
	source := dtmf.Tones(string(symbol), 100*time.Millisecond, 0, -10)
	f := media.Frame{Rate: media.Rate8k}
	for err := error(nil); err != io.EOF; {
		var n int
		n, err = source.Read(&f)
		pcm = append(pcm, f.PCM()[:n]...)
	}
	return payloads(append(pcm, make([]int16, rest+payloadSize-len(pcm)%payloadSize)...))
}
