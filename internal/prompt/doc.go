// Package prompt turns the address of a sound file into a voice.
//
// # What it does
//
// A [Library] fetches a file over HTTP, decodes it (WAV, MP3, FLAC, whatever it
// is called) and gives a media.Source of it. It limits how long and how large a
// file may be, shares one download among all who ask for the same file at the
// same time, and keeps those that come with a cache id.
//
// # How it works
//
// One goroutine a download reads, decodes and appends mono samples, at the
// file's own rate, to a chain of chunks. A voice walks along that chain
// without locks and resamples on the fly, so that it plays while the rest is
// still on its way: where the samples have not come yet it is silent, and a
// download that fails midway is the voice's last word. A loop wraps inside the
// chain, before the resampler, so its seam cannot be heard. Decoding waits for
// one of few places, so that it never holds more than a part of the machine.
//
// # How to use it
//
//	p, err := library.Fetch(ctx, "https://example.com/welcome.wav", "")
//	if err := p.Ready(ctx); err != nil { … } // wraps ErrUnreachable or ErrFormat
//	port.Play = p.Source()
package prompt
