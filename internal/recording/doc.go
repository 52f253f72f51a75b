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
// # How to use it
//
//	rec, err := store.Start(recording.Options{ID: id, Channels: []string{"4:+15550100"}})
//	port.Taps = append(port.Taps, rec.Tap("4:+15550100"))
//	go rec.Run(ctx)
//	…
//	result, err := rec.Stop(ctx)
//	file, info, err := store.Open(result.Chunks[0].Document)
package recording
