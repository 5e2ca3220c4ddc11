package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/admin"
	"github.com/grantor-dev/grantor/internal/telemetry"
	"github.com/grantor-dev/grantor/internal/web"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
	"github.com/grantor-dev/grantor/store"
)

// watching is how a running server is watched: by metrics on a listener of their own, and by traces. What is not set up is
// nil, and asked by nobody on the way of a request.
type watching struct {
	metrics  *telemetry.Metrics
	listener net.Listener // of the metrics
	traces   *telemetry.Traces
}

// newWatching opens the listener of the metrics, and begins to send traces. close ends both.
func (p *program) newWatching(ctx context.Context, cfg *Config) (*watching, error) {
	w := &watching{}
	if cfg.OTLPEndpoint != "" {
		endpoint, err := tracesURL(cfg.OTLPEndpoint)
		if err != nil {
			return nil, err
		}
		if w.traces, err = telemetry.NewTraces(telemetry.TraceConfig{
			Endpoint: endpoint, Header: cfg.OTLPHeader, Version: version, Ratio: cfg.TraceRatio, Log: p.log, Quiet: server.Probes(),
		}); err != nil {
			return nil, err
		}
	}
	if cfg.MetricsListen == "" {
		return w, nil
	}
	var lc net.ListenConfig
	var err error
	if w.listener, err = lc.Listen(ctx, "tcp", cfg.MetricsListen); err != nil {
		w.close()
		return nil, fmt.Errorf("metrics_listen: %w", err)
	}
	var verbs []string
	for _, v := range store.Verbs() {
		verbs = append(verbs, v.String())
	}
	w.metrics = telemetry.NewMetrics(telemetry.Config{
		Version: version, Routes: append(server.Routes(), admin.Routes()...), Verbs: verbs, State: p.state,
	})
	return w, nil
}

// tracesTime is how long the end waits for a collector.
const tracesTime = 2 * time.Second

// close sends the traces that wait. A collector that does not take them does not make an end a failure.
func (w *watching) close() {
	if w.listener != nil {
		_ = w.listener.Close() // closed by its server as well
	}
	if w.traces != nil {
		ctx, cancel := context.WithTimeout(context.Background(), tracesTime)
		defer cancel()
		_ = w.traces.Close(ctx) // see above
	}
}

// over gives the backend that tells of its verbs, or the backend itself where nobody wants to know.
func (w *watching) over(b store.Backend) store.Backend {
	if w == nil || w.metrics == nil && w.traces == nil {
		return b
	}
	return &store.Watched{Backend: b, Done: func(ctx context.Context, o store.Operation) {
		failed := store.IsUnavailable(o.Err) && !errors.Is(o.Err, context.Canceled) // who has gone is no failure
		if w.metrics != nil {
			w.metrics.Store(o.Verb.String(), o.Took, failed)
		}
		if w.traces != nil {
			w.traces.Store(ctx, telemetry.Verb{Name: o.Verb.String(), Kind: o.Kind.Name, Began: o.Began, Took: o.Took, Failed: failed})
		}
	}}
}

// hooks are what server.Config takes.
func (w *watching) hooks() (began func(context.Context, *http.Request, *web.Event) context.Context, done func(*http.Request, *web.Event)) {
	switch {
	case w.traces == nil && w.metrics == nil:
		return nil, nil
	case w.traces == nil:
		return nil, func(_ *http.Request, e *web.Event) { w.metrics.Request(e) }
	case w.metrics == nil:
		return w.traces.Began, w.traces.Done
	}
	return w.traces.Began, func(r *http.Request, e *web.Event) {
		w.metrics.Request(e)
		w.traces.Done(r, e)
	}
}

// serveMetrics answers on the listener of the metrics until ctx ends. It is of use also while the store is away, or the
// server is draining.
func (p *program) serveMetrics(ctx context.Context) {
	if p.watching.listener == nil {
		return
	}
	s := &http.Server{
		Handler: p.metricsHandler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	end := context.AfterFunc(ctx, func() { _ = s.Close() }) // a scrape under way is not worth waiting for
	defer end()
	p.log.Info("metrics", "listen", p.watching.listener.Addr().String())
	if err := s.Serve(p.watching.listener); !errors.Is(err, http.ErrServerClosed) {
		p.log.Error("metrics are not served any more", "cause", err)
	}
}

func (p *program) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.watching.metrics.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := p.ready(r.Context()); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	if p.config.Pprof { // without cmdline: the address of the store may hold its password
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// state gathers what the parts of the server count by themselves.
func (p *program) state() telemetry.State {
	people, rules := p.directory.Activity(), p.provider.Activity()
	s := telemetry.State{FeedSubscribers: rules.FeedSubscribers, FeedSilent: rules.FeedSilent, SweeperLag: p.sweeperLag()}
	for _, i := range rules.Issued {
		s.Tokens = append(s.Tokens, telemetry.Tokens{Grant: string(i.Grant), Format: string(i.Format), Issued: i.Tokens})
	}
	for _, f := range people.Failures {
		s.LoginFailures = append(s.LoginFailures, telemetry.LoginFailures{Reason: strings.ReplaceAll(f.Reason, " ", "_"), Logins: f.Logins})
	}
	for _, l := range append(rules.Lookups, people.Lookups...) {
		s.Lookups = append(s.Lookups,
			telemetry.Lookups{Kind: l.Kind, Result: "hit", Lookups: l.Hits},
			telemetry.Lookups{Kind: l.Kind, Result: "miss", Lookups: l.Misses},
			telemetry.Lookups{Kind: l.Kind, Result: "bypass", Lookups: l.Passed})
	}
	for _, k := range p.keys.Status() {
		if k.State == oauth.KeyCurrent {
			s.Keys = append(s.Keys, telemetry.Key{Algorithm: string(k.Algorithm), Age: p.config.now().Sub(k.Activated)})
		}
	}
	return s
}

// sweeperLag is 0 for a store that deletes by itself, negative where it cannot be known.
func (p *program) sweeperLag() time.Duration {
	swept, ok := p.store.(interface {
		SweeperLag(context.Context) (time.Duration, error)
	})
	if !ok {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lag, err := swept.SweeperLag(ctx)
	if err != nil {
		return -1
	}
	return lag
}

// watchStore logs when the store goes away and when it is back, once each.
func (p *program) watchStore(ctx context.Context) {
	away := false
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := p.store.Ping(asking)
		cancel()
		if ctx.Err() != nil || !p.prepared.Load() {
			continue
		}
		if gone := err != nil; gone != away {
			away = gone
			if gone {
				p.log.Error("the store does not answer; requests get 503 until it does", "cause", err)
			} else {
				p.log.Info("the store answers again")
			}
		}
	}
}
