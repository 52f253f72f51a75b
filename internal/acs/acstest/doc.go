// Package acstest speaks the dialect of package acs from the other side: a
// client of the API for tests and benchmarks.
//
// # What it does
//
// [Client] sends requests as Microsoft's clients do, signed with an access key.
//
// # How it works
//
// The signature is HMAC-SHA256 over method, request target, date, host and the
// hash of the body. The arithmetic is written anew here, not shared with the
// server that checks it.
//
// # How to use it
//
//	c := &acstest.Client{Server: "127.0.0.1:8080", Key: key}
//	err := c.Post(ctx, "/calling/callConnections/"+id+":play", acs.PlayRequest{…}, nil)
package acstest
