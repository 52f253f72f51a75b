package record_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/record"
	"github.com/tipring/tipring/media/wav"
)

// Two voices, one channel each. The second comes half a second later.
func Example() {
	file, _ := os.CreateTemp("", "*.wav")
	defer os.Remove(file.Name())
	defer file.Close()
	out, _ := wav.NewWriter(file, wav.Format{Rate: int(record.Rate), Channels: 2})
	rec := record.Unmixed(out, 2)
	rec.Sync = file.Sync

	alice, bob := mediatest.Tone(440, -10, 0), mediatest.Tone(1000, -10, 0)
	rec.Start(0)
	for f := (media.Frame{Rate: media.Rate8k}); f.Tick < 50; f.Tick++ {
		alice.Read(&f)
		rec.Channel(0).Write(&f)
		if f.Tick >= 25 {
			bob.Read(&f)
			rec.Channel(1).Write(&f)
		}
	}
	rec.Stop(50)
	fmt.Println(rec.Run(context.Background()))
	fmt.Println(rec.Report().Duration())

	file.Seek(0, 0)
	in, _ := wav.NewReader(file)
	row, sound := make([]int16, 2), [2]mediatest.Sound{{Rate: int(record.Rate)}, {Rate: int(record.Rate)}}
	for n, err := in.ReadChannels(row); n > 0 && err == nil; n, err = in.ReadChannels(row) {
		for i, v := range row {
			sound[i].PCM = append(sound[i].PCM, v)
		}
	}
	for i, s := range sound {
		at := time.Duration(s.FirstSound(1000)) * time.Second / time.Duration(record.Rate)
		fmt.Printf("channel %d: %.0f Hz from %v on\n", i, s.Frequency(), at.Round(10*time.Millisecond))
	}
	// Output:
	// <nil>
	// 1s
	// channel 0: 440 Hz from 0s on
	// channel 1: 1000 Hz from 500ms on
}
