package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/tipring/tipring/internal/dial"
	"github.com/tipring/tipring/internal/journal"
	"github.com/tipring/tipring/internal/outbox"
	"github.com/tipring/tipring/internal/webhook"
)

// BenchmarkEvent is one event from Take to Done, over a network that answers at
// once.
func BenchmarkEvent(b *testing.B) {
	client := &http.Client{Transport: instant{}}
	courier := webhook.New(webhook.Config{Client: client})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- courier.Run(ctx) }()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		take(b, courier, played(strconv.Itoa(n), "conn-1", "http://app/events"))
		if err := courier.Drain(ctx); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	<-done
}

type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// BenchmarkDeliver is events of 64 calls at one time, from Take to the answer of
// an app on loopback, with a journal in memory, on disk, and on a disk that is
// written through.
func BenchmarkDeliver(b *testing.B) {
	for name, open := range map[string]func() journal.Journal{
		"memory": func() journal.Journal { return &journal.Memory{} },
		"log":    func() journal.Journal { return openLog(b, true) },
		"sync":   func() journal.Journal { return openLog(b, false) },
	} {
		b.Run(name, func(b *testing.B) {
			app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			defer app.Close()
			box, err := outbox.Open(outbox.Config{Journal: open()})
			if err != nil {
				b.Fatal(err)
			}
			out := &dial.Dialer{AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			courier := webhook.New(webhook.Config{Client: out.HTTPClient(dial.Limits{PerHost: webhook.HostSlots}), Outbox: box})
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error)
			go func() { done <- courier.Run(ctx) }()
			var calls, events atomic.Int64
			b.SetParallelism(32)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				call := fmt.Sprintf("call-%d", calls.Add(1))
				for pb.Next() {
					take(b, courier, played(strconv.FormatInt(events.Add(1), 10), call, app.URL+"/callbacks"))
				}
			})
			if err := courier.Drain(ctx); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(events.Load())/b.Elapsed().Seconds(), "events/s")
			b.StopTimer()
			cancel()
			<-done
		})
	}
}

func openLog(b *testing.B, noSync bool) journal.Journal {
	b.Helper()
	j, err := journal.Open(journal.Config{Dir: b.TempDir(), NoSync: noSync})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(j.Close)
	return j
}
