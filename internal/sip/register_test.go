package sip_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/sip"
)

func (p *phone) register(headers ...string) string {
	p.far = ""
	headers = append([]string{"To: <sip:bob@127.0.0.1>"}, headers...)
	return strings.Replace(p.request("REGISTER", "", headers...), "REGISTER sip:+15550100@127.0.0.1", "REGISTER sip:127.0.0.1", 1)
}

// credentials answers the challenge of the last 401.
func (p *phone) credentials(method, user, password string, nc int) string {
	p.t.Helper()
	c, err := digest.ParseChallenge(p.got.GetHeader("WWW-Authenticate").Value())
	if err != nil {
		p.t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: "sip:127.0.0.1", Username: user, Password: password, Count: nc, Cnonce: "c"})
	if err != nil {
		p.t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

func uris(d *directory.Directory, id string) (out string) {
	for _, c := range d.Lookup(time.Now(), id) {
		out += fmt.Sprintf("%s %s %v %v;", c.URI, c.Transport, c.Source, time.Until(c.Expires))
	}
	return out
}

func TestRegisterOnLoopbackNeedsNoPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory.Directory)
		b := serve(t, func(s *sip.Server) { s.Directory = d })
		p := b.phone("127.0.0.1:7001")
		p.say(p.register("Expires: 120"))
		res := p.status(200)
		if c := res.GetHeader("Contact"); c == nil || c.Value() != "<sip:bob@127.0.0.1:7001>;expires=120" {
			t.Errorf("Contact %v", c)
		}
		if got := uris(d, "8:acs:bob"); got != "sip:bob@127.0.0.1:7001 udp 127.0.0.1:7001 2m0s;" {
			t.Errorf("registered %s", got)
		}
		p.say(p.register("Contact: <sip:bob@127.0.0.1:7001>;expires=0"))
		p.status(200)
		if got := uris(d, "8:acs:bob"); got != "" {
			t.Errorf("not removed: %s", got)
		}
		p.say(p.register("To: <sip:+15550123@127.0.0.1>", "Contact: <sip:x@127.0.0.1:7001>, <sip:y@127.0.0.1:7002>;expires=7200000"))
		if n := len(p.status(200).GetHeaders("Contact")); n != 2 {
			t.Errorf("%d contacts", n)
		}
		if got := uris(d, "4:+15550123"); !strings.Contains(got, "1h0m0s;") || !strings.Contains(got, "2h0m0s;") {
			t.Errorf("registered %s", got)
		}
		p.say(p.register("To: <sip:+15550123@127.0.0.1>", "Contact: *", "Expires: 0"))
		p.status(200)
		if got := uris(d, "4:+15550123"); got != "" {
			t.Errorf("not cleared: %s", got)
		}
	})
}

func TestBadRegistrations(t *testing.T) {
	for name, tt := range map[string]struct {
		headers []string
		code    int
		shows   string
	}{
		"too brief":            {[]string{"Expires: 10"}, 423, "Min-Expires: 60"},
		"star without zero":    {[]string{"Contact: *", "Expires: 3600"}, 400, ""},
		"star and more":        {[]string{"Contact: *, <sip:x@y>", "Expires: 0"}, 400, ""},
		"no name":              {[]string{"To: <sip:127.0.0.1>"}, 404, ""},
		"an unknown extension": {[]string{"Require: outbound"}, 420, "Unsupported: outbound"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := serve(t, func(s *sip.Server) { s.Directory = new(directory.Directory) })
				p := b.phone("127.0.0.1:7001")
				p.say(p.register(tt.headers...))
				if res := p.status(tt.code); !strings.Contains(res.String(), tt.shows) {
					t.Errorf("no %q in\n%s", tt.shows, res)
				}
			})
		})
	}
}

func TestRegisterWithPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory.Directory)
		b := serve(t, func(s *sip.Server) {
			s.Directory, s.Users = d, directory.Users{"bob": "secret", "carol": "other"}
		})
		p := b.phone("127.0.0.1:7001")
		p.say(p.register())
		p.status(401)
		p.say(p.register(p.credentials("REGISTER", "bob", "wrong", 1)))
		p.status(401)
		p.say(p.register(p.credentials("REGISTER", "bob", "secret", 1)))
		challenge := p.got
		p.status(200)
		if uris(d, "8:acs:bob") == "" {
			t.Fatal("not registered")
		}
		p.got = challenge
		p.say(p.register(p.credentials("REGISTER", "bob", "secret", 2))) // the next request may use the nonce again
		p.status(200)
		p.got = challenge
		p.say(p.register(p.credentials("REGISTER", "bob", "secret", 2))) // but not a replay
		if res := p.status(401); !strings.Contains(res.GetHeader("WWW-Authenticate").Value(), "stale=true") {
			t.Errorf("not stale: %s", res)
		}
		p.say(p.register("To: <sip:carol@127.0.0.1>", p.credentials("REGISTER", "bob", "secret", 1))) // in another's name
		p.status(403)
		p.got = challenge
		p.none(6 * time.Minute) // the nonce is too old
		p.say(p.register(p.credentials("REGISTER", "bob", "secret", 9)))
		p.status(401)
	})
}

func TestStrangersGetOneChallengeThenSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) {
			s.Directory, s.Users = new(directory.Directory), directory.Users{"bob": "secret"}
		})
		p := b.phone("192.0.2.7:5060")
		invite := p.request("INVITE", offerPCMU)
		p.say(invite)
		p.status(401)
		p.none(time.Minute) // 401 is not repeated: that would be an amplifier
		p.say(invite)       // the first one was lost
		p.status(401)
		p.say(p.request("ACK", ""))
		p.call = "other"
		p.say(p.request("INVITE", offerPCMU))
		p.say(p.request("OPTIONS", ""))
		p.say(p.request("BYE", ""))
		p.say(p.request("MESSAGE", ""))
		p.say(p.request("INVITE", offerPCMU, "Contact:"))
		p.say("INVITE sip:x SIP/2.0\r\n\r\n")
		p.say("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n\r\n")
		p.none(time.Minute)
		for range 10 {
			p.say(p.request("OPTIONS", ""))
			synctest.Wait()
		}
		p.none(time.Minute)
		if b.count("challenged") != 2 || b.count("stranger") == 0 || b.count("silenced stranger") == 0 {
			t.Errorf("challenged %d, stranger %d, silenced %d", b.count("challenged"), b.count("stranger"), b.count("silenced stranger"))
		}
		if len(b.legs) != 0 {
			t.Error("a call came in")
		}
	})
}

func TestAFloodOfAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Users = directory.Users{"bob": "secret"} })
		p := b.phone("192.0.2.7:5060")
		for i := range 10_000 {
			from := fmt.Sprintf("10.1.%d.%d:5060", i/250, i%250)
			(&socket{wire: b.wire, addr: net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from))}).WriteTo(
				[]byte(p.request("OPTIONS", "")), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(serverAddr)))
			synctest.Wait()
		}
		if n := b.count("challenged"); n > 200 {
			t.Errorf("%d challenges sent to a flood", n)
		}
		if b.count("silenced stranger") == 0 {
			t.Error("every one of the flood was read")
		}
		b.established(b.phone("127.0.0.1:7001")) // who is known goes on
	})
}

func TestAUserCallsFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Users = directory.Users{"bob": "secret"} })
		p := b.phone("192.0.2.7:5060")
		p.say(p.request("INVITE", offerPCMU))
		p.status(401)
		p.via--
		p.say(p.request("ACK", ""))
		p.say(p.request("INVITE", offerPCMU, p.credentials("INVITE", "bob", "secret", 1)))
		p.status(180)
		b.accept(p, b.leg())
		p.say(p.request("OPTIONS", "")) // in the dialog no password is asked for
		p.status(200)
	})
}

func TestATrunkCallsFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, func(s *sip.Server) { s.Trunks = []sip.Trunk{{Host: "192.0.2.9"}, {Host: "192.0.2.10", Port: 5060}} })
		synctest.Wait()
		p := b.phone("192.0.2.9:5080")
		p.say(p.request("INVITE", offerPCMU))
		p.status(180)
		b.leg()
		q := b.phone("192.0.2.10:5080") // not its port
		q.say(q.request("INVITE", offerPCMU))
		q.status(401)
	})
}

func TestOptionsAndUnknownRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil)
		p := b.phone("127.0.0.1:7001")
		p.say(p.request("OPTIONS", ""))
		res := p.status(200)
		for _, h := range []string{"Allow", "Accept", "Supported"} {
			if res.GetHeader(h) == nil {
				t.Errorf("no %s", h)
			}
		}
		for method, code := range map[string]int{
			"BYE": 481, "INFO": 481, "UPDATE": 481, "PRACK": 481, "CANCEL": 481, "NOTIFY": 481, "REFER": 403,
			"MESSAGE": 405, "SUBSCRIBE": 405, "PUBLISH": 405, "DANCE": 501,
		} {
			p.via++
			p.say(p.request(method, ""))
			if res := p.status(code); (code == 405 || code == 501) && res.GetHeader("Allow") == nil {
				t.Errorf("%s: no Allow", method)
			}
		}
		p.far = "unknown"
		p.say(p.request("BYE", ""))
		p.status(481)
		p.say(p.request("ACK", ""))
		p.none(time.Second)
		p.say(strings.Replace(p.request("OPTIONS", ""), "sip:+15550100@127.0.0.1 SIP", "mailto:x@y SIP", 1))
		p.status(416)
	})
}
