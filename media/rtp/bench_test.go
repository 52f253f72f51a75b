package rtp_test

import (
	"testing"

	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/rtp"
)

// BenchmarkEcho is what one leg costs a tick on real sockets over loopback:
// receive, jitter buffer, decode, encode, send.
func BenchmarkEcho(b *testing.B) {
	const legs = 100
	var all []*rtp.Endpoint
	for range legs / 2 {
		x, y := listen(b, "127.0.0.1:0"), listen(b, "127.0.0.1:0")
		all = append(all,
			endpoint(b, rtp.Config{Conn: x, Remote: y.LocalAddr()}),
			endpoint(b, rtp.Config{Conn: y, Remote: x.LocalAddr()}))
	}
	f := media.Frame{Rate: media.Rate8k}
	for b.Loop() {
		f.Tick++
		for _, e := range all {
			if _, err := media.Pull(e, &f); err != nil {
				b.Fatal(err)
			}
			if err := e.Write(&f); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/legs, "ns/leg")
}

// BenchmarkInMemory is the same without the system calls.
func BenchmarkInMemory(b *testing.B) {
	pa, pb := rtp.Pipe()
	x := endpoint(b, rtp.Config{Conn: pa, Remote: pb.LocalAddr()})
	y := endpoint(b, rtp.Config{Conn: pb, Remote: pa.LocalAddr()})
	f := media.Frame{Rate: media.Rate8k}
	for b.Loop() {
		f.Tick++
		for _, e := range []*rtp.Endpoint{x, y} {
			if _, err := media.Pull(e, &f); err != nil {
				b.Fatal(err)
			}
			if err := e.Write(&f); err != nil {
				b.Fatal(err)
			}
		}
		pa.Advance(period)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/leg")
}

// BenchmarkSocket is one packet sent and received, and nothing else.
func BenchmarkSocket(b *testing.B) {
	x, y := listen(b, "127.0.0.1:0"), listen(b, "127.0.0.1:0")
	defer x.Close()
	defer y.Close()
	batch, data := rtp.NewBatch(), make([]byte, 172)
	for b.Loop() {
		if err := x.Send(y.LocalAddr(), data); err != nil {
			b.Fatal(err)
		}
		if _, err := y.Receive(batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory is what a leg holds.
func BenchmarkMemory(b *testing.B) {
	pa, pb := rtp.Pipe()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rtp.NewEndpoint(rtp.Config{Conn: pa, Codec: pcm(b, "PCMU"), Remote: pb.LocalAddr()}); err != nil {
			b.Fatal(err)
		}
	}
}
