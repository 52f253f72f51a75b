// Package sdp makes offers and answers (RFC 3264) for one stream of audio.
//
// # What it does
//
// A [Session] answers what a far end offers, offers what we can, and takes in
// the answer to that. What comes out is a [Chosen]: which codec under which
// payload type, which telephone-event, where to send, and in which direction.
//
// # How it works
//
// The text is read by pion/sdp, within the limits of this package, into one
// [Media] for each m-line. The first line of audio that we can carry is taken,
// the others are refused with port 0, and the answer has as many lines as the
// offer, in its order. Codecs are plain values here ([Format]): whoever calls
// says which ones it has and in which order it likes them.
//
// # How to use it
//
//	var s sdp.Session
//	answer, chosen, err := s.Answer(body, sdp.Local{
//		Addr:    netip.MustParseAddrPort("192.0.2.1:16384"),
//		Formats: []sdp.Format{{Name: "PCMA", Clock: 8000, PayloadType: 8}, {Name: "telephone-event", Clock: 8000, PayloadType: 101}},
//	})
//
// ErrNoCodec says that nothing fits (SIP 488), any other error that the text
// makes no sense (400).
package sdp
