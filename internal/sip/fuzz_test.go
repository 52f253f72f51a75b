package sip_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media/rtp"
)

// FuzzServer sends packets to a whole server: whatever they hold, it must still
// answer afterwards. Two packets may come, so that the second can mean a
// dialog that the first has made.
func FuzzServer(f *testing.F) {
	b := &bench{wire: &wire{}, t: f}
	p := b.phone("127.0.0.1:7001")
	for _, m := range []string{"INVITE", "OPTIONS", "REGISTER", "CANCEL", "BYE", "ACK", "INFO", "UPDATE", "DANCE"} {
		f.Add([]byte(p.request(m, offerPCMU)), []byte(p.request("BYE", "")))
	}
	f.Add([]byte(p.request("INVITE", "", "Require: x", "Session-Expires: 90;refresher=uas", "Record-Route: <sip:a;lr>, <sip:b>")), []byte("\r\n"))
	f.Add([]byte(p.request("REGISTER", "", "Authorization: Digest realm=\"tipring\", nc=1", "Contact: *", "Expires: 0")), []byte{0})
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"), []byte("x"))
	w := &wire{}
	s := &sip.Server{
		PacketConn: w.listen(serverAddr), OpenLoopback: true, Metrics: new(metric.Set), Directory: new(directory.Directory),
		Ports: &rtp.Ports{IP: netip.MustParseAddr("127.0.0.1")}, MaxCalls: 50,
		OnIncoming: func(ctx context.Context, l leg.Incoming) {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			l.Answer(ctx)
			l.Hangup(ctx, leg.Normal)
			l.Close()
		},
	}
	if err := s.Listen(); err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { s.Run(ctx); close(ran) }()
	f.Cleanup(func() { cancel(); <-ran })
	probe := &phone{socket: w.listen("127.0.0.1:7999"), to: serverAddr, call: "probe", tag: "probe"}
	stranger := w.listen("127.0.0.1:7001")
	server := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAddr))

	f.Fuzz(func(t *testing.T, first, second []byte) {
		stranger.WriteTo(first, server)
		stranger.WriteTo(second, server)
		for len(stranger.in) > 0 {
			<-stranger.in
		}
		probe.t = t
		probe.say(probe.request("OPTIONS", ""))
		probe.status(200)
	})
}
