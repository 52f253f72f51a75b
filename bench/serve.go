package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/server"
)

// serveCmd is the server that is measured: all of it, on free ports of
// loopback, with the profiler of the Go runtime beside it.
type serveCmd struct {
	Events string `required:"" help:"Where the app takes events."`
	Data   string `required:"" help:"The data folder."`
	HTTP   string `default:"127.0.0.1:0" help:"Where HTTP listens."`
	SIP    string `default:"127.0.0.1:0" help:"Where SIP listens."`
	Sync   bool   `default:"true" negatable:"" help:"Wait for the disk."`
}

// address is where the server listens: its first line of output.
type address struct{ HTTP, SIP, Pprof string }

// Run serves until ctx is done.
func (s *serveCmd) Run(ctx context.Context) error {
	cfg := config.Default()
	cfg.HTTP, cfg.HTTPS, cfg.SIP = s.HTTP, "127.0.0.1:0", s.SIP
	cfg.Data, cfg.Events, cfg.Drain, cfg.Sync = s.Data, []string{s.Events}, time.Millisecond, s.Sync
	srv, err := server.New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the profiler: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	defer web.Close()
	if err := json.NewEncoder(os.Stdout).Encode(address{srv.HTTPAddr(), srv.SIPAddr(), l.Addr().String()}); err != nil {
		return fmt.Errorf("say where the server is: %w", err)
	}
	return srv.Run(ctx)
}
