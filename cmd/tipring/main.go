// Command tipring is a media server for programmable telephone calls that
// speaks the API of Azure Communication Services Call Automation, and the tools
// to try it.
//
// # What it does
//
// `tipring` alone starts the server on development defaults; `tipring help`
// lists the other commands.
//
// # How it works
//
// A file for each command: its flags are a struct, its work is the struct's
// Run. What a server is, stands in internal/server.
//
// # How to use it
//
//	go run ./cmd/tipring
//	go run ./cmd/tipring call +15550199 --say hello.wav --dtmf 12#
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. A command's error ends the process with status
// 1, wrong use of it with 2.
type commands struct {
	Serve   serveCmd   `cmd:"" default:"withargs" help:"Start the server (what tipring does when no command is named)."`
	Call    callCmd    `cmd:"" help:"A phone in the terminal: place a SIP call, say a file, press keys, record what is heard."`
	Listen  listenCmd  `cmd:"" help:"A websocket endpoint that takes in audio streams and transcriptions."`
	Dtmf    dtmfCmd    `cmd:"" help:"Detect digits in sound."`
	Events  eventsCmd  `cmd:"" help:"See the events that were given up, and send them again."`
	Version versionCmd `cmd:"" help:"Print version, Go version and commit."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	defer stop()
	parser, err := kong.New(&commands{},
		kong.Name("tipring"),
		kong.Description("A media server for programmable telephone calls. It speaks the API of Azure Communication Services Call Automation, so that an app written for it answers real telephones here: point the app's connection string at this server."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }), // without the variable of each flag
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // the tags are wrong
	}
	line, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "tipring: %v\nTry 'tipring --help'.\n", err)
		return 2
	}
	if err := line.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "tipring: %v\n", err)
		return 1
	}
	return 0
}
