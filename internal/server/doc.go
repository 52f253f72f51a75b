// Package server is the only wiring: it makes every room of the house and says
// who talks to whom.
//
// # What it does
//
// [New] opens the listeners of a configuration, [Server.Run] serves until its
// context is done, drains, and returns when nothing of it is left.
//
// # How it works
//
// Telephones (package sip) bring incoming legs to the registry of calls.
// Applications come in through package api. What a call remembers and what it
// tells goes to package webhook, which keeps both in one commit of the journal
// and delivers the events. One metronome ticks all rooms. A server that was
// killed is recovered before the next one takes calls (recover.go).
//
// # How to use it
//
//	s, err := server.New(config.Default(), slog.Default())
//	…
//	err = s.Run(ctx) // drains when ctx is done
package server
