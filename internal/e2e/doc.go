// Package e2e tests a whole server from outside, with the programs its users
// have.
//
// # What it does
//
// It builds the tipring command and runs it, has baresip (a real SIP phone) and
// sipp place calls to it, and drives those calls with Microsoft's own Call
// Automation clients, unmodified: with JavaScript's in every test, with Python's
// and Java's in a whole call each. What the phone heard is recorded and measured.
//
// # How it works
//
// Everything runs on loopback, on ports that were free when they were picked,
// with its files in the test's own folder. app/ is a Call Automation app of a
// page that the tests steer line by line, python/ and java/ are its smaller kin,
// of which one script asks the same; ../../testdata/e2e/sipp holds the
// scenarios of sipp. The tests measure sound with arithmetic of their own, not
// with the code they test. A tool that is missing fails the tests.
//
// The tests of crashes (crash_*_test.go) have an app and telephones of their own,
// in Go, that outlive the server and keep books: a life of TestFiftyCrashes is a
// start, some load, a kill at a random moment, a restart, and an audit of what
// was promised against what was told. Beside it a disk is filled, the journal's
// files are damaged, and the clock is set, by a server whose Go tells another
// time.
//
// # How to use it
//
//	make test                              # installs the tools, runs every test
//	go test ./internal/e2e -run TestCall   # once they are there
//	CRASH_SEED=7 go test ./internal/e2e -run TestFiftyCrashes -v   # the chances of an earlier run
package e2e
