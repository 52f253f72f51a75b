// Package mix is the arithmetic of a conference: the sum of all voices, and
// for each ear that sum without its own voice.
//
// # What it does
//
// A [Sum] adds up the voices of one tick. [Sum.Without] is the sum without
// one of them (mix-minus), [Sum.With] the same and something played to that
// ear alone, [Sum.All] the whole, for a recording or a listener.
//
// # How it works
//
// The sum is kept in 32 bits, so no order of voices and no number up to 65,535
// of them overflows; taking one voice out again is exact. Each result is
// brought into 16 bits by saturation, once, at the end. That is all the
// limiting there is, on purpose: it has no state and no gain to pump, and one
// voice alone, however loud, comes through bit by bit. Two voices meet the
// limit only where their sum is above full scale.
//
// A port costs one pass over its frame, whatever the number of ports. Measured
// at 8 kHz: Add 70 ns, Without 145 ns, With 170 ns.
//
// # How to use it
//
//	sum.Reset(rate)
//	for … { sum.Add(voice) }
//	for … { sum.With(own, play, out) }
package mix
