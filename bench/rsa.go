package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tipring/tipring/internal/metric"
	"github.com/tipring/tipring/media"
	"github.com/tipring/tipring/media/metronome"
	"github.com/tipring/tipring/media/room"
)

type rsaCmd struct {
	Core    int           `default:"-1" help:"The core that all is held to; -1: all of them."`
	Nice    int           `default:"-10" help:"The nice value of all; the threads that tick have ten less."`
	Rooms   int           `default:"500" help:"How many rooms are ticked: one leg each, with a prompt."`
	Signers []int         `default:"1,4,16" help:"How many goroutines sign without a pause."`
	For     time.Duration `default:"8s" help:"For how long each."`
	JSON    bool          `help:"Print JSON."`
}

// A guard is a choice of what protects the ticks from other work.
type guard struct {
	Name   string
	Free   bool // the worker gives up its thread's lock
	Plain  bool // the workers' threads have the nice value of all others
	Timer  bool // the workers sleep on a timer of Go, not in the kernel
	Spare  int  // threads that run Go code beyond one for each core
	Queued bool // one goroutine signs at a time
}

// guards are what the server has, then each part of it left out, then none.
var guards = []guard{
	{Name: "all", Spare: 2, Queued: true},
	{Name: "many may sign", Spare: 2},
	{Name: "no nice value", Plain: true, Spare: 2, Queued: true},
	{Name: "no spare threads", Queued: true},
	{Name: "timer", Timer: true, Spare: 2, Queued: true},
	{Name: "threads alone", Timer: true},
	{Name: "none", Free: true, Plain: true, Timer: true},
}

// A lateness is what the ticks suffered.
type lateness struct {
	Guard   string  `json:"guard"`
	Signers int     `json:"signers"`
	Signed  float64 `json:"signatures_per_second"`
	Share   float64 `json:"share"` // of the cores, spent on signatures
	Ticks   int     `json:"ticks"`
	Late    uint64  `json:"late"` // more than 5 ms
	Skipped uint64  `json:"skipped"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Max     float64 `json:"max_ms"`
}

// Run measures all guards.
func (c *rsaCmd) Run(ctx context.Context) error {
	cost, all, err := c.measure(ctx, guards)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	fmt.Printf("rsa: %s; held to %d; %d rooms; a signature of RS256 with 2048 bits takes %v\n", machine(), c.cores(), c.Rooms, cost.Round(time.Microsecond))
	table(os.Stdout, all)
	return nil
}

func (c *rsaCmd) cores() int {
	if c.Core >= 0 {
		return 1
	}
	return runtime.NumCPU()
}

// measure ticks rooms beside goroutines that sign, under one guard after the
// other.
func (c *rsaCmd) measure(ctx context.Context, guards []guard) (cost time.Duration, all []lateness, err error) {
	cores := c.cores()
	if err := pinSelf(c.Core, c.Nice); err != nil {
		return 0, nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, nil, fmt.Errorf("make a key: %w", err)
	}
	cost = signature(key)
	for _, signers := range append([]int{0}, c.Signers...) {
		for i, g := range guards {
			if signers == 0 && i > 0 && i < len(guards)-1 {
				continue
			}
			l, err := c.beside(ctx, g, key, signers, cores)
			if err != nil {
				return cost, all, err
			}
			l.Share = l.Signed * cost.Seconds() / float64(cores)
			all = append(all, l)
		}
	}
	return cost, all, nil
}

func table(w io.Writer, all []lateness) {
	fmt.Fprintf(w, "  %8s  %-17s %6s %7s %8s %7s %8s %8s %8s %8s\n", "signers", "protected by", "sig/s", "RSA %", "ticks", "late %", "skipped", "p50 ms", "p99 ms", "max ms")
	for _, l := range all {
		fmt.Fprintf(w, "  %8d  %-17s %6.0f %7.1f %8d %7.3f %8d %8.2f %8.2f %8.2f\n", l.Signers, l.Guard, l.Signed, 100*l.Share,
			l.Ticks, 100*float64(l.Late)/float64(l.Ticks+1), l.Skipped, l.P50, l.P99, l.Max)
	}
	fmt.Fprintln(w)
}

// signature is the processor time of one.
func signature(key *rsa.PrivateKey) time.Duration {
	const n = 100
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadTime()
	for range n {
		sign(key)
	}
	return (threadTime() - began) / n
}

func sign(key *rsa.PrivateKey) {
	sum := sha256.Sum256([]byte("a token"))
	if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]); err != nil {
		panic(err) // the key is our own
	}
}

// beside measures one guard.
func (c *rsaCmd) beside(ctx context.Context, g guard, key *rsa.PrivateKey, signers, cores int) (l lateness, err error) {
	was := runtime.GOMAXPROCS(cores + g.Spare)
	defer runtime.GOMAXPROCS(was)
	rooms, _, err := house(c.Rooms, 1, true)
	if err != nil {
		return l, err
	}
	set := new(metric.Set)
	config := metronome.Config{Workers: cores, Nice: c.Nice - 10, Sleep: metronome.Nanosleep, Metrics: set}
	if g.Timer {
		config.Sleep = nil
	}
	clock := metronome.New(config)
	var seats []*listener
	start := time.Now()
	for _, r := range rooms {
		seat := &listener{room: r, guard: g, nice: c.Nice, start: start, late: make([]time.Duration, 0, int(c.For/media.Period)+100)}
		seats = append(seats, seat)
		clock.Add(seat)
	}
	ctx, cancel := context.WithTimeout(ctx, c.For)
	defer cancel()
	var signing sync.WaitGroup
	var signed atomic.Int64
	queue := make(chan struct{}, max(1, signers))
	if g.Queued {
		queue = make(chan struct{}, 1)
	}
	for range signers {
		signing.Go(func() {
			for ctx.Err() == nil {
				queue <- struct{}{}
				sign(key)
				<-queue
				signed.Add(1)
			}
		})
	}
	if err := clock.Run(ctx); err != nil {
		return l, err
	}
	signing.Wait()
	l = lateness{Guard: g.Name, Signers: signers, Signed: float64(signed.Load()) / time.Since(start).Seconds()}
	l.Late = set.Counter("ticks_late_total", "", "", "").Value()
	l.Skipped = set.Counter("ticks_skipped_total", "", "", "").Value()
	l.count(seats)
	return l, nil
}

// count sums up what the rooms have seen.
func (l *lateness) count(seats []*listener) {
	var all []time.Duration
	for _, s := range seats {
		if len(s.late) < 10 {
			continue
		}
		first := slices.Min(s.late)
		for _, d := range s.late[5:] { // the first are those of the start
			all = append(all, d-first)
		}
	}
	l.Ticks = len(all)
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000 }
	l.P50, l.P99, l.Max = at(0.5), at(0.99), at(1)
}

// A listener is a room that notes when it is ticked: how far behind the beat of
// its earliest tick.
type listener struct {
	room  *room.Room
	guard guard
	nice  int // of all
	start time.Time
	ticks time.Duration
	late  []time.Duration
}

// Tick ticks the room. The first takes from the worker, whose thread this is,
// what the guard does without.
func (l *listener) Tick() {
	if l.ticks == 0 {
		if l.guard.Free {
			runtime.UnlockOSThread()
		}
		if l.guard.Plain {
			prefer(l.nice)
		}
	}
	if len(l.late) < cap(l.late) {
		l.late = append(l.late, time.Since(l.start)-l.ticks*media.Period)
	}
	l.ticks++
	beat(l.room)
}

// Skip passes over ticks.
func (l *listener) Skip(n uint64) {
	l.ticks += time.Duration(n)
	l.room.Skip(n)
}
