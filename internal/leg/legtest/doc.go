// Package legtest is a network leg in memory, for tests and scenarios.
//
// # What it does
//
// A [Leg] is a leg.Leg and a leg.Incoming without a network. What its far end
// says is a media.Source, what it hears is kept for a while, it presses digits,
// and it rings, answers and hangs up when the test says so.
//
// # How it works
//
// The test plays the far end, with Say, Press, Hold, HangupByFarEnd, Cancel …;
// the server plays the near end, with the methods of leg.Leg. Both may do so at
// the same time, on goroutines of their own. There is no clock in a Leg: it
// lives by the frames that the room reads and writes.
//
// # How to use it
//
//	alice := legtest.New(leg.Call{From: leg.Party{ID: "4:+15550100"}})
//	alice.Say(mediatest.Tone(440, -10, 0))
//	go registry.Incoming(ctx, alice)
//	<-alice.Answered()
//	… tick …
//	alice.Press("5")
//	samples := alice.Heard(200 * time.Millisecond)
//	alice.HangupByFarEnd()
package legtest
