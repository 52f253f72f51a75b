// Package recording is a recording's life: begun, paused, resumed, stopped, kept
// on disk and handed out.
//
// # What it does
//
// A [Recording] turns the voices of a call into a file: a channel for each
// participant (unmixed), or one for all. A [Store] keeps finished documents in
// a folder, each as sound and as a page of metadata in the form that Azure
// Communication Services gives it.
//
// # How it works
//
// Package media/record does the writing, behind rings, in step with the call's
// ticks. While it goes on the document has a temporary name; at the end it is
// synced and renamed, sound first and metadata after it, so that a document
// that can be found is complete.
//
// # What a crash leaves
//
// The sound is in the file at most half a second after it was heard, and a
// manifest beside it says whose it is, who is on which channel and what was
// paused. So of a process that is killed nothing older is lost. A second
// goroutine brings sound and manifest to the disk when something changes and
// every five seconds: that is what a loss of power may cost. The writing never
// waits for it, and the call's ticks for neither.
//
// [Store.Repair] completes after a restart what was running, in the way of a
// normal close. The manifest stays until [Store.Announced], and as long as it
// stays Repair gives the recording's [Result]. So the end of a recording can be
// told exactly once: by whoever remembers, durably, that it is still to be told.
//
// # How to use it
//
//	rec, err := store.Start(recording.Options{ID: id, Channels: []string{"4:+15550100"}})
//	port.Taps = append(port.Taps, rec.Tap("4:+15550100"))
//	go rec.Run(ctx)
//	…
//	result, err := rec.Stop(ctx)
//	… // result.Ready() is told, durably
//	err = store.Announced(result.ID)
//	file, info, err := store.Open(result.Chunks[0].Document)
//
// After a restart, before anything else:
//
//	results, err := store.Repair(ctx)
package recording
