package sip_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/sip"
)

// remembers gives a server a directory with this ledger, and what it has.
func remembers(t *testing.T, s *sip.Server, l *ledger) *directory.Directory {
	t.Helper()
	s.Directory = &directory.Directory{Ledger: l}
	for key, text := range l.all() {
		if err := s.RecoverContact(key, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return s.Directory
}

func TestTelephonesAreReachedAfterAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contacts, dialogs := new(ledger), new(ledger)
		users := func(s *sip.Server) {
			s.OpenLoopback, s.Users = false, directory.Users{"bob": "secret"}
		}
		b := serve(t, func(s *sip.Server) {
			users(s)
			remembers(t, s, contacts)
		})
		p := b.phone("127.0.0.1:7001")
		p.say(p.register("Expires: 600"))
		p.status(401)
		p.say(p.register("Expires: 600", p.credentials("REGISTER", "bob", "secret", 1)))
		p.status(200)
		b.kill(contacts)
		contacts.dead = false
		<-time.After(time.Minute)
		var d *directory.Directory
		b.restart(dialogs, func(s *sip.Server) {
			users(s)
			d = remembers(t, s, contacts)
		})
		if got := uris(d, "8:acs:bob"); !strings.HasPrefix(got, "sip:bob@127.0.0.1:7001 udp 127.0.0.1:7001 8m59") {
			t.Errorf("registered %s", got)
		}
		p.far = "gone"
		p.say(p.request("BYE", "")) // it is no stranger: it hears that its old call is over
		p.status(481)
		c := d.Lookup(time.Now(), "8:acs:bob")[0]
		b.dial(sip.DialConfig{Target: c.URI, Source: c.Source, Transport: c.Transport})
		p.answer(p.expect(sipgo.INVITE), 486, "")
		p.expect(sipgo.ACK)
		<-time.After(9 * time.Minute)
		d.Lookup(time.Now(), "8:acs:bob")
		contacts.nothingKept(t)
	})
}

func TestContactsOverTCPAfterAKill(t *testing.T) {
	for uri, want := range map[string]bool{
		"sip:bob@192.0.2.7:5060;transport=tcp":  true,
		"sip:bob@192.0.2.7;transport=tcp":       true,
		"sip:bob@192.0.2.7:40001;transport=tcp": false, // the port of its connection
		"sip:bob@10.0.0.7:5060;transport=tcp":   false, // behind a NAT
	} {
		l := new(ledger)
		d := directory.Directory{Ledger: l}
		now := time.Now()
		if err := d.Bind(now, "8:acs:bob", directory.Contact{
			URI: uri, Transport: "tcp", Source: netip.MustParseAddrPort("192.0.2.7:40001"), Expires: now.Add(time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
		s := &sip.Server{PacketConn: (&wire{}).listen(serverAddr)}
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		again := remembers(t, s, l)
		if got := again.Size() == 1; got != want || len(l.all()) != again.Size() {
			t.Errorf("%s: restored %v, want %v; %d kept", uri, got, want, len(l.all()))
		}
	}
}

func TestBadContacts(t *testing.T) {
	l := new(ledger)
	s := &sip.Server{PacketConn: (&wire{}).listen(serverAddr), Directory: &directory.Directory{Ledger: l}}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	l.put("bad", []byte("{}"))
	if err := s.RecoverContact("bad", []byte("{}")); err == nil || len(l.all()) != 0 {
		t.Errorf("err %v, kept %d", err, len(l.all()))
	}
}
