package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// Each error code that the program answers with counts under its own name: what is not on the list is lost among "other".
func TestEveryErrorCodeIsAReason(t *testing.T) {
	codes := regexp.MustCompile(`\bCode = "([a-z_]+)"|\bkind\{"([a-z-]+)"|\banswer\{http\.\w+, "([a-z_]+)"|\b[eE]rror(?:, event\.\w+)* = "([a-z_]+)"|loginFailed = "([a-z_]+)"`)
	found := 0
	for _, folder := range []string{"oauth", "server", "admin/api", "admin/pages", "internal/web"} {
		files, err := filepath.Glob("../../" + folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range codes.FindAllStringSubmatch(string(source), -1) {
				code := strings.Join(match[1:], "")
				if found++; reasons[reasonOf(code)] == other {
					t.Errorf("%s: %s is no reason", file, code)
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("%d codes were found: the pattern does not fit the sources", found)
	}
}

// Whoever asks and leaves can make as many failures as he likes; they are none of the server's, and wake nobody.
func TestWhoHasGoneMakesNoServerError(t *testing.T) {
	m := newMetrics()
	for _, cause := range []error{
		context.Canceled, fmt.Errorf("read client: %w", context.Canceled),
		context.DeadlineExceeded, nil,
	} {
		m.Request(&web.Event{Route: "/", Status: 503, Error: "temporarily_unavailable", Cause: cause})
	}
	for _, want := range []string{`{endpoint="/",status="0"} 2`, `{endpoint="/",status="503"} 2`} {
		if text := scrape(t, m); !strings.Contains(text, "grantor_requests_total"+want) {
			t.Errorf("there is no %s:\n%s", want, text)
		}
	}
}

// documented gives the metrics of docs/watching.md, with their labels.
func documented(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(grantor_[a-z_]+)` \\| ([^|]*)\\|").FindAllStringSubmatch(string(page), -1) {
		labels := strings.Split(strings.ReplaceAll(strings.TrimSpace(row[2]), "`", ""), ", ")
		slices.Sort(labels)
		all[row[1]] = strings.Join(labels, ",")
	}
	return all
}

// Alerts and dashboards are checked against docs/watching.md (test/deploy), and docs/watching.md against what is scraped.
func TestTheMetricsAreThoseOfTheDocument(t *testing.T) {
	m := NewMetrics(Config{Version: "1", Routes: []string{"/"}, Verbs: []string{"get"}, State: func() State {
		return State{
			Tokens: []Tokens{{"refresh_token", "jwt", 1}}, LoginFailures: []LoginFailures{{"busy", 1}},
			Lookups: []Lookups{{"client", "hit", 1}}, Keys: []Key{{"ES256", time.Hour}},
		}
	}})
	m.Request(&web.Event{Route: "/", Status: 500, Error: "server_error"})
	m.Store("get", time.Millisecond, true)
	gathered, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]string{}
	for _, family := range gathered {
		if !strings.HasPrefix(family.GetName(), "grantor_") {
			continue
		}
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		slices.Sort(labels)
		counted[family.GetName()] = strings.Join(labels, ",")
	}
	if want := documented(t); !maps.Equal(counted, want) {
		t.Errorf("counted    %v\ndocumented %v", counted, want)
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
		e := &web.Event{Route: "/oauth2/token", Status: 200, FromProxy: true}
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

// A stranger chooses the number of his trace, and so not by that whether it is kept.
func TestAStrangerDoesNotDecideWhetherHisTraceIsKept(t *testing.T) {
	for _, flag := range []string{"00", "01"} {
		for ratio, bounds := range map[float64][2]int{0: {0, 0}, 0.25: {50, 150}, 1: {400, 400}} {
			s := &sink{status: http.StatusOK}
			collector := httptest.NewServer(s)
			defer collector.Close()
			traces, err := NewTraces(TraceConfig{Endpoint: collector.URL, Ratio: ratio, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			const trace, parent = "0123456789abcdef0000000000000001", "0123456789abcdef"
			for range 400 {
				r := httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
				r.Header.Set("Traceparent", "00-"+trace+"-"+parent+"-"+flag)
				e := &web.Event{Route: "/oauth2/token", Status: 200}
				ctx := traces.Began(context.Background(), r, e)
				traces.Done(r.WithContext(ctx), e)
				if e.Trace != trace {
					t.Fatalf("the trace is %q", e.Trace)
				}
			}
			if err := traces.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if n := len(s.spans); n < bounds[0] || n > bounds[1] {
				t.Errorf("flag %s, ratio %v: %d of 400 are kept", flag, ratio, n)
			}
			for _, span := range s.spans {
				if fmt.Sprintf("%x", span.TraceId) != trace || fmt.Sprintf("%x", span.ParentSpanId) != parent {
					t.Errorf("a span of %x below %x", span.TraceId, span.ParentSpanId)
				}
			}
		}
	}
}

// What a stranger writes beside his trace goes nowhere: the vendor's part is text of his choice.
func TestNothingOfACallersTraceIsKeptButItsNumbers(t *testing.T) {
	s := &sink{status: http.StatusOK}
	collector := httptest.NewServer(s)
	defer collector.Close()
	traces, err := NewTraces(TraceConfig{Endpoint: collector.URL, Ratio: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, parent := range []string{
		"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-ff",
		"01-0123456789abcdef0123456789abcdef-0123456789abcdef-01-chosen", "00-chosen", "00-00000000000000000000000000000000-0123456789abcdef-01", "",
	} {
		r := httptest.NewRequest("CHOSEN", "/chosen?chosen", nil)
		r.Header.Set("Traceparent", parent)
		r.Header.Set("Tracestate", "chosen=chosen,other=chosen")
		r.Header.Set("Baggage", "chosen=chosen")
		e := &web.Event{Status: 404}
		ctx := traces.Began(context.Background(), r, e)
		traces.Store(ctx, Verb{Name: "get", Kind: "client", Began: time.Now()})
		traces.Done(r.WithContext(ctx), e)
	}
	if err := traces.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(s.spans) != 12 {
		t.Errorf("%d spans", len(s.spans))
	}
	for _, span := range s.spans {
		if text := strings.ToLower(span.String()); strings.Contains(text, "chosen") {
			t.Errorf("sent: %s", text)
		}
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
