package room_test

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/resample"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/wav"
)

// A WAV file calls in. The room plays it a tone until it presses a key, then
// lets it hear a second caller, and records the mix of both.
func Example() {
	file, _ := wav.NewReader(bytes.NewReader(fixture()))
	heard, recording := new(mediatest.Capture), new(bytes.Buffer)
	mix, _ := wav.NewStreamWriter(recording, wav.Format{Rate: 8000, Channels: 1})
	caller := &room.Port{Peer: duplex{resample.NewSource(file, file.Format().Rate), heard}, Barge: new(media.Gate)}
	other := &room.Port{Peer: duplex{mediatest.Tone(1000, -20, 0), new(mediatest.Capture)}}

	r := room.New()
	r.Plug(caller)
	caller.Play = r.Announce(1, media.Until(mediatest.Tone(440, -10, 0), caller.Barge))
	r.Taps = []media.Sink{media.SinkFunc(func(f *media.Frame) error { return mix.WriteSamples(f.PCM()) })}
	for range 50 { // a second, in no time
		r.Tick()
		for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
			switch n.Kind {
			case room.Digit:
				fmt.Printf("heard %.0f Hz, pressed %c\n", heard.Frequency(), n.Digit.Symbol)
				r.Plug(other)
				heard.Reset()
			case room.PlayEnded:
				fmt.Println("play", n.Token, "has ended:", n.Err)
			}
		}
	}
	mix.Close()
	fmt.Printf("heard %.0f Hz; %d samples are recorded\n", heard.Frequency(), mix.Frames())
	// Output:
	// heard 440 Hz, pressed 5
	// play 1 has ended: <nil>
	// heard 1000 Hz; 8000 samples are recorded
}

// duplex makes a peer of a voice and an ear.
type duplex struct {
	media.Source
	media.Sink
}

// fixture is a WAV of 16 kHz, in memory: a key after half a second, and a
// second of silence.
func fixture() []byte {
	var file bytes.Buffer
	w, _ := wav.NewStreamWriter(&file, wav.Format{Rate: 16000, Channels: 1})
	pause := mediatest.Silence(500 * time.Millisecond)
	sound := media.Concat(pause, dtmf.Tones("5", 100*time.Millisecond, time.Second, -10))
	f := media.Frame{Rate: media.Rate16k}
	for err := error(nil); err != io.EOF; {
		var n int
		n, err = sound.Read(&f)
		_ = w.WriteSamples(f.PCM()[:n])
	}
	w.Close()
	return file.Bytes()
}
