// Package directory knows who is registered where.
//
// # What it does
//
// A telephone (SIP REGISTER) or a browser says "I am alice, and this is how to
// reach me"; a [Directory] remembers that until it expires, and [Directory.Lookup]
// gives every way to reach alice.
//
// # How it works
//
// Names are the identifiers of parties ("8:acs:alice", "4:+15550100"). Time is
// passed in, so that nothing here has a clock; what has expired is swept when
// its name is touched, and the whole when the directory is full. A name has a
// limited number of contacts: one more drops the one that would expire first,
// since a telephone that restarts leaves its old contacts behind.
//
// With a [Ledger] the contacts outlast the process: each change is noted, when
// there is time, and [ReadRecord] gives a contact back for Bind.
//
// # How to use it
//
//	d := directory.Directory{}
//	err := d.Bind(now, "8:acs:alice", directory.Contact{URI: "sip:alice@192.0.2.7", Expires: now.Add(time.Hour)})
//	for _, c := range d.Lookup(now, "8:acs:alice") { … }
package directory
