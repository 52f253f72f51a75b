// Package record writes what is heard to a file: every participant on a channel
// of its own, or everybody on one.
//
// # What it does
//
// A [Recorder] has a fixed number of channels at 16 kHz. [Recorder.Channel]
// gives the ear of each: plug it into the taps of a port (unmixed) or of a room
// (mixed). What they hear is written side by side, in step to the sample: the
// tick number of a frame is its place in the file, whatever the clock on the
// wall says.
//
// # How it works
//
// An ear brings frames to 16 kHz and puts them into a ring of two seconds; that
// is all that is done in the tick. [Recorder.Run], on a goroutine of its own,
// takes them out and writes one row for each tick. A channel that has no frame
// for a tick (nobody is there yet, or any more; the tick was skipped; the ring
// ran over because the disk was slow) is silent in that row. A row is written
// as soon as a later tick has been heard on any channel, because then every ear
// has had its turn.
//
// A pause takes rows out of the file; a stop ends it. Both name the tick from
// which they count. Every half second of sound the file is brought into a state
// in which it can be read: that is what a crash costs.
//
// # How to use it
//
//	rec := record.Unmixed(file, 2) // file: a wav.Writer, say
//	r.Do(func(r *room.Room) {
//		rec.Start(r.Now())
//		alice.Taps = append(alice.Taps, rec.Channel(0))
//		bob.Taps = append(bob.Taps, rec.Channel(1))
//	})
//	go func() { done <- rec.Run(ctx) }()
//	…
//	rec.Stop(r.Now())
//	err := <-done
//	report := rec.Report()
package record
