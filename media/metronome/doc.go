// Package metronome ticks many rooms on few threads.
//
// # What it does
//
// A [Metronome] calls the Tick of everything that was added to it, every 20 ms,
// each always on the same goroutine. It is the only clock of the sound path;
// what it ticks knows none.
//
// # How it works
//
// There is one worker for each core, a goroutine locked to its thread, with a
// higher priority where the system allows it. A worker divides the period into
// four slots of 5 ms, so that what is sent is spread over the period. Whoever
// is added gets a [Seat] in the slot with the fewest others and keeps it for
// life: two goroutines never tick it.
//
// Deadlines are absolute, start + k × 5 ms, so nothing drifts. A worker that
// comes late runs the ticks it has missed at once, up to three of each; beyond
// that it skips, calls Skip of whoever has it, and counts.
//
// Joining and leaving go through a letterbox that the worker looks into at each
// slot without ever waiting for it. A worker without seats sleeps until the
// first.
//
// By default all waiting is done with package time, so under testing/synctest a
// metronome runs in virtual time. [Nanosleep] is for the real one.
//
// # How to use it
//
//	clock := metronome.New(metronome.Config{})
//	go clock.Run(ctx)
//	seat := clock.Add(room)
//	…
//	seat.Remove(func() { leg.Close() }) // after the last tick, on the worker
package metronome
