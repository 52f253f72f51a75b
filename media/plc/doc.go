// Package plc conceals lost sound: it makes up what a lost packet would have
// said, well enough that the ear does not notice a packet or two.
//
// # What it does
//
// A [Concealer] listens to everything that was heard, and continues it when
// nothing came. It works on 16-bit PCM at any rate, so one form serves every
// codec that brings no concealment of its own.
//
// # How it works
//
// It follows ITU-T G.711 Appendix I. At the start of a loss the pitch of the
// last 20 ms is found by cross-correlation, and the last pitch period is
// repeated; after 10 ms the last two, after 20 ms the last three, so that long
// gaps do not buzz. The first 10 ms keep their level, then it falls by a fifth
// every 10 ms: from 60 ms on there is silence. When sound returns, the made-up
// sound goes on under it for a moment and is faded out.
//
// Unlike Appendix I it delays nothing: the seam at the start of a loss is closed
// by a correction that dies away within a quarter of a pitch period.
//
// # How to use it
//
// In every tick call one of two:
//
//	c.Heard(pcm)   // this came; its start may be changed, to join smoothly
//	c.Conceal(pcm) // nothing came; pcm is filled
//
// Pieces of any length will do, so half a frame may be heard and the other half
// concealed. Where sound was cut out on purpose, call Cut before Heard.
package plc
