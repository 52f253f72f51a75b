// Package room is who hears whom: ports, mute, hold, play, taps and the mix. It
// is the pipeline itself, for anyone to import.
//
// # What it does
//
// A [Room] holds [Port] values. Each port leads to a [Peer], anything that is
// both a voice and an ear: a leg of a call, a websocket, a WAV file in a test.
// Once per tick (20 ms) the room takes a frame from every peer, finds the
// digits in it, hands it to the port's taps, and gives every peer the sum of
// the others, the room's play and the port's own play.
//
// # How it works
//
// [Room.Tick] is the whole of it, in four steps:
//
//	hear      read every peer, take its digits, run its filters, look for digits in its sound;
//	          a digit opens its port's gate and becomes a notice
//	observe   feed the ports' taps
//	mix       add up who is neither muted nor held, pull the room's play, feed the room's taps
//	speak     sum − own + own play, to every peer
//
// All of it happens on the goroutine that calls Tick, with no clock, no wait,
// no lock and no allocation. Plays are pulled after digits are known, so a
// play that is wrapped in media.Until is silent in the very tick in which the
// key was heard. The room's rate is the highest of its peers' rates, chosen
// again in every tick.
//
// There is one way in and one way out. [Room.Do] runs a function between two
// ticks, on the ticking goroutine; it is the only way to touch a Room or a
// Port that is being ticked. [Room.Notices] tells what happened: a digit, a
// play that ended, a port that failed. Nothing in a tick returns an error: what
// fails is taken out, and a notice says so.
//
// # How to use it
//
//	r := room.New()
//	caller := &room.Port{Peer: leg}
//	r.Do(func(r *room.Room) {
//		r.Plug(caller)
//		caller.Barge = new(media.Gate)
//		caller.Play = r.Announce(1, media.Until(prompt, caller.Barge))
//	})
//	seat := clock.Add(r) // package metronome; or, in a test: for range 50 { r.Tick() }
//	for range r.Notices().C() {
//		for n, ok := r.Notices().Next(); ok; n, ok = r.Notices().Next() {
//			…
//		}
//	}
package room
