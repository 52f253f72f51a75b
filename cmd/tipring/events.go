package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// eventsCmd is `tipring events`: the dead letters of a running server.
type eventsCmd struct {
	List   listEvents   `cmd:"" help:"List the events that were given up."`
	Show   showEvent    `cmd:"" help:"Show one of them, with its headers and body."`
	Resend resendEvents `cmd:"" help:"Send them again, with the same ids."`
	Remove removeEvents `cmd:"" help:"Forget them."`

	Server    string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The server's endpoint, or a connection string (http://127.0.0.1:8080)."`
	AccessKey string `placeholder:"BASE64" help:"The access key. Default: the one in --server, else TIPRING_ACCESS_KEY, else the development key."`
}

type listEvents struct {
	JSON bool `name:"json" help:"For programs: an array of objects."`
}

type showEvent struct {
	Seq  uint64 `arg:"" help:"The number that list gives."`
	JSON bool   `name:"json" help:"For programs: one object."`
}

type resendEvents struct {
	Seq []uint64 `arg:"" optional:"" help:"The numbers that list gives."`
	All bool     `help:"All there are."`
}

type removeEvents struct {
	Seq []uint64 `arg:"" optional:"" help:"The numbers that list gives."`
	All bool     `help:"All there are."`
}

// Validate is called by kong when the command line has been read.
func (c *eventsCmd) Validate() error {
	_, err := c.office()
	return err
}

// Validate is called by kong when the command line has been read.
func (c *resendEvents) Validate() error { return someOrAll(c.Seq, c.All) }

// Validate is called by kong when the command line has been read.
func (c *removeEvents) Validate() error { return someOrAll(c.Seq, c.All) }

func someOrAll(seqs []uint64, all bool) error {
	if all == (len(seqs) > 0) {
		return errors.New("name the numbers of events, or use --all")
	}
	return nil
}

// Run prints a table.
func (c *listEvents) Run(ctx context.Context, events *eventsCmd) error {
	return c.list(ctx, events, os.Stdout)
}

func (c *listEvents) list(ctx context.Context, events *eventsCmd, out io.Writer) error {
	d, err := events.office()
	if err != nil {
		return err
	}
	letters, err := d.all(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, letters)
	}
	if len(letters) == 0 {
		_, err = fmt.Fprintln(out, "No event was given up.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEQ\tGIVEN UP\tEVENT\tTO\tREASON\tATTEMPTS")
	for _, l := range letters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\n", l.Seq, l.GivenUp.Local().Format(time.DateTime), clean(l.Type), clean(brief(l.To)), clean(l.Reason), l.Attempts)
	}
	return table.Flush()
}

// brief is a URL without its query, which may be long and may be secret.
func brief(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.RawQuery != "" {
		u.RawQuery = "…"
		return u.String()
	}
	return raw
}

// clean takes out of a text what a terminal would obey.
func clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '�'
		}
		return c
	}, text)
}

// Run prints the letter.
func (c *showEvent) Run(ctx context.Context, events *eventsCmd) error {
	return c.show(ctx, events, os.Stdout)
}

func (c *showEvent) show(ctx context.Context, events *eventsCmd, out io.Writer) error {
	d, err := events.office()
	if err != nil {
		return err
	}
	l, err := d.one(ctx, c.Seq)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, l)
	}
	line := func(name, text string) { fmt.Fprintf(out, "%-9s %s\n", name, clean(text)) }
	line("Event", l.Type)
	line("Id", l.ID)
	line("To", l.To)
	line("Created", l.Created.Local().Format(time.DateTime))
	line("Given up", l.GivenUp.Local().Format(time.DateTime))
	line("Reason", l.Reason)
	line("Attempts", fmt.Sprint(l.Attempts))
	line("Error", l.Error)
	fmt.Fprintln(out)
	for _, name := range slices.Sorted(maps.Keys(l.Headers)) {
		fmt.Fprintf(out, "%s: %s\n", clean(name), clean(l.Headers[name]))
	}
	fmt.Fprintln(out)
	return printJSON(out, l.Body)
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Run queues the events once more.
func (c *resendEvents) Run(ctx context.Context, events *eventsCmd) error {
	return events.each(ctx, c.Seq, c.All, os.Stdout, "sent again", (*office).resend)
}

// Run removes the letters.
func (c *removeEvents) Run(ctx context.Context, events *eventsCmd) error {
	return events.each(ctx, c.Seq, c.All, os.Stdout, "removed", (*office).remove)
}

// each does something to some letters, or to all, and goes on when one fails.
func (c *eventsCmd) each(ctx context.Context, seqs []uint64, all bool, out io.Writer, done string, do func(*office, context.Context, uint64) error) error {
	d, err := c.office()
	if err != nil {
		return err
	}
	if all {
		letters, err := d.all(ctx)
		if err != nil {
			return err
		}
		for _, l := range letters {
			seqs = append(seqs, l.Seq)
		}
	}
	n, failed := 0, []error(nil)
	for _, seq := range seqs {
		err := do(d, ctx, seq)
		switch {
		case err == nil:
			n++
		case all && errors.Is(err, errNoLetter): // somebody else was first
		case errors.As(err, new(*refusal)):
			failed = append(failed, err)
		default:
			return errors.Join(append(failed, err)...) // the next would fare no better
		}
	}
	noun := "events"
	if n == 1 {
		noun = "event"
	}
	fmt.Fprintf(out, "%d %s %s.\n", n, noun, done)
	return errors.Join(failed...)
}
