// Package media holds the words of the sound path: Frame, Rate, Source, Sink,
// Filter, and the few ways to join them.
//
// # What it does
//
// Sound moves in frames of one Period (20 ms). A Source is pulled and a Sink is
// pushed, once per period, on one goroutine, with no lock, no wait and no
// allocation. Everything slow (a disk, a socket, a recognizer) stands behind a
// [Ring].
//
// # How it works
//
// Who asks for sound brings the [Frame] and says at which [Rate]; who gives it
// fills that frame and keeps nothing. So there are no pools, no reference
// counts and no queues between two pieces of the pipeline. Loss is part of the
// interface: a frame that had to be made up says so in Frame.Lost, and
// Frame.Tick counts on through it.
//
// # How to use it
//
// Compose sources ([Concat], [Loop], [Until], [Then]), plug them into a room
// (package media/room), and tick it:
//
//	port.Play = media.Then(media.Concat(welcome, menu), func(err error) { … })
//	for range 50 { r.Tick() } // one second
//
// The package imports the standard library only, and everything imports it.
package media
