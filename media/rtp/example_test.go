package rtp_test

import (
	"fmt"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/mediatest"
	"github.com/tipring/tipring/media/rtp"
)

// Two ends of a session in memory: one says a tone, the other hears it. With
// Listen in place of Pipe they are two sockets.
func Example() {
	a, b := rtp.Pipe()
	mulaw, _ := codec.ByName("PCMU")
	alice, err := rtp.NewEndpoint(rtp.Config{Conn: a, Codec: mulaw, Remote: b.LocalAddr()})
	if err != nil {
		panic(err)
	}
	bob, err := rtp.NewEndpoint(rtp.Config{Conn: b, Codec: mulaw, Remote: a.LocalAddr()})
	if err != nil {
		panic(err)
	}
	tone, heard := mediatest.Tone(440, -10, 0), new(mediatest.Capture)
	f := media.Frame{Rate: media.Rate8k}
	for range 100 { // two seconds
		f.Tick++
		media.Pull(tone, &f)
		alice.Write(&f)
		media.Pull(bob, &f)
		heard.Write(&f)
		a.Advance(int64(media.Period))
	}
	fmt.Printf("%.0f Hz, %d packets\n", heard.Frequency(), bob.Stats().PacketsIn)
	alice.Close()
	bob.Close()
	// Output: 440 Hz, 100 packets
}
