// Package api is the Call Automation API: HTTP in, commands of package call
// out.
//
// # What it does
//
// It serves /calling/… and /v1/objects/… (the files of recordings). Every
// request must be signed with an access key. A body is decoded into a type of
// package acs, checked field by field, and given to the calls; what they say
// is spelled back in Azure's words. A mistake in a request is answered with
// the name of the field and what it may be.
//
// # How it works
//
// A request passes signature (auth.go), repetition (repeat.go: a retried
// request acts once), an operation (begin.go, connection.go, participant.go,
// media.go, recognize.go, recording.go) and the table of errors (error.go), the
// only place that knows which call.Code is which status. Operations that need a
// speech engine answer 405 with a message that says so.
//
// # How to use it
//
//	http.Handle("/", api.New(api.Config{Calls: registry, Objects: store, Keys: [][]byte{key}}))
package api
