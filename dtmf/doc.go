// Package dtmf hears, makes and collects the digits of a telephone's keypad.
//
// # What it does
//
// A digit reaches us in three ways, and there is one type for each:
//
//   - [Detector] finds it in the sound (ITU-T Q.23, Q.24),
//   - [Receiver] reads it from RFC 4733 telephone-event packets,
//   - [ParseInfo] reads it from the body of a SIP INFO.
//
// [Merger] makes one stream of the three, in which a key press comes once.
// [Collector] gathers digits until there are enough of them. In the other
// direction [Sender] makes telephone-event packets and [Tones] makes sound.
//
// # How it works
//
// Nothing here has a clock, a goroutine or a lock. Time is the tick of the
// frame or packet that comes in, so all of it runs inside a room's tick and
// allocates nothing there. Loss is part of the interface: a lost frame or
// packet neither splits a digit nor makes one.
//
// The detector cuts the sound into segments of 5 ms and takes eight phasors of
// each, one for each frequency of the keypad, with eight resonators (Goertzel).
// Phasors of neighbouring segments add up to those of longer windows at any
// hop, and their turn from one to the next is the exact frequency of a tone.
// So every 5 ms a window of 20 ms is judged by what share of the sound the two
// tones have, how far they are from their places, how steady and how unequal
// they are. Four good windows in a row make a candidate, and a second look takes
// its two tones out of the last 25 ms: what remains must be little, or noise. A
// digit is reported some 33 ms of sound after its start, and ends when 25 ms are
// without it.
//
// Limits: tones of 34 ms and longer, off by 1.5 % + 2 Hz, 38 dB below 1 mW, the
// row louder by 9 dB or the column by 5, noise 3 dB below both. Below that,
// sound is no digit. A dial tone or hum as loud as the digits is still too much.
//
// # How to use it
//
//	var ear dtmf.Detector // the zero value is ready
//	ear.Write(&frame)     // once per tick
//	for {
//		digit, ok := ear.Next()
//		if !ok {
//			break
//		}
//		if merger.Add(digit) {
//			fmt.Printf("%c\n", digit.Symbol)
//		}
//	}
package dtmf
