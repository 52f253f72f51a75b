// Package stream carries the sound of a call over a websocket, both ways, in
// the JSON frames of Azure Communication Services' audio streaming.
//
// # What it does
//
// A [Session] is the sending end: it dials an application's websocket and sends
// it what the participants say, 20 ms a frame, each by itself or their sum. An
// [Inlet] is the way back: what the application sends becomes a media.Source
// that a room plays. [Serve] and [Accept] are the application's end, for
// programs in Go that want to consume a stream.
//
// # How it works
//
// The tick never sees the socket. A tap resamples a participant's voice to the
// stream's rate and puts it into a ring of its own; one goroutine takes frames
// out of all rings, in turn, and writes them. A peer that stops reading fills
// its own rings, whose oldest frames are then dropped and counted. In the other
// direction a goroutine reads frames into a queue without locks, which the tick
// drains; "stop audio" empties it before the next tick.
//
// The frames are those of Azure's documentation ("Audio streaming overview")
// and of its SDKs: AudioMetadata first, then AudioData and DtmfData; inbound
// AudioData and StopAudio in every spelling that the SDKs have.
//
// # How to use it
//
//	s := stream.NewSession(stream.Options{URL: "ws://127.0.0.1:9000/", Rate: media.Rate16k})
//	port.Taps = append(port.Taps, s.Tap("4:+15550100"))
//	err := s.Run(ctx) // until ctx is done (nil), or the socket failed
//
// And at the other end:
//
//	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
//		stream.Serve(w, r, stream.Handler{Audio: func(c *stream.Conn, a stream.Audio) { … }})
//	})
package stream
