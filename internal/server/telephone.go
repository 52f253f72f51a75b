package server

import (
	"errors"
	"fmt"
	"log/slog"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/tipring/tipring/internal/directory"
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
		Directory:    &directory.Directory{},
		Users:        users, OpenLoopback: s.config.Loopback(), Trunks: trunks,
		OnIncoming: s.calls.Incoming,
		Metrics:    s.metrics, Log: s.log.With(slog.String("part", "sip")),
	}
	if err = s.phones.Listen(); err != nil {
		return fmt.Errorf("--sip: %w", err)
	}
	return nil
}

// trunks reads sip:user:password@host:port.
func trunks(text string) ([]sip.Trunk, error) {
	if text == "" {
		return nil, nil
	}
	var uri sipgo.Uri
	if err := sipgo.ParseUri(text, &uri); err != nil {
		return nil, errors.New("it is not a SIP URI") // the text may hold a password
	}
	return []sip.Trunk{{Host: uri.Host, Port: uri.Port, User: uri.User, Password: uri.Password}}, nil
}
