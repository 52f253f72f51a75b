// Command bench measures a whole server: what a leg costs, how many fit on a
// core, and whether calls that come and go leave anything behind.
//
// # What it does
//
//	go run ./bench          hold, ladder and churn, about five minutes
//	go run ./bench hold     500 IVR legs for a minute
//	go run ./bench ladder   more and more legs, until packets come late
//	go run ./bench churn    5,000 short calls
//	go run ./bench events   how fast events are, and how many a second there can be
//	go run ./bench restart  1,000 calls, a killed server, and the end of the last call
//	go run ./bench rsa      signatures beside the ticks, with and without protection
//
// All but the last start a server of their own, hold it to one core and
// themselves to another. Each prints what it has measured, as text or, with
// --json, as JSON. README.md beside this file keeps results. `go test -bench .
// ./bench` measures a leg without sockets and processes.
//
// # How it works
//
// The server is a second process of the same program (serve.go): the whole
// server of package server, with the profiler of the Go runtime beside it.
// Package load, below, is the far end. What the process costs is read from
// /proc, so all this needs Linux; elsewhere it runs, and shows zeros.
//
// # How to use it
//
// Run it on a machine with two cores at least and nothing else to do; a line of
// the result says how much of the server's core others have used.
package main
