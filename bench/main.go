package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type commands struct {
	All     allCmd     `cmd:"" default:"withargs" help:"hold, ladder and churn, one after the other."`
	Hold    holdCmd    `cmd:"" help:"A number of IVR legs for a while."`
	Ladder  ladderCmd  `cmd:"" help:"More and more IVR legs."`
	Churn   churnCmd   `cmd:"" help:"Short calls, and what they leave behind."`
	Events  eventsCmd  `cmd:"" help:"How fast events are, and how many a second there can be."`
	Restart restartCmd `cmd:"" help:"How long a killed server takes to end the calls that it had."`
	RSA     rsaCmd     `cmd:"" name:"rsa" help:"Signing beside the ticks, with and without what protects them."`
	Serve   serveCmd   `cmd:"" hidden:"" help:"The server that is measured."`
}

// setting is how all measurements are set up.
type setting struct {
	ServerCore int           `default:"0" help:"The core that the server is held to; -1: any."`
	LoadCore   int           `default:"1" help:"The core of the phones; -1: any."`
	Nice       int           `default:"-5" help:"The nice value of both: what else runs on the machine disturbs less."`
	KeyEvery   time.Duration `default:"10s" help:"How often each phone presses a key."`
	Rate       int           `default:"50" help:"Calls placed a second."`
	JSON       bool          `help:"Print JSON."`
	Sync       bool          `default:"true" negatable:"" help:"The server waits for the disk before an event counts as kept."`
	Data       string        `placeholder:"DIR" help:"Where the server's data folder is made; the system's folder for such things."`
	Profile    string        `placeholder:"FILE" help:"Write a CPU profile of the server while it is measured."`
	Heap       string        `placeholder:"FILE" help:"Write a heap profile of the server while the legs stand."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	defer stop()
	parser, err := kong.New(&commands{}, kong.Name("bench"),
		kong.Description("Measures a whole tipring server."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		panic(err) // the tags are wrong
	}
	line, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 2
	}
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}
