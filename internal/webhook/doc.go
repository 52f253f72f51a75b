// Package webhook tells applications what happened in their calls.
//
// # What it does
//
// A [Courier] listens to the events of the server. Events of a connection are
// posted to its callback as CloudEvents; those of calls (IncomingCall,
// CallStarted, CallEnded, CallParticipantAdded and Removed) and of recordings
// (RecordingFileStatusUpdated) go to every Event Grid subscriber, in the
// EventGrid schema, after the subscription handshake.
//
// # How it works
//
// Each event is spelled in Azure's words (encode.go, grid.go), put into the outbox, and
// queued in a lane. A lane is what must stay in order: the events of one
// connection to one host; for Event Grid the events of one call to one
// subscriber. Lanes never wait for each other: each busy lane has a goroutine,
// an attempt needs one of its host's slots and one of all slots, and a lane
// that waits for a retry holds none. So a dead endpoint delays nobody else.
//
// An answer of 2xx, and only that, is a delivery. Everything else is tried
// again, redirects (not followed: a POST would become a GET) and 4xx among
// them, because an app that restarts behind a proxy answers 404 or 502. Waits
// rise from a second to a minute, with jitter; a Retry-After of 429 and 503 is
// kept to. An event is given up after 24 hours, so that one bad day of the app
// loses nothing; one that the app itself refuses (a 4xx other than 404, 408,
// 425, 429) after a minute, so that the events behind it get through; and
// IncomingCall after the 30 seconds that the call rings.
//
// # How to use it
//
//	courier := webhook.New(webhook.Config{Outbox: box, Client: client, Subscribers: urls, PublicURL: "https://…"})
//	err := courier.Take(events, journal.Record{Key: "call/" + id, Value: memo})
//	err = courier.Run(ctx) // until ctx is done and what is pending was tried
package webhook
