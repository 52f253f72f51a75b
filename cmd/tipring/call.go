package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/sip"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/codec"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/room"
	"github.com/tipring/tipring/media/rtp"
)

// callCmd is `tipring call`: a phone in the terminal.
type callCmd struct {
	Target string        `arg:"" help:"Whom to call: a number, a name, or a SIP URI."`
	Server string        `default:"127.0.0.1:5060" placeholder:"HOST:PORT" help:"The SIP server to call through (127.0.0.1:5060)."`
	User   string        `placeholder:"NAME:PASSWORD" help:"Who to be, and the answer to a server that asks for a password."`
	From   string        `placeholder:"NUMBER" help:"The number or name to call from; without it --user's name, or +15550100."`
	Say    string        `type:"existingfile" placeholder:"FILE.wav" help:"Say this once the call is answered."`
	DTMF   string        `name:"dtmf" placeholder:"1,2#" help:"Press these keys once the call is answered; a comma waits a second."`
	Record string        `type:"path" placeholder:"FILE.wav" help:"Write what is heard into this file."`
	Codec  string        `placeholder:"NAME" help:"Offer this codec alone, such as PCMA."`
	For    time.Duration `placeholder:"10s" help:"Hang up so long after the answer; without it the far end does, or Ctrl-C."`
}

var errNotAnswered = errors.New("the call was not answered")

// Validate is called by kong when the command line has been read.
func (c *callCmd) Validate() error {
	if c.Codec != "" {
		if _, ok := codec.ByName(c.Codec); !ok {
			return fmt.Errorf("--codec: %q is not one of %s", c.Codec, codecNames())
		}
	}
	if strings.Trim(c.DTMF, "0123456789*#ABCDabcd,") != "" {
		return errors.New("--dtmf takes 0-9, *, #, A-D, and commas")
	}
	if _, _, err := net.SplitHostPort(c.Server); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	return nil
}

func codecNames() string {
	var names []string
	for _, c := range codec.Codecs {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// Run places the call and sees it to its end. It fails if nobody answered.
func (c *callCmd) Run(ctx context.Context) error { return c.place(ctx, os.Stdout) }

// place is Run with its output.
func (c *callCmd) place(ctx context.Context, out io.Writer) error {
	v, err := c.voice()
	if err != nil {
		return err
	}
	ip, err := ourAddress(c.Server)
	if err != nil {
		return err
	}
	phone := &sip.Server{
		Addr: netip.AddrPortFrom(ip, 0).String(), MediaIP: ip, Ports: &rtp.Ports{IP: ip}, OpenLoopback: true,
	}
	if err := phone.Listen(); err != nil {
		return err
	}
	clock := metronome.New(metronome.Config{Workers: 1})
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // the phone outlives an interrupt: it has to hang up
	var running sync.WaitGroup
	failed := make(chan error, 1)
	running.Go(func() { failed <- phone.Run(life) })
	running.Go(func() { clock.Run(life) }) //nolint:errcheck // it fails only the second time
	defer running.Wait()
	defer end()

	l, err := c.dial(ctx, phone, failed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Calling %s through %s\n", c.Target, c.Server)
	t := &conversation{call: c, out: out, leg: l, room: room.New(), began: time.Now()}
	if err := t.open(v); err != nil {
		l.Hangup(context.Background(), leg.Normal) //nolint:errcheck // it waits for ever only if the phone does
		return errors.Join(err, l.Close())
	}
	seat := clock.Add(t.room)
	t.run(ctx)
	return t.close(seat)
}

// dial places the call as soon as the phone runs.
func (c *callCmd) dial(ctx context.Context, phone *sip.Server, failed <-chan error) (leg.Leg, error) {
	user, password, _ := strings.Cut(c.User, ":")
	from := c.From
	if from == "" {
		if from = user; from == "" {
			from = "+15550100"
		}
	}
	config := sip.DialConfig{
		Target: c.uri(), Route: c.route(), From: sip.PartyOf(from), User: user, Password: password,
	}
	if c.Codec != "" {
		config.Codecs = []string{c.Codec}
	}
	for {
		l, err := phone.Dial(ctx, config)
		if !errors.Is(err, sip.ErrNotRunning) {
			return l, err
		}
		select {
		case err := <-failed:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// uri is the target as a SIP URI.
func (c *callCmd) uri() string {
	if strings.HasPrefix(c.Target, "sip:") {
		return c.Target
	}
	return "sip:" + sip.EscapeUser(c.Target) + "@" + c.Server
}

// route is the proxy to go through: none if the target is at the server itself.
func (c *callCmd) route() string {
	if strings.Contains(c.uri(), "@"+c.Server) {
		return ""
	}
	return c.Server
}

// ourAddress is the address that this machine has towards the server.
func ourAddress(server string) (netip.Addr, error) {
	conn, err := net.Dial("udp", server) // sends nothing: it asks for the route
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", server, err)
	}
	defer conn.Close()
	p, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", server, err)
	}
	return p.Addr().Unmap(), nil
}

// voice is what the call is to say: nil for nothing.
func (c *callCmd) voice() (media.Source, error) {
	if c.Say == "" {
		return nil, nil
	}
	return openVoice(c.Say)
}
