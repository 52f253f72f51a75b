// Package wav reads WAV files as streams and writes them.
//
// # What it does
//
// A [Reader] gives the samples of any common WAV as 16-bit linear PCM: integer
// PCM of 8, 16, 24 and 32 bits, float of 32 and 64, A-law and µ-law, plain or
// WAVE_FORMAT_EXTENSIBLE, 4 to 192 kHz, one channel or many, mixed down to one
// or apart. A [Writer] writes 16-bit PCM of any number of channels.
//
// # How it works
//
// The reader needs an io.Reader only and a fixed buffer, so a prompt plays
// while it is still being fetched. Chunks it does not know are skipped; a data
// chunk of size 0xFFFFFFFF, or of size 0 where the file's own size is unset
// too, goes to the end of the stream, as encoders write that cannot seek; RF64
// (EBU Tech 3306) gives sizes over 4 GiB. A file that ends early ends with
// io.EOF. What is not audio we can read is [ErrFormat]; a failure of the
// io.Reader is that failure, so the two can be told apart.
//
// The writer patches the sizes in the header at each Flush, so a recording
// that is cut off by a crash plays up to its last Flush. [Mend] makes a whole
// file of it, with all that was written.
//
// # How to use it
//
//	r, err := wav.NewReader(file)
//	port.Play = resample.NewSource(samples, r.Format().Rate)
//
//	w, err := wav.NewWriter(file, wav.Format{Rate: 16000, Channels: 2})
//	err = w.WriteSamples(interleaved)
//	err = w.Close()
package wav
