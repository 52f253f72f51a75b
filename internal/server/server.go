package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/jwt"
	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/internal/webhook"
	"github.com/tipring/tipring/media/metronome"
)

// goodbye is how long the last events and answers may take once the calls are
// over.
const goodbye = 5 * time.Second

// Server is a whole tipring. Make it with New.
type Server struct {
	config  config.Config
	log     *slog.Logger
	metrics *metric.Set

	http, https net.Listener
	certificate tls.Certificate
	caFile      string
	web         http.Handler

	journal *journal.Log
	ticks   *metronome.Metronome
	prompts *prompt.Library
	calls   *call.Registry
	phones  *sip.Server
	courier *webhook.Courier
	tokens  *jwt.Signer

	recordings *recording.Store

	ready atomic.Bool
	kill  chan struct{}
	once  sync.Once // closes kill
}

// New makes a server and opens its listeners. An error says which flag is at
// fault.
func New(cfg config.Config, log *slog.Logger) (*Server, error) {
	hugePages()
	s := &Server{config: cfg, log: log, metrics: new(metric.Set), kill: make(chan struct{})}
	if err := s.listen(); err != nil {
		s.close()
		return nil, err
	}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	if err := s.wire(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// listen opens the HTTP listeners and loads the certificate.
func (s *Server) listen() (err error) {
	if s.http, err = net.Listen("tcp", s.config.HTTP); err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	if s.https, err = net.Listen("tcp", s.config.HTTPS); err != nil {
		return fmt.Errorf("--https: %w", err)
	}
	if s.config.Cert != "" {
		if s.certificate, err = tls.LoadX509KeyPair(s.config.Cert, s.config.Key); err != nil {
			return fmt.Errorf("--cert, --key: %w", err)
		}
		return nil
	}
	s.certificate, s.caFile, err = certificate(filepath.Join(s.config.Data, "certificates"), s.hosts())
	if err != nil {
		return fmt.Errorf("--data: development certificate: %w", err)
	}
	return nil
}

// open opens what lasts.
func (s *Server) open() (err error) {
	s.journal, err = journal.Open(journal.Config{
		Dir: filepath.Join(s.config.Data, "journal"), NoSync: !s.config.Sync, Metrics: s.metrics, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// hosts are the names that the development certificate is for.
func (s *Server) hosts() []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	for _, addr := range []string{s.config.HTTPS, s.config.SIP} {
		if host, _, err := net.SplitHostPort(addr); err == nil && host != "" {
			hosts = append(hosts, host)
		}
	}
	if public, err := url.Parse(s.config.PublicURL); err == nil && public.Hostname() != "" {
		hosts = append(hosts, public.Hostname())
	}
	return hosts
}

// close frees what a server holds that will not run.
func (s *Server) close() {
	if s.journal != nil {
		s.journal.Close()
	}
	for _, l := range []net.Listener{s.http, s.https} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// HTTPAddr is where HTTP listens.
func (s *Server) HTTPAddr() string { return s.http.Addr().String() }

// HTTPSAddr is where HTTPS listens.
func (s *Server) HTTPSAddr() string { return s.https.Addr().String() }

// ports are those that serve the API.
func (s *Server) ports() (ports []string) {
	for _, addr := range []string{s.HTTPAddr(), s.HTTPSAddr()} {
		if _, port, err := net.SplitHostPort(addr); err == nil {
			ports = append(ports, port)
		}
	}
	return ports
}

// SIPAddr is where SIP listens, over UDP and TCP.
func (s *Server) SIPAddr() string { return s.phones.LocalAddr().String() }

// CAFile is the development CA's certificate; empty when --cert is given.
func (s *Server) CAFile() string { return s.caFile }

// PublicURL is what links in events and results begin with.
func (s *Server) PublicURL() string { return s.config.Public(s.HTTPSAddr()) }

// ConnectionString is what an application gives its client.
func (s *Server) ConnectionString() string { return s.config.ConnectionString(s.PublicURL()) }

// Kill ends a drain at once.
func (s *Server) Kill() { s.once.Do(func() { close(s.kill) }) }

// Run ends what a killed server has left, and serves until ctx is done. Then new
// calls are refused, running ones go on for the time of --drain, and what still
// runs is hung up; it returns nil when every call has ended, every recording is
// closed and the last events are sent.
func (s *Server) Run(ctx context.Context) error {
	s.recover(ctx)
	layers := []*layer{ // each is stopped when all that stand on it are gone
		start("metronome", s.ticks.Run),
		start("tokens", s.tokens.Run),
		start("webhooks", s.courier.Run),
		start("http", s.serve(s.http, nil)),
		start("https", s.serve(s.https, &s.certificate)),
		start("sip", s.phones.Run),
	}
	s.ready.Store(true)
	failed := firstToEnd(layers)
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("draining", "calls", s.calls.Calls(), "for", s.config.Drain)
		s.drain()
	case err = <-failed:
	}
	s.ready.Store(false)
	s.calls.Shutdown()
	for i := len(layers) - 1; i >= 0; i-- {
		if e := layers[i].stop(); e != nil && err == nil {
			err = fmt.Errorf("%s: %w", layers[i].name, e)
		}
	}
	s.prompts.Close()
	s.journal.Close()
	return err
}

// layer is a part of the server that runs until it is told to stop.
type layer struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
}

func start(name string, run func(context.Context) error) *layer {
	ctx, cancel := context.WithCancel(context.Background())
	l := &layer{name: name, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.err = run(ctx)
	}()
	return l
}

func (l *layer) stop() error {
	l.cancel()
	<-l.done
	return l.err
}

// firstToEnd says which layer ended by itself, and why; none should.
func firstToEnd(layers []*layer) <-chan error {
	first := make(chan error, len(layers))
	for _, l := range layers {
		go func() {
			<-l.done
			if l.err != nil {
				first <- fmt.Errorf("%s: %w", l.name, l.err)
			} else {
				first <- fmt.Errorf("%s ended before its time", l.name)
			}
		}()
	}
	return first
}

// drain lets running calls go on for a while, and refuses new ones.
func (s *Server) drain() {
	s.phones.Drain()
	s.calls.Drain()
	s.ready.Store(false)
	deadline := time.NewTimer(s.config.Drain)
	defer deadline.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for s.calls.Calls() > 0 {
		select {
		case <-look.C:
		case <-deadline.C:
			return
		case <-s.kill:
			return
		}
	}
}

// answerTime bounds what a client may take to send a request.
const answerTime = 30 * time.Second

// serve makes an HTTP layer.
func (s *Server) serve(l net.Listener, cert *tls.Certificate) func(context.Context) error {
	return func(ctx context.Context) error {
		srv := &http.Server{
			Handler:           s.web,
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       answerTime,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		}
		if cert != nil {
			srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
			l = tls.NewListener(l, srv.TLSConfig)
		}
		down := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(down)
			end, cancel := context.WithTimeout(context.Background(), goodbye)
			defer cancel()
			if err := srv.Shutdown(end); err != nil {
				_ = srv.Close()
			}
		})
		err := srv.Serve(l)
		if stop() {
			return err // it broke by itself
		}
		<-down
		return nil
	}
}
