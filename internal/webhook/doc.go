// Package webhook tells applications what happened in their calls.
//
// # What it does
//
// A [Courier] takes the events of the server. Events of a connection are posted
// to its callback as CloudEvents; those of calls (IncomingCall, CallStarted,
// CallEnded, CallParticipantAdded and Removed) and of recordings
// (RecordingFileStatusUpdated) go to every Event Grid subscriber, in the
// EventGrid schema, after the subscription handshake.
//
// Delivery is at least once, with a stable id, in order per call and endpoint,
// and never waits for another call or another endpoint.
//
// # How it works
//
// Each event is spelled in Azure's words (encode.go, grid.go), kept in the outbox
// together with the records that it comes with, and queued in a lane. A lane is
// what must stay in order: the events of one connection to one host; for Event
// Grid the events of one call to one subscriber (lane.go).
//
// A lane that waits costs no goroutine. A host has its lanes in two ranks, new
// ones and those whose event has failed before, and as many attempts at one time
// as it can take (host.go): each answer allows one more, each attempt that has
// waited long and in vain halves the number. So a host that hangs holds one slot,
// and one that is slow but alive as many as it fills; half of all slots are for
// hosts that need few. Attempts that fail again are paced. Times are kept in one
// heap of alarms (alarm.go), by the monotonic clock.
//
// An answer of 2xx, and only that, is a delivery. Everything else is tried
// again, redirects (not followed: a POST would become a GET) and 4xx among
// them, because an app that restarts behind a proxy answers 404 or 502. Waits
// rise from a second to a minute, with jitter; a Retry-After of 429 and 503 is
// kept to. An event is given up after 24 hours, so that one bad day of the app
// loses nothing; one that the app itself refuses (a 4xx other than 404, 408,
// 410, 425, 429) after a minute, so that the events behind it get through; at
// once with 410; and IncomingCall after the 30 seconds that the call rings. What
// is given up becomes a dead letter, IncomingCall does not.
//
// # How to use it
//
//	courier := webhook.New(webhook.Config{Outbox: box, Client: client, Subscribers: urls, PublicURL: "https://…"})
//	err := courier.Take(events, memo) // kept together, then delivered
//	err = courier.Run(ctx)            // until ctx is done and what is pending was tried
//	letters, err := courier.Letters(0, 100)
//	err = courier.Resend(ctx, letters[0].Seq)
package webhook
