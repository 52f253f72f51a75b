// Package resample brings sound from one sampling rate to another.
//
// # What it does
//
// A [Resampler] converts a stream of samples between any two rates from 4 to
// 192 kHz. [NewSource] makes a voice of a file's samples, whatever its rate,
// which obeys the rate of the frame it is asked for. A [Converter] converts
// frame by frame (room to codec and back), [NewSink] does so for a tap.
//
// # How it works
//
// One filter serves all ratios: a sinc in a Kaiser window, 16 samples of the
// lower rate to either side. It is flat to 0.1 dB up to 85 % of the lower
// rate's Nyquist frequency (3,400 Hz at 8 kHz: the telephone's band) and down
// by more than 70 dB from 115 % on; what lies between comes down, or folds,
// above the telephone's band only.
//
// Whole ratios of 2 and 3 use that its zeros fall on samples (half-band and
// third-band filters): half or a third of the samples are copied as they are.
// 4, 6 and 12 are two or three such stages, of which only the one at the
// lowest rate is sharp. Every other ratio is a bank of rows, one for each
// phase; where there are more than 640 phases, one in between two rows. Banks
// are made once and shared. Phases are counted in whole numbers, so nothing
// drifts, and the filter's past is kept, so the edges of frames are not heard.
//
// Measured, a frame of 20 ms, without allocation: 8 to 16 kHz 2.5 µs and back
// 2.6, 8 to 24 kHz 4.5, 8 to 48 kHz 8.4 and back 8.4, 44.1 to 8 kHz 12, 44.1
// to 16 kHz 14, 11.025 to 8 kHz 4.5, an odd rate (44,101 Hz) to 8 kHz 22. A
// source whose file begins or ends in the middle of a sound spends 25 to 50 µs
// more at that edge, once, so that a looped tone has no seam: the sound is
// carried on beyond the edge by linear prediction, for the filter alone.
//
// # How to use it
//
//	port.Play = resample.NewSource(clip, 44100)          // clip: a media.SampleReader
//	port.Taps = append(port.Taps, resample.NewSink(media.Rate16k, ring))
//
//	r := resample.New(44100, 8000)
//	n := r.Process(dst, src)
//	n += r.Flush(dst[n:])                                // the first r.Delay() samples are before the sound
package resample
