package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grantor-dev/grantor/internal/web"
)

func newMetrics() *Metrics {
	return NewMetrics(Config{Version: "1", Routes: []string{"/oauth2/token", "/"}, Verbs: []string{"get", "create"}, State: func() State { return State{} }})
}

func scrape(t testing.TB, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestLabelsAreOfTheListsWhateverComes(t *testing.T) {
	m := newMetrics()
	one := func(i int) {
		hostile := fmt.Sprintf("/x%d\n{", i)
		m.Request(&web.Event{Route: hostile, Error: hostile, Status: i % 700, Took: time.Millisecond})
		m.Store(hostile, time.Second, true)
	}
	for i := range 700 {
		one(i)
	}
	before := strings.Count(scrape(t, m), "\n")
	for i := range 10_000 {
		one(i)
	}
	text := scrape(t, m)
	if after := strings.Count(text, "\n"); after > before+5 || strings.Contains(text, "/x") { // the Go collector's may grow
		t.Errorf("%d lines, %d before", after, before)
	}
	m.Request(&web.Event{Route: "/oauth2/token", Error: "invalid-fields", Status: 400})
	for _, want := range []string{
		`grantor_requests_total{endpoint="/oauth2/token",status="400"} 1`,
		`grantor_refusals_total{endpoint="/oauth2/token",reason="invalid_fields"} 1`,
		`grantor_refusals_total{endpoint="other",reason="other"} 10700`,
	} {
		if !strings.Contains(scrape(t, m), want) {
			t.Errorf("there is no %s", want)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := newMetrics()
	e := &web.Event{Route: "/oauth2/token", Status: 200, Took: 3 * time.Millisecond}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Request(e)
		}
	})
}

func BenchmarkStore(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Store("create", 3*time.Millisecond, false)
		}
	})
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := newMetrics()
	e := &web.Event{Route: "/oauth2/token", Status: 400, Error: "invalid_grant", Took: 3 * time.Millisecond}
	if n := testing.AllocsPerRun(1000, func() {
		m.Request(e)
		m.Store("get", time.Millisecond, true)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sink is a collector that answers as it is told.
type sink struct {
	mu     sync.Mutex
	status int
	spans  []*tracepb.Span
	seen   http.Header
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var sent tracepb.TracesData
	err := proto.Unmarshal(body, &sent)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = r.Header
	if s.status != http.StatusOK || err != nil {
		w.WriteHeader(s.status)
		return
	}
	for _, of := range sent.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			s.spans = append(s.spans, scope.Spans...)
		}
	}
}

func TestACollectorThatIsAwayIsToldOfOnce(t *testing.T) {
	s := &sink{status: http.StatusBadGateway}
	collector := httptest.NewServer(s)
	defer collector.Close()
	var log strings.Builder
	u := newUploader(TraceConfig{Endpoint: collector.URL, Log: slog.New(slog.NewTextHandler(&log, nil)), Header: http.Header{"X-Key": {"secret"}}})
	send := func() { _ = u.UploadTraces(t.Context(), []*tracepb.ResourceSpans{{}}) }
	send()
	send()
	s.status = http.StatusOK
	send()
	send()
	if strings.Count(log.String(), "cannot be sent") != 1 || strings.Count(log.String(), "sent again") != 1 || strings.Contains(log.String(), "secret") {
		t.Errorf("log:\n%s", log.String())
	}
	if s.seen.Get("X-Key") != "secret" || s.seen.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("headers %v", s.seen)
	}
}

func TestASamplerKeepsTheShareThatItIsTold(t *testing.T) {
	s := &sink{status: http.StatusOK}
	collector := httptest.NewServer(s)
	defer collector.Close()
	traces, err := NewTraces(TraceConfig{Endpoint: collector.URL, Ratio: 0.25, Quiet: []string{"/healthz"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	request := func(path, parent string) string {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		if parent != "" {
			r.Header.Set("Traceparent", parent)
		}
		e := &web.Event{Route: "/oauth2/token", Status: 200}
		ctx := traces.Began(context.Background(), r, e)
		traces.Store(ctx, Verb{Name: "get", Kind: "client", Began: time.Now(), Took: time.Millisecond})
		traces.Done(r.WithContext(ctx), e)
		return e.Trace
	}
	for range 400 {
		if len(request("/oauth2/token", "")) != 32 {
			t.Fatal("the event has no trace")
		}
	}
	const trace = "0123456789abcdef0123456789abcdef"
	kept, dropped := request("/x", "00-"+trace+"-0123456789abcdef-01"), request("/x", "00-"+trace+"-0123456789abcdef-00")
	if kept != trace || dropped != trace || request("/healthz", "") != "" {
		t.Errorf("traces %q and %q", kept, dropped)
	}
	if err := traces.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	own, callers := 0, 0
	for _, span := range s.spans {
		if fmt.Sprintf("%x", span.TraceId) == trace {
			callers++
		} else {
			own++
		}
	}
	if callers != 2 || own < 2*50 || own > 2*150 {
		t.Errorf("%d spans of ours, %d of the caller's trace", own, callers)
	}
}

// BenchmarkTraces is what traces add to a request with two verbs of the store.
func BenchmarkTraces(b *testing.B) {
	for name, ratio := range map[string]float64{"kept": 1, "not kept": 0} {
		b.Run(name, func(b *testing.B) {
			collector := httptest.NewServer(&sink{status: http.StatusServiceUnavailable})
			defer collector.Close()
			traces, err := NewTraces(TraceConfig{Endpoint: collector.URL, Ratio: ratio, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
			b.ReportAllocs()
			for b.Loop() {
				e := &web.Event{Route: "/oauth2/token", Status: 200, Client: "machine", Grant: "client_credentials"}
				ctx := traces.Began(context.Background(), r, e)
				for _, verb := range []string{"get", "create"} {
					traces.Store(ctx, Verb{Name: verb, Kind: "client", Began: time.Now(), Took: time.Millisecond})
				}
				traces.Done(r.WithContext(ctx), e)
			}
			_ = traces.Close(context.Background()) // nobody takes them
		})
	}
}
