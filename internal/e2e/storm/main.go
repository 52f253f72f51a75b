package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/acs/acstest"
)

// A storm is the app, its endpoints, and what they have seen.
type storm struct {
	ctx       context.Context //nolint:containedctx // of the program: what handlers begin goes on without them
	url       string          // where the app takes events
	dead      string          // host:port of the endpoint that is dead at first
	forward   string          // the app that acts; empty: this one
	forbidden []string        // where redirects lead
	endpoints []*endpoint
	api       acstest.Client

	ledger  atomic.Pointer[ledger]
	hostile atomic.Bool
	next    atomic.Int64 // which endpoint is next
	acted   sync.Map     // ids of events
}

func (s *storm) book() *ledger { return s.ledger.Load() }

func main() {
	dead := flag.String("dead", "", "host:port of the endpoint that is dead at first")
	forward := flag.String("forward", "", "the URL of the app that acts; empty: this one")
	flag.Parse()
	if err := run(context.Background(), *dead, *forward); err != nil {
		fmt.Fprintf(os.Stderr, "storm: %v\n", err)
		os.Exit(1)
	}
}

// run serves until standard input ends.
func run(ctx context.Context, dead, forward string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &storm{ctx: ctx, dead: dead, forward: forward}
	s.ledger.Store(new(ledger))
	s.api.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 30 * time.Second}
	if err := s.listen(); err != nil {
		return err
	}
	var callbacks []string
	for _, e := range s.endpoints {
		callbacks = append(callbacks, e.url)
	}
	say(map[string]any{"event": map[string]any{"kind": "Ready", "url": s.url, "callbacks": callbacks}})
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		var c command
		err := json.Unmarshal(commands.Bytes(), &c)
		var result any
		if err == nil {
			result, err = s.obey(c)
		}
		if err != nil {
			say(map[string]any{"id": c.ID, "error": map[string]any{"message": err.Error()}})
			continue
		}
		say(map[string]any{"id": c.ID, "result": result})
	}
	return commands.Err()
}

// listen opens all endpoints, healthy for now.
func (s *storm) listen() error {
	app, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the app: %w", err)
	}
	s.url = "http://" + app.Addr().String()
	go func() { _ = (&http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute}).Serve(app) }()
	for _, m := range moods {
		at := "127.0.0.1:0"
		if m.name == "dead" {
			at = s.dead
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("listen for %s: %w", m.name, err)
		}
		e := &endpoint{name: m.name, mood: m.mood, url: "http://" + l.Addr().String() + "/callbacks", storm: s}
		s.endpoints = append(s.endpoints, e)
		go e.serve(l)
	}
	s.forbidden = []string{"http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/callbacks"}
	trap, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		return nil // not every system has so many addresses; the others do
	}
	s.forbidden = append(s.forbidden, "http://"+trap.Addr().String()+"/callbacks")
	go func() {
		_ = (&http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s.book().wrong("a redirect to a forbidden address was followed: %s", r.Method)
		})}).Serve(trap)
	}()
	return nil
}

// A command is one line of standard input.
type command struct {
	ID   int
	Do   string
	Args []any
}

// obey does what the test says.
//
//	connect  HOST:PORT KEY   where the server's API is, if the app is ours
//	begin    HOSTILE         forget what has been; from now on all are healthy, or in their moods
//	count    N               {"callbacks":…,"grid":…}: how many calls are over, as soon as N are, or in a second
//	report                   see report
func (s *storm) obey(c command) (any, error) {
	switch c.Do {
	case "connect":
		if len(c.Args) != 2 {
			return nil, fmt.Errorf("connect %v", c.Args)
		}
		s.api.Server = fmt.Sprint(c.Args[0])
		return nil, json.Unmarshal(fmt.Appendf(nil, "%q", c.Args[1]), &s.api.Key) // base64, as JSON has bytes
	case "begin":
		hostile := len(c.Args) == 1 && c.Args[0] == true
		s.ledger.Store(new(ledger))
		if hostile && !s.hostile.Load() {
			go s.endpoints[len(s.endpoints)-1].die(s.ctx, s.dead)
		}
		s.hostile.Store(hostile)
		return nil, nil
	case "count":
		wanted := 0.0
		if len(c.Args) == 1 {
			wanted, _ = c.Args[0].(float64)
		}
		callbacks, grid := s.book().over()
		for range 20 {
			if min(callbacks, grid) >= int(wanted) {
				break
			}
			wait(s.ctx, 50*time.Millisecond)
			callbacks, grid = s.book().over()
		}
		return map[string]int{"callbacks": callbacks, "grid": grid}, nil
	case "report":
		return s.book().report(), nil
	}
	return nil, fmt.Errorf("unknown: %s", c.Do)
}

var voice sync.Mutex // over standard output

// say prints a line of JSON.
func say(line any) {
	voice.Lock()
	defer voice.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}
