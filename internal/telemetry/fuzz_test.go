package telemetry

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/internal/web"
)

// FuzzTraceparent: a trace is joined where the header is what W3C Trace Context says, and nothing else of it is believed.
func FuzzTraceparent(f *testing.F) {
	traces, err := NewTraces(TraceConfig{Endpoint: "http://127.0.0.1:1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = traces.Close(f.Context()) })
	const trace, span = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
	for _, seed := range []string{
		"00-" + trace + "-" + span + "-00", "00-" + trace + "-" + span + "-00-more", "01-" + trace + "-" + span + "-02-more", "ff-" + trace + "-" + span + "-00",
		"00-" + strings.Repeat("0", 32) + "-" + span + "-00", "00-" + trace + "-" + strings.Repeat("0", 16) + "-00", "00-" + strings.ToUpper(trace) + "-" + span + "-00", "",
	} {
		f.Add(seed, "vendor=value")
	}
	form := regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)
	f.Fuzz(func(t *testing.T, parent, state string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Traceparent"], r.Header["Tracestate"] = []string{parent}, []string{state}
		e := &web.Event{}
		traces.Began(t.Context(), r, e)
		if len(e.Trace) != 32 || strings.Trim(e.Trace, "0123456789abcdef") != "" || strings.Trim(e.Trace, "0") == "" {
			t.Fatalf("the trace is %q", e.Trace)
		}
		part := form.FindStringSubmatch(parent)
		known := part != nil && part[1] != "ff" && (part[1] != "00" || part[4] == "") && strings.Trim(part[3], "0") != ""
		if joined := strings.Contains(parent, e.Trace); joined && !known || joined && part[2] != e.Trace {
			t.Errorf("%q is joined", parent)
		}
	})
}
