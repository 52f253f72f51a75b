// Package sip makes legs of telephone calls: SIP signalling (RFC 3261) on one
// side, leg.Leg on the other.
//
// # What it does
//
// A [Server] listens on UDP and TCP. A telephone that calls becomes a
// leg.Incoming and is given to OnIncoming; [Server.Dial] places a call and
// gives a leg.Leg, [Server.DialAny] rings several telephones as one leg.
// Telephones may register (RFC 3261 §10, with digest authentication), hold and
// resume, change their address, press keys by INFO, and keep their session
// alive (RFC 4028). A leg can be transferred (leg.Transferrer, by REFER), and a
// Server registers at the trunks that want it. Who may come in, and what is
// refused, is decided here; each refusal has a counter with its reason.
//
// Whom a call goes to is for its application to say: a caller's own REFER is
// answered with 603 in a call and 403 outside of one. Custom headers
// (User-To-User and X-…) travel both ways. Those that come in are cleaned, and
// limited to 32 of 1,024 bytes; those that go out must be right, else ErrHeader
// says what is wrong. An application's VoIP headers go to registered telephones
// as X-MS-VoIP-key (see [VoIPHeader]).
//
// # How it works
//
// Package github.com/emiago/sipgo/sip reads and writes messages and runs the
// transactions; dialogs, offers and answers, timers, registrations and limits
// are ours. Its handlers run concurrently, so every dialog has one goroutine
// that owns its state (dialog.go): requests of the far end come to it through
// an inbox, in order, and the owner of the leg gives it orders (answer, hang
// up). The sound does not pass here: it flows between the tick and the leg's
// rtp.Endpoint, which appears when the call is answered.
//
// With a Ledger a call outlasts the process, at least for its far end: what is
// needed to end it is kept before a telephone can rely on it (ledger.go,
// record.go). The next run takes the records by [Server.Recover] and ends those
// calls in the background: BYE, CANCEL, or a final response that is sent again
// until its ACK (former.go). Answers that nobody waits for are acknowledged and
// told that they are over, record or not (stray.go).
//
// A caller hears nothing, not even 100, before its call is kept: if we die in
// that moment it repeats its INVITE, and the next run takes the call. A record
// that the Ledger would not take, as when the disk is full, does not stop a call;
// it is tried again every two to four seconds while the dialog lives.
//
//	what the far end has              is kept before  and gets after a crash
//	its INVITE, ringing               180             480 until ACK; the INVITE again is no new call
//	its INVITE, our 200 on its way    200             the same 200 until ACK, then BYE
//	our INVITE, unanswered            INVITE          CANCEL; ACK for a 487, ACK and BYE for a 200
//	a call that is up                 ACK, or 200     BYE
//
// A request on its way:
//
//	door         (limits.go)  oversized and senseless packets are dropped and counted
//	sipgo        parses, matches transactions
//	handle       (server.go)  what every request must have; finds its dialog
//	admit        (admit.go)   loopback, trunk, digest; a stranger gets one challenge, then silence
//	ring         (invite.go)  offer, ports, 100, 180 → OnIncoming
//	dialog.run   (dialog.go)  everything after that
//
// # How to use it
//
//	s := &sip.Server{Addr: "127.0.0.1:5060", Ports: &rtp.Ports{…}, OpenLoopback: true,
//		OnIncoming: func(ctx context.Context, l leg.Incoming) { … }}
//	if err := s.Listen(); err != nil { … }
//	err := s.Run(ctx) // until ctx is done: then BYE to every call
//
// A telephone program is a Server, too: listen on port 0 and Dial.
package sip
