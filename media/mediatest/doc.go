// Package mediatest holds test sounds, a recording ear and the conformance
// tests of media.Source, media.Sink and media.Filter.
//
// # What it does
//
// [TestSource], [TestSink] and [TestFilter] drive an implementation through
// the legal returns and the borrowing rules that package media states.
// [Tone], [Silence] and [Noise] are voices; [Lossy] drops frames of one;
// [Capture] is an ear that keeps everything and measures it; [Sound] measures
// samples from anywhere else (a file, a packet trace).
//
// # How it works
//
// Everything obeys the rate of the frame it is asked for and counts in
// samples, so a test that ticks a room in a loop is exact and repeatable.
// Levels follow ITU-T G.711: 0 dBFS is a sine that just reaches full scale,
// which is +3.14 dBm0 ([FullScale]); so dBFS = dBm0 − 3.14.
//
// # How to use it
//
//	var heard mediatest.Capture
//	port.Play = mediatest.Tone(440, -10, time.Second)
//	… tick …
//	if f := heard.Frequency(); math.Abs(f-440) > 1 { … }
//	if jumps := heard.PhaseJumps(440); len(jumps) > 0 { … }
//
//	func TestPromptIsASource(t *testing.T) {
//		mediatest.TestSource(t, func() media.Source { return prompt() })
//	}
//
// The package imports package media and the standard library only.
package mediatest
