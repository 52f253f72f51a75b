package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/tipring/tipring/internal/config"
	"github.com/tipring/tipring/internal/server"
)

type serveCmd struct {
	config.Config `embed:""`

	File string `name:"config" env:"TIPRING_CONFIG" type:"existingfile" placeholder:"FILE.yaml" help:"Settings from a file, whose keys are the names of these flags. A flag precedes its variable in the environment, which precedes the file."`
}

// Help is what stands below the flags in tipring serve --help.
func (serveCmd) Help() string {
	return "Each flag is also a variable in the environment (TIPRING_ACCESS_KEY for --access-key) and a key of the file that --config names. Lists are repeated flags, words separated by spaces in the environment, and lists in the file."
}

// BeforeResolve brings in the file that --config or its variable names.
func (s *serveCmd) BeforeResolve(line *kong.Context) error {
	path := os.Getenv("TIPRING_CONFIG")
	for _, p := range line.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			path, _ = line.FlagValue(p.Flag).(string)
		}
	}
	if path == "" {
		return nil
	}
	file, err := config.Open(path)
	if err != nil {
		return err
	}
	line.AddResolver(file)
	return nil
}

// Run starts the server. The first SIGTERM or SIGINT ends ctx and lets running
// calls go on for a while; the second ends them at once.
func (s *serveCmd) Run(ctx context.Context) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	srv, err := server.New(s.Config, log)
	if err != nil {
		return err
	}
	page(os.Stdout, s.Config, srv)

	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for n := 1; ; n++ {
			select {
			case sig := <-signals:
				log.Info("signal received", "signal", sig, "number", n)
				if n == 2 {
					srv.Kill()
				}
			case <-ended:
				return
			}
		}
	}()
	return srv.Run(ctx)
}

// place is where a server can be reached, once it listens.
type place interface {
	HTTPAddr() string
	SIPAddr() string
	CAFile() string
	ConnectionString() string
}

// page tells a newcomer how to use the server that has just started.
func page(w io.Writer, c config.Config, at place) {
	line := func(name, text string) { fmt.Fprintf(w, "  %-18s %s\n", name, text) }
	fmt.Fprintf(w, "%s\n\n", version())
	line("Connection string", at.ConnectionString())
	if ca := at.CAFile(); ca != "" {
		line("Trust its CA", "export NODE_EXTRA_CA_CERTS="+absolute(ca))
	}
	line("Over plain HTTP", c.ConnectionString("http://"+at.HTTPAddr())+" (with allowInsecureConnection)")
	if c.Loopback() && len(c.AccessKeys) == 0 {
		line("", "The key is published: it serves development on this machine alone.")
	}
	line("Telephones", "sip:"+at.SIPAddr()+" over UDP and TCP; try: "+try(at.SIPAddr()))
	if len(c.Events) == 0 {
		line("Incoming calls", "raise no event yet: give --events URL, where your app takes Event Grid events")
	} else {
		line("Incoming calls", "raise IncomingCall at "+strings.Join(c.Events, ", "))
	}
	line("Data", absolute(c.Data)+": recordings, certificates, keys, journal")
	line("Speech engines", "none are used yet: prompts are files, recognition is by keys")
	line("Stop", "Ctrl-C; running calls have "+c.Drain.String()+" to end, or end at the second Ctrl-C")
	fmt.Fprintln(w)
}

// try is the command that calls the server at addr.
func try(addr string) string {
	if _, port, err := net.SplitHostPort(addr); err != nil || port != "5060" {
		return "tipring call +15550199 --server " + addr
	}
	return "tipring call +15550199"
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
