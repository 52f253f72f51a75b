// Command storm is an app behind seven webhooks, of which six misbehave.
//
// # What it does
//
// It takes the events of calls at endpoints that refuse every third time, take
// their time, break off in the middle of the answer, never end it, lead to
// forbidden places, or are dead at first; and at one that is well. It answers
// every call with one of them in turn and has a short prompt played, or it
// passes what it has accepted on to an app that does. Of every event it
// notes when it came and whether it was accepted, and says in the end what was
// lost, out of order, or late.
//
// # How it works
//
//	endpoint.go  a listener, its mood, and how it answers
//	mood.go      what comes next at an endpoint: arithmetic only
//	story.go     the events of a call, and what is wrong with them: arithmetic only
//	ledger.go    every attempt to deliver an event, and the sum of them
//	app.go       the app: answers and plays
//	main.go      what the tests tell it, a line of JSON at a time, as they tell
//	             app/app.mjs
//
// An event counts as accepted when it was answered 2xx: the status, at least,
// has left. An answer that is cut before its status is complete is no answer,
// though the app has the event by then; so it may see it again.
//
// # How to use it
//
//	storm --dead=127.0.0.1:29201                                # and ring: see storm_test.go
//	storm --dead=127.0.0.1:29201 --forward=http://127.0.0.1:29202
package main
