package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media/rtp"
)

// telephones makes the SIP layer and opens its sockets.
func (s *Server) telephones() error {
	users := directory.Users{}
	for _, u := range s.config.Users {
		users[u.Name] = u.Password
	}
	trunks, err := trunks(s.config.Trunk)
	if err != nil {
		return fmt.Errorf("--trunk: %w", err)
	}
	s.phones = &sip.Server{
		Addr: s.config.SIP, MediaIP: s.config.MediaIP,
		Ports:        &rtp.Ports{IP: s.config.MediaAddr(), Min: uint16(s.config.MediaPorts.First), Max: uint16(s.config.MediaPorts.Last)},
		MediaTimeout: s.config.MediaTimeout,
		Directory:    &directory.Directory{Ledger: ledger{s.journal, contactKey}},
		Ledger:       ledger{s.journal, dialogKey},
		Users:        users, OpenLoopback: s.config.Loopback(), Trunks: trunks,
		OnIncoming: s.calls.Incoming, Resolver: s.resolve,
		Metrics: s.metrics, Log: s.log.With(slog.String("part", "sip")),
	}
	if err = s.phones.Listen(); err != nil {
		return fmt.Errorf("--sip: %w", err)
	}
	s.remember(contactKey, s.phones.RecoverContact)
	s.remember(dialogKey, s.phones.Recover)
	return nil
}

// remember gives the telephones what an earlier run has kept of one kind. What
// cannot be read is logged, and the rest goes on.
func (s *Server) remember(kind string, take func(key string, record []byte) error) {
	records, err := s.left(kind)
	if err != nil {
		s.log.Error("recover telephones: read the journal", "err", err)
	}
	for key, record := range records {
		if err := take(key, record); err != nil {
			s.log.Warn("not recovered", "record", kind+key, "err", err)
		}
	}
}

// The kinds of records that the telephones keep in the journal.
const (
	dialogKey  = "dialog/"
	contactKey = "contact/"
)

// keepTime is how long a call waits for its record to be durable. A disk that
// takes longer is out of order, and the call goes on without.
const keepTime = time.Second

// A ledger keeps records of one kind in the journal.
type ledger struct {
	journal journal.Journal
	kind    string
}

// Keep commits a record.
func (l ledger) Keep(key string, record []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), keepTime)
	defer cancel()
	return l.journal.Commit(ctx, journal.Record{Key: l.kind + key, Value: record})
}

// Note commits a record some time soon.
func (l ledger) Note(key string, record []byte) {
	l.journal.Later(journal.Record{Key: l.kind + key, Value: record})
}

// Forget removes a record some time soon.
func (l ledger) Forget(key string) { l.journal.Later(journal.Record{Key: l.kind + key}) }

// trunks reads sip:user:password@host:port;transport=tcp;register. The password
// may hold an @; other marks of a URI are written %XX.
func trunks(text string) ([]sip.Trunk, error) {
	if text == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(text, "sip:")
	rest, params, _ := strings.Cut(rest, ";")
	at := strings.LastIndex(rest, "@")
	user, password, _ := strings.Cut(rest[:max(at, 0)], ":")
	var uri sipgo.Uri
	if err := sipgo.ParseUri("sip:"+rest[at+1:], &uri); err != nil || !ok || uri.Host == "" {
		return nil, errors.New("it is not a SIP URI") // the text may hold a password
	}
	t := sip.Trunk{Host: uri.Host, Port: uri.Port, User: plain(user), Password: plain(password)}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "transport":
			t.Transport = strings.ToLower(value)
			if t.Transport != "udp" && t.Transport != "tcp" {
				return nil, errors.New("its transport is neither udp nor tcp")
			}
		case "register":
			t.Register = true
		}
	}
	if t.Register && t.User == "" {
		return nil, errors.New("to register there it needs a user: sip:user:password@host;register")
	}
	return []sip.Trunk{t}, nil
}

// plain undoes %XX.
func plain(text string) string {
	if out, err := url.PathUnescape(text); err == nil {
		return out
	}
	return text
}
