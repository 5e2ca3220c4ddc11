package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// TestLinesAreThoseOfTheUsualHandler compares byte for byte what both write of the same request.
func TestLinesAreThoseOfTheUsualHandler(t *testing.T) {
	handlers := map[string]http.HandlerFunc{
		"nothing": nothing,
		"all": func(w http.ResponseWriter, r *http.Request) {
			e := EventFrom(r.Context())
			e.Trace, e.Client, e.Subject, e.Grant = "4bf92f3577b34da6a3ce929d0e0e4736", "web", "usr_1", "client_credentials"
			e.Error, e.Description, e.Cause = "server_error", `a "quoted" <text> & more`, errors.New("read \\ \u2028 \xff caf\u00e9")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"panic": func(http.ResponseWriter, *http.Request) { panic("oh") },
	}
	now := time.Date(2026, 11, 23, 1, 2, 3, 456_000_000, time.UTC)
	c := Config{Now: func() time.Time { now = now.Add(1500 * time.Microsecond); return now }}
	differs := regexp.MustCompile(`"(id|time)":"[^"]*"|"stack":".*"`)
	for name, h := range handlers {
		for _, path := range []string{"/oauth2/token", "/<a>&%22/%0a/%E2%80%A8"} {
			ours := serve(c, get(path), h)
			var log bytes.Buffer
			usual := serveLogging(c, &log, slog.NewJSONHandler(&log, nil), get(path), h)
			if got, want := differs.ReplaceAllString(ours.lines[0], ""), differs.ReplaceAllString(usual.lines[0], ""); got != want {
				t.Errorf("%s: wrote\n%s, not\n%s", name, got, want)
			}
			if _, err := time.Parse(time.RFC3339Nano, ours.event(t)["time"].(string)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestOtherLinesAreWrittenAsWell(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(NewJSONLines(&log, slog.LevelWarn))
	logger.Info("not this")
	logger.With("a", 1).Warn("this")
	if got := log.String(); !regexp.MustCompile(`^\{"time":"[^"]*","level":"WARN","msg":"this","a":1\}\n$`).MatchString(got) {
		t.Errorf("wrote %s", got)
	}
}
