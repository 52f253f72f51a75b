package sip_test

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

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
	for _, m := range []string{"INVITE", "OPTIONS", "REGISTER", "CANCEL", "BYE", "ACK", "INFO", "UPDATE", "NOTIFY", "REFER", "DANCE"} {
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

// FuzzFragment: what a NOTIFY says of a transfer.
func FuzzFragment(f *testing.F) {
	for _, s := range []string{"SIP/2.0 200 OK\r\n", "SIP/2.0 180", "sip/2.0  603 Decline", "SIP/2.0 1000 x", "SIP/2.0", "", "\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if code, ok := sip.FragmentStatus(body); ok && (code < 100 || code > 699) || !ok && code != 0 {
			t.Errorf("%q is %d, %v", body, code, ok)
		}
	})
}

// FuzzHeaders: what may be sent has no line break, and comes out of a URI as it
// went in; a VoIP header always has a name that may be sent.
func FuzzHeaders(f *testing.F) {
	f.Add("X-MS-Custom-a", "b c&d=e")
	f.Add("User-To-User", "56a3;encoding=hex")
	f.Add("X-a\r\nVia", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		headers := map[string]string{name: value}
		if sip.CheckHeaders(headers) == nil {
			text := sip.URIHeaders(headers)
			got, err := url.ParseQuery(strings.TrimPrefix(text, "?"))
			if err != nil || got.Get(name) != value || strings.ContainsAny(name+value+text, "\r\n") || strings.ContainsAny(text, "<>\" ;") {
				t.Errorf("%q: %q became %s: %v, %v", name, value, text, got, err)
			}
		}
		if len(name) > 0 && len(name) <= 30 {
			if err := sip.CheckHeaders(map[string]string{sip.VoIPHeader(name): "v"}); err != nil {
				t.Errorf("VoIP header of %q: %v", name, err)
			}
		}
	})
}

// FuzzRecord: whatever a ledger gives back is refused, or makes one message that
// can be read.
func FuzzRecord(f *testing.F) {
	const call = `"v":1,"callId":"c","local":{"uri":"sip:a@127.0.0.1","tag":"t"},"target":"sip:b@127.0.0.1:7001;transport=tcp","routes":["sip:127.0.0.1;lr"],"peer":"127.0.0.1:7001","direct":true,"seq":7,`
	const heads = `Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=f\r\nTo: \"B\" <sip:b@c>;tag=t\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`
	seeds := []string{
		`{` + call + `"stage":"up","transport":"UDP","remote":{"display":"B","uri":"sip:b@c","tag":"r"}}`,
		`{` + call + `"stage":"calling","transport":"TCP","remote":{"uri":"tel:+1555"},"invite":"INVITE sip:b@c SIP/2.0\r\n` + heads + `","to":"127.0.0.1:7001"}`,
		`{` + call + `"stage":"ringing","transport":"UDP","remote":{"uri":"sip:b@c","tag":"r"},"final":"SIP/2.0 480 No\r\n` + heads + `","to":"127.0.0.1:7001"}`,
		`{` + call + `"stage":"answering","transport":"TCP","remote":{"uri":"sip:b@c","tag":"r"},"final":"SIP/2.0 200 OK\r\n` + heads + `","to":"127.0.0.1:7001"}`,
	}
	w := &wire{}
	s := &sip.Server{PacketConn: w.listen(serverAddr), Metrics: new(metric.Set)}
	if err := s.Listen(); err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		if _, err := s.Rehearse([]byte(seed)); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		text, err := s.Rehearse(record)
		if err != nil {
			return
		}
		m, err := sipgo.ParseMessage([]byte(text))
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if req, ok := m.(*sipgo.Request); ok && (req.Method != sipgo.BYE && req.Method != sipgo.CANCEL || strings.Count(text, "\r\n\r\n") != 1) {
			t.Fatalf("%s", text)
		}
	})
}
