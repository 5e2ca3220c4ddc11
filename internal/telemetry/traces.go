package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/grantor-dev/grantor/internal/web"
)

// TraceConfig is what Traces are made from.
type TraceConfig struct {
	Endpoint string      // URL that takes OTLP over HTTP, with its path
	Header   http.Header // that goes along with what is sent there
	Version  string      // of the program
	Ratio    float64     // how many are kept of the traces that begin here or come from strangers, 0 to 1
	Quiet    []string    // paths that are asked so often, and tell so little, that nobody wants to see them
	Log      *slog.Logger
}

// Traces makes a span of every request and of every verb of the store below it. Build it with NewTraces; it is safe for
// concurrent use.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	caller   propagation.TraceContext
	ratio    float64
	quiet    []string
}

// NewTraces begins to send spans: a few seconds after their end, in batches. Where nobody takes them they are let go.
func NewTraces(c TraceConfig) (*Traces, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { c.Log.Warn("traces", "cause", err.Error()) }))
	exporter, err := otlptrace.New(context.Background(), newUploader(c))
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter, sdk.WithBatchTimeout(batchEvery)),
		// What keeps its trace gets our part of it; that of a stranger is decided about in Began.
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Ratio))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "grantor"), attribute.String("service.version", c.Version),
		)),
	)
	return &Traces{provider: provider, tracer: provider.Tracer("grantor"), ratio: c.Ratio, quiet: c.Quiet}, nil
}

// batchEvery is how long a span waits for others, at most.
const batchEvery = 2 * time.Second

// Began opens the span of a request, below that of the caller where he sent one (W3C Trace Context), and names the trace in
// the event.
func (t *Traces) Began(ctx context.Context, r *http.Request, e *web.Event) context.Context {
	if slices.Contains(t.quiet, r.URL.Path) {
		return ctx
	}
	ctx = t.caller.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if parent := trace.SpanContextFromContext(ctx); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, t.believed(parent, e))
	}
	ctx, span := t.tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer))
	if id := span.SpanContext().TraceID(); id.IsValid() {
		e.Trace = id.String()
	}
	return ctx
}

// believed leaves of the caller's trace what is his to say: the numbers, and of a trusted proxy whether the trace is kept. About
// a stranger's the ratio decides, by chance: by the number of the trace, as for our own, it would be his choice again.
func (t *Traces) believed(parent trace.SpanContext, e *web.Event) trace.SpanContext {
	parent = parent.WithTraceState(trace.TraceState{}) // text of the caller's choice
	if e.FromProxy {
		return parent
	}
	var chance [8]byte
	_, _ = rand.Read(chance[:])                                               // never fails (crypto/rand)
	kept := float64(binary.BigEndian.Uint64(chance[:])>>11)/(1<<53) < t.ratio // of [0, 1), as exact as a float64 is
	return parent.WithTraceFlags(parent.TraceFlags().WithSampled(kept))
}

// Done ends the span of a request. Its attributes are those of the log that nobody can choose.
func (t *Traces) Done(r *http.Request, e *web.Event) {
	span := trace.SpanFromContext(r.Context())
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("http.request.method", methodOf(r)),
		attribute.Int("http.response.status_code", e.Status),
		attribute.String("grantor.request_id", e.RequestID),
	)
	if e.Route != "" {
		span.SetName(methodOf(r) + " " + e.Route)
		span.SetAttributes(attribute.String("http.route", e.Route))
	}
	if e.Client != "" {
		span.SetAttributes(attribute.String("grantor.client", e.Client))
	}
	if e.Grant != "" {
		span.SetAttributes(attribute.String("grantor.grant", e.Grant))
	}
	if e.Error != "" {
		span.SetAttributes(attribute.String("error.type", e.Error))
	}
	if e.Status >= http.StatusInternalServerError || e.Status == 0 {
		span.SetStatus(codes.Error, e.Error)
	}
	span.End()
}

// methodOf gives the method of a request, "HTTP" for one that somebody made up.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "HTTP"
}

// Verb is a verb of the store that has come to its end.
type Verb struct {
	Name, Kind string
	Began      time.Time
	Took       time.Duration
	Failed     bool // the store could not answer
}

// Store adds a span for a verb to the trace of its request; what the server does by itself has none.
func (t *Traces) Store(ctx context.Context, v Verb) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	_, span := t.tracer.Start(ctx, "store "+v.Name, trace.WithTimestamp(v.Began), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.operation.name", v.Name), attribute.String("db.collection.name", v.Kind)))
	if v.Failed {
		span.SetStatus(codes.Error, "the store could not answer")
	}
	span.End(trace.WithTimestamp(v.Began.Add(v.Took)))
}

// Close sends what waits, until ctx ends.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
