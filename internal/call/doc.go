// Package call is the only place that knows everything of a call: who is in
// it, who controls it, what is played, collected, recorded and streamed, and
// what its applications have been told.
//
// # What it does
//
// A [Registry] holds the calls of a server. Doors (package api) give it
// commands, makers of legs (package sip) give it incoming calls, and it
// tells events (package event). It keeps what a restart needs to know, so that
// nothing it has promised is forgotten when the process is killed.
//
// # How it works
//
// Every rule is in [Machine], which is pure: Step(now, input) → actions. A
// [Call] is one goroutine that feeds the machine with what happens (commands,
// leg events, notices of the room, timers) and carries out its actions. Sound
// never passes here: it moves in the call's room (package media/room), between
// two ticks of which the call plugs, plays and taps.
//
//	command.go    what applications ask         machine.go    a call's life: step by step
//	input.go      what the machine is told      end.go        how it ends
//	action.go     what it wants done            invite.go     who is rung: create, add, redirect, connect
//	registry.go   where calls are found         people.go     who is in it: join, leave, mute, hold
//	ask.go        how applications reach them   transfer.go   who is handed over, or moved
//	call.go       the goroutine                 open.go       groups and rooms
//	carry.go      how actions are carried out   operation.go  play, recognize, send: one at a time
//	legs.go       legs: dialled, plugged, ended request.go    commands, continuous digits, hang-up
//	tap.go        what streams and records hear recognize.go  what is pressed: when it is enough
//	entry.go      how a step is kept            streaming.go, recording.go, tell.go
//	recover.go    what a killed process left    memo.go       what is remembered
//	                                            restart.go    a call's last words
//
// A step is carried out in three parts. What is heard in the room alone is done
// at once. Then one [Entry], the machine's memo and the events of the step, is
// kept together or not at all. Only then anything leaves the house: answers,
// events, what telephones and websockets are told. So a process may be killed at
// any instant: [Registry.Recover] restores each machine from its memo, and in one
// step it ends what was accepted and had not ended, with the next numbers, once.
//
// What cannot be kept (the disk is full) is logged and counted. The call goes on,
// its events are delivered from memory, and what it has to remember is tried
// again: with the next step, or by itself after a few seconds.
//
// # How to use it
//
//	calls := call.NewRegistry(call.Config{Keep: keep, …})
//	phones.OnIncoming = calls.Incoming
//	properties, err := calls.Answer(ctx, call.Answer{Token: token, Callback: url})
package call
