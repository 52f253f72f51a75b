// Package load is the far end of a server under load: hundreds of telephones
// and the app that serves them, in one process that measures what it hears.
//
// # What it does
//
// [Phones] places real SIP calls, answers them as an application would, has a
// looped prompt played to each and continuous recognition of digits started:
// every leg is a whole IVR leg. Each phone then talks 50 packets a second,
// presses a key in the sound now and then, and measures each packet of the
// prompt by the kernel's time stamps. [Watch] reads what the server's process
// costs.
//
// # How it works
//
//	phone.go    a SIP caller: INVITE, ACK, BYE over one UDP socket
//	app.go      Event Grid subscriber, callbacks, prompt: net/http
//	acts.go     what is asked of standing calls, and how they ended
//	sound.go    one loop for all phones: receives and sends, a twentieth of the
//	            phones each millisecond, at absolute deadlines
//	line.go     one phone's RTP
//	ear.go      sequence numbers and spacing: arithmetic only
//	voice.go    what the phones say: arithmetic only
//	watch.go    /proc and /metrics of the server
//
// It shares with the server only its socket type, codec and tone generator.
//
// # How to use it
//
//	p, err := load.New(load.Config{App: listener})
//	go p.Run(ctx)
//	// start a server with --events=p.EventsURL(), then
//	p.Connect(load.Server{HTTP: …, SIP: …, Key: …})
//	err = p.Call(ctx, 500)
//	heard := p.Measure(ctx, time.Minute)
//	err = p.HangUp(ctx)
//
// The command in the folder above does this and prints the result.
package load
