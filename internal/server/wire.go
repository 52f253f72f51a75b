package server

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tipring/tipring/internal/api"
	"github.com/tipring/tipring/internal/call"
	"github.com/tipring/tipring/internal/dial"
	"github.com/tipring/tipring/internal/leg"
	"github.com/tipring/tipring/internal/prompt"
	"github.com/tipring/tipring/internal/recording"
	"github.com/tipring/tipring/internal/webhook"
	"github.com/tipring/tipring/media/metronome"
)

// perHost is how many connections to one host prompts have.
const perHost = 64

// wire makes the rooms of the house and says who talks to whom.
func (s *Server) wire() error {
	roots, err := s.roots()
	if err != nil {
		return err
	}
	if err := s.trust(); err != nil {
		return err
	}
	out := &dial.Dialer{AllowNet: s.config.Nets(), Roots: roots, Metrics: s.metrics}
	s.recordings = &recording.Store{Dir: filepath.Join(s.config.Data, "recordings"), Metrics: s.metrics, Log: s.log}

	s.ticks = metronome.New(metronome.Config{Workers: cores(), Sleep: metronome.Nanosleep, Metrics: s.metrics})
	s.prompts = &prompt.Library{Client: out.HTTPClient(dial.Limits{Timeout: -1, PerHost: perHost}), Counters: s.metrics}
	box, err := s.outbox()
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	s.courier = webhook.New(webhook.Config{
		Outbox: box, Client: out.HTTPClient(dial.Limits{PerHost: webhook.HostSlots}), Subscribers: s.config.Events,
		PublicURL: s.PublicURL(), Sign: s.sign, Audience: s.audience(), Metrics: s.metrics, Log: s.log,
	})
	s.calls = call.NewRegistry(call.Config{
		Keep: s.keep, Ticks: s.ticks, Fetch: s.fetch, Recordings: s.recordings,
		Call: s.call, Dial: out.DialContext, TLS: out.TLS(), Authorize: s.authorize, BaseURL: s.PublicURL(),
		Metrics: s.metrics, Log: s.log,
	})
	s.web = s.routes(api.New(api.Config{
		Calls: s.calls, Objects: s.recordings, Letters: s.courier, Keys: s.config.Keys(), Ports: s.ports(),
		Bearer: s.bearers(out), Tokens: s.tokens.Handler(), Journal: s.journal, Metrics: s.metrics, Log: s.log,
	}))
	return s.telephones()
}

// fetch begins to load a prompt for a call.
func (s *Server) fetch(ctx context.Context, uri, cacheID string) call.Sound {
	p, err := s.prompts.Fetch(ctx, uri, cacheID)
	if err != nil {
		return call.NoSound(err)
	}
	return p
}

// call calls somebody for a call.
func (s *Server) call(ctx context.Context, i call.Invite) (leg.Leg, error) {
	return s.reach(ctx, i.Target, i.From, sipHeaders(i.Headers.SIP, i.Headers.VoIP), i.Correlation)
}

// routes puts the API and the server's own pages behind one handler.
func (s *Server) routes(calling http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", s.health)
	r.Handle("/metrics", s.metricsPage())
	r.NotFound(calling.ServeHTTP)
	r.MethodNotAllowed(calling.ServeHTTP)
	return r
}

// health says 200 while the server takes calls.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !s.ready.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, "draining")
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// metricsPage serves the counters, and what Go says of itself.
func (s *Server) metricsPage() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		readings{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// readings shows a metric.Set to Prometheus.
type readings struct{ s *Server }

// Describe says nothing: what is counted is known when it has been counted.
func (readings) Describe(chan<- *prometheus.Desc) {}

// Collect reads every counter and gauge.
func (r readings) Collect(out chan<- prometheus.Metric) {
	for _, m := range r.s.metrics.Read() {
		var labels, values []string
		if m.Label != "" {
			labels, values = []string{m.Label}, []string{m.Value}
		}
		kind := prometheus.CounterValue
		if m.Gauge {
			kind = prometheus.GaugeValue
		}
		desc := prometheus.NewDesc("tipring_"+m.Name, m.Help, labels, nil)
		out <- prometheus.MustNewConstMetric(desc, kind, m.Number, values...)
	}
}
