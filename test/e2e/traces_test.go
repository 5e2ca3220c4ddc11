package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grantor-dev/grantor/test/authtest"
)

// collector takes traces as an OpenTelemetry Collector does.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	about []*commonpb.KeyValue // what they are of
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent tracepb.TracesData
		if err != nil || proto.Unmarshal(body, &sent) != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("not OTLP: %s %v", r.URL.Path, r.Header)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range sent.ResourceSpans {
			c.about = of.Resource.Attributes
			for _, scope := range of.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// trace gives the spans of a trace by name.
func (c *collector) trace(id string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]*tracepb.Span{}
	for _, span := range c.spans {
		if hex.EncodeToString(span.TraceId) == id {
			found[span.Name] = span
		}
	}
	return found
}

func attributes(pairs []*commonpb.KeyValue) string {
	var b strings.Builder
	for _, pair := range pairs {
		fmt.Fprintf(&b, "%s=%s%v ", pair.Key, pair.Value.GetStringValue(), pair.Value.GetIntValue())
	}
	return b.String()
}

func TestTracesGoToTheCollector(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := authtest.Start(t, authtest.Options{Args: []string{"--otlp-endpoint", c.URL, "--trace-ratio", "0", "--trusted-proxy", "127.0.0.0/8"}})
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	request, err := s.App("machine").Request(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-"+trace+"-"+parent+"-01")
	answer := s.Do(t, request)
	answer.Wants(t, http.StatusOK, "")
	eventually(t, 20*time.Second, "the spans arrive", func() bool { return len(c.trace(trace)) >= 2 })
	spans := c.trace(trace)
	span, create := spans["POST /oauth2/token"], spans["store create"]
	if span == nil || create == nil {
		t.Fatalf("spans %v", spans)
	}
	if hex.EncodeToString(span.ParentSpanId) != parent || hex.EncodeToString(create.ParentSpanId) != hex.EncodeToString(span.SpanId) {
		t.Errorf("the spans hang below %x and %x", span.ParentSpanId, create.ParentSpanId)
	}
	if create.StartTimeUnixNano < span.StartTimeUnixNano || create.EndTimeUnixNano > span.EndTimeUnixNano || create.EndTimeUnixNano <= create.StartTimeUnixNano {
		t.Error("the store was not asked while the request was served")
	}
	id := answer.Header.Get("X-Request-Id")
	got := attributes(span.Attributes)
	for _, want := range []string{"http.route=/oauth2/token", "http.response.status_code=", "200", "grantor.request_id=" + id, "grantor.client=machine", "grantor.grant=client_credentials"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in %s", want, got)
		}
	}
	if found := s.SecretsIn(got + attributes(create.Attributes)); len(found) > 0 {
		t.Errorf("attributes hold %q", found)
	}
	if about := attributes(c.about); !strings.Contains(about, "service.name=grantor") || !strings.Contains(about, "service.version=") {
		t.Errorf("resource %s", about)
	}
	for _, event := range s.LogEvents() {
		if event["id"] == id && event["trace"] != trace {
			t.Errorf("logged as %v", event)
		}
	}
	// Nobody keeps a trace that begins here, since the ratio is 0; and a collector that is gone is nobody's trouble.
	s.App("machine").Machine(t)
	c.Close()
	request.Body = io.NopCloser(strings.NewReader("grant_type=client_credentials"))
	s.Do(t, request).Wants(t, http.StatusOK, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if hex.EncodeToString(span.TraceId) != trace {
			t.Errorf("sent as well: %v", span)
		}
	}
}

// The number of a stranger's trace is taken over, so that both ends find each other's logs; his flag says nothing.
func TestAStrangersTraceIsNotKeptBecauseHeSaysSo(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	s := authtest.Start(t, authtest.Options{Args: []string{"--otlp-endpoint", c.URL, "--trace-ratio", "0", "--trusted-proxy", "192.0.2.0/24"}})
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	request, err := s.App("machine").Request(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	request.Header.Set("X-Forwarded-For", "192.0.2.1")
	answer := s.Do(t, request)
	answer.Wants(t, http.StatusOK, "")
	if err := s.Stop(); err != nil { // what waits is sent
		t.Error(err)
	}
	if spans := c.trace(trace); len(spans) > 0 {
		t.Errorf("kept: %v", spans)
	}
	logged := false
	for _, event := range s.LogEvents() {
		logged = logged || event["id"] == answer.Header.Get("X-Request-Id") && event["trace"] == trace
	}
	if !logged {
		t.Error("the log does not name the trace")
	}
}

func TestACollectorThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer hanging.Close()
	defer close(over)
	s := authtest.Start(t, authtest.Options{Args: []string{"--otlp-endpoint", hanging.URL, "--trace-ratio", "1"}})
	s.App("machine").Machine(t)
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestErrorsTellTheNumberOfTheirRequest(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{"/nothing", authtest.AuthorizePath + "?client_id=nobody", "/consent?interaction=x"} {
		answer := s.Get(t, path)
		if id := answer.Header.Get("X-Request-Id"); id == "" || !strings.Contains(answer.Body, id) {
			t.Errorf("%s: the page does not show %q", path, id)
		}
	}
	refused := s.App("web").Token(t, "grant_type", "nothing")
	if refused.Header.Get("X-Request-Id") == "" || len(refused.JSON) != 2 { // RFC 6749 section 5.2 names what stands there
		t.Errorf("%s", refused)
	}
	problem := s.Get(t, "/admin/api/v1/clients")
	if id := problem.Header.Get("X-Request-Id"); !strings.Contains(problem.Text("instance"), id) {
		t.Errorf("%s", problem)
	}
}
