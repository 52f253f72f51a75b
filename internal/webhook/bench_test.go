package webhook_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

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
