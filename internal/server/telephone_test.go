package server_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/journal"
)

// What the telephones need after a crash is in the journal: a telephone that
// registers is kept there, and one that a killed server was in a call with hears
// BYE and is forgotten.
func TestTelephonesAreKeptInTheJournal(t *testing.T) {
	phone, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if err := phone.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	us := phone.LocalAddr()
	data := t.TempDir()
	left := openJournal(t, data)
	dialog := fmt.Sprintf(`{"v":1,"stage":"up","callId":"c","local":{"uri":"sip:a@127.0.0.1","tag":"ours"},`+
		`"remote":{"uri":"sip:alice@127.0.0.1","tag":"theirs"},"target":"sip:alice@%[1]v","transport":"UDP","peer":"%[1]v","seq":1}`, us)
	if err := left.Commit(t.Context(), journal.Record{Key: "dialog/one", Value: []byte(dialog)}, journal.Record{Key: "dialog/two", Value: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	left.Close()

	s, err := newServer(t, func(c *config.Config) { c.Data = data })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	hear := func() (string, net.Addr) {
		text := make([]byte, 64<<10)
		n, from, err := phone.ReadFrom(text)
		if err != nil {
			t.Error(err)
		}
		return string(text[:n]), from
	}
	bye, server := hear()
	line, rest, _ := strings.Cut(bye, "\r\n")
	if !strings.HasPrefix(line, "BYE sip:alice@") {
		t.Errorf("the telephone heard %q, want BYE", line)
	}
	say := func(text string) {
		if _, err := phone.WriteTo([]byte(text), server); err != nil {
			t.Error(err)
		}
	}
	say("SIP/2.0 200 OK\r\n" + rest)
	say(fmt.Sprintf("REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %[1]v;branch=z9hG4bK1\r\nFrom: <sip:alice@127.0.0.1>;tag=1\r\n"+
		"To: <sip:alice@127.0.0.1>\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@%[1]v>\r\nContent-Length: 0\r\n\r\n", us))
	if answer, _ := hear(); !strings.HasPrefix(answer, "SIP/2.0 200 ") {
		t.Errorf("REGISTER got %q", answer)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	left = openJournal(t, data)
	defer left.Close()
	if err := left.Each("dialog/", func(key string, _ []byte) error { return fmt.Errorf("%s is still there", key) }); err != nil {
		t.Error(err)
	}
	contacts := 0
	if err := left.Each("contact/", func(string, []byte) error { contacts++; return nil }); err != nil || contacts != 1 {
		t.Errorf("%d contacts are kept, %v", contacts, err)
	}
}
