package server

import (
	"fmt"
	"log/slog"

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
	s.phones = &sip.Server{
		Addr: s.config.SIP, MediaIP: s.config.MediaIP,
		Ports:        &rtp.Ports{IP: s.config.MediaAddr(), Min: uint16(s.config.MediaPorts.First), Max: uint16(s.config.MediaPorts.Last)},
		MediaTimeout: s.config.MediaTimeout,
		Directory:    &directory.Directory{},
		Users:        users, OpenLoopback: s.config.Loopback(),
		OnIncoming: s.calls.Incoming,
		Metrics:    s.metrics, Log: s.log.With(slog.String("part", "sip")),
	}
	if err := s.phones.Listen(); err != nil {
		return fmt.Errorf("--sip: %w", err)
	}
	return nil
}
