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

// BenchmarkDeliver is events from Take to the answer of an app on loopback, with
// a journal in memory, on disk, and on a disk that is written through: one at a
// time, and those of 64 calls at one time.
func BenchmarkDeliver(b *testing.B) {
	for _, kept := range []struct {
		name string
		open func() journal.Journal
	}{
		{"memory", func() journal.Journal { return &journal.Memory{} }},
		{"log", func() journal.Journal { return openLog(b, true) }},
		{"sync", func() journal.Journal { return openLog(b, false) }},
	} {
		b.Run("one/"+kept.name, func(b *testing.B) {
			courier, url := deliverer(b, kept.open())
			n := 0
			for b.Loop() {
				n++
				take(b, courier, played(strconv.Itoa(n), "call", url))
				if err := courier.Drain(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("many/"+kept.name, func(b *testing.B) {
			courier, url := deliverer(b, kept.open())
			var calls, events atomic.Int64
			b.SetParallelism(32)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				call := fmt.Sprintf("call-%d", calls.Add(1))
				for pb.Next() {
					take(b, courier, played(strconv.FormatInt(events.Add(1), 10), call, url))
				}
			})
			if err := courier.Drain(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(events.Load())/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// deliverer runs a courier, and an app at the url.
func deliverer(b *testing.B, j journal.Journal) (courier *webhook.Courier, url string) {
	b.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	out := &dial.Dialer{AllowNet: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	courier = webhook.New(webhook.Config{Client: out.HTTPClient(dial.Limits{PerHost: webhook.HostSlots}), Outbox: open(b, j)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- courier.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
		app.Close()
	})
	return courier, app.URL + "/callbacks"
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
