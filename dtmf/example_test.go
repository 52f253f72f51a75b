package dtmf_test

import (
	"fmt"
	"time"

	"github.com/tipring/tipring/dtmf"
	"github.com/tipring/tipring/media"
)

// Digits are made as sound and found in it again.
func ExampleDetector() {
	voice := dtmf.Tones("14#", 80*time.Millisecond, 80*time.Millisecond, -10)
	var ear dtmf.Detector
	f := media.Frame{Rate: media.Rate16k}
	for range 26 { // half a second
		media.Pull(voice, &f)
		ear.Write(&f)
		for digit, ok := ear.Next(); ok; digit, ok = ear.Next() {
			fmt.Printf("%c by tick %d\n", digit.Symbol, digit.Tick)
		}
		f.Tick++
	}
	// Output:
	// 1 by tick 0
	// 4 by tick 8
	// # by tick 16
}

// A key press that comes as an event and as sound is one digit.
func ExampleMerger() {
	var m dtmf.Merger
	for _, d := range []dtmf.Digit{
		{Symbol: '5', Way: dtmf.Event, Tick: 100},
		{Symbol: '5', Way: dtmf.InBand, Tick: 103}, // through the jitter buffer
		{Symbol: '5', Way: dtmf.Event, Tick: 112},  // pressed again
	} {
		fmt.Println(d.Way, m.Add(d))
	}
	// Output:
	// telephone-event true
	// in-band false
	// telephone-event true
}
