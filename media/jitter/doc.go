// Package jitter holds packets of sound until their turn: an adaptive jitter
// buffer without a clock.
//
// # What it does
//
// Packets come when the network likes: late, twice, in the wrong order, in
// lengths of 10 to 60 ms, from a sender whose clock is not ours. A [Buffer]
// takes them as they come ([Buffer.Push]) and gives exactly one period (20 ms)
// of media every time it is asked ([Buffer.Pop]), as short a time after as the
// network allows.
//
// # How it works
//
// Time is counted in units of the RTP clock. The buffer has a cursor, the
// timestamp that is played next, and Pop moves it on by a period; packets are
// cut and joined at the cursor, so their length does not matter.
//
// There is no clock. Three numbers are learnt from the packets' arrival stamps,
// each over the last few seconds:
//
//	base   the least (arrival − timestamp): a packet that was not delayed
//	need   the most that a packet came after that: how deep we must be
//	lead   the most (arrival − cursor): how late it was, at the least, when we
//	       last were ready to play a packet that had just come
//
// lead − base is the depth: how long an undelayed packet waits. Four things
// change it. When there is nothing to play, the cursor stands still, so the
// buffer grows by what it had to wait, at once. When packets come too late while
// later ones are there, a period is inserted. When for seconds there has been
// more than is needed by a period and a half, a period is left out, in a quiet
// moment if one comes. When more is held than Config.Max, the oldest goes. A
// sender whose clock is slow or fast makes depth creep down or up, and is
// followed by the same rules.
//
// A packet far from all others (sequence number or timestamp) is believed when
// a second one follows it.
//
// # How to use it
//
//	b := jitter.New(jitter.Config{Clock: 8000})
//	b.Push(seq, timestamp, payload, arrival)        // each packet; arrival in ns
//	for _, p := range b.Pop(quiet) {                // once per period
//		// p.State: Heard → decode p.Payload; Lost → conceal p.Units; …
//	}
//
// Memory is made by New: about 3 KiB and Config.Bytes. Nothing is allocated
// after that.
package jitter
