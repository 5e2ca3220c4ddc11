package web

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// How much of a field the log keeps, in bytes.
const (
	shortField = 200
	longField  = 1000
)

// write logs the event of a request. These keys, and time, level and msg, are all that ever stands in such a line.
func (c *Config) write(x *exchange, r *http.Request) {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError || x.status == 0 {
		level = slog.LevelError
	}
	if !c.Log.Enabled(r.Context(), level) {
		return
	}
	fields := make([]slog.Attr, 0, 14)
	fields = append(fields,
		slog.String("id", x.event.RequestID),
		slog.String("method", clean(r.Method, 16)),
		slog.String("path", clean(withoutSecrets(x.event.Path), shortField)),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", milliseconds(x.event.Took)),
		slog.String("address", x.event.Address),
	)
	// By the handler itself: the logger would walk up the stack for a source that is never written.
	record := slog.NewRecord(c.Now(), level, "request", 0)
	record.AddAttrs(x.event.optional(fields)...)
	// The request may be over for its context; the line about it is still due. There is nobody to tell that it was not written.
	_ = c.Log.Handler().Handle(context.WithoutCancel(r.Context()), record)
}

// withoutSecrets covers up what looks like a secret of ours where it stands in a path by mistake: somebody took a token for
// its id. All begin with "gr", two letters and "_" (package oauth); a JWT begins with "eyJ".
func withoutSecrets(path string) string {
	if !strings.Contains(path, "gr") && !strings.Contains(path, "eyJ") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) > 30 && (s[:2] == "gr" && s[4] == '_' || s[:3] == "eyJ") {
			segments[i] = s[:5] + "..."
		}
	}
	return strings.Join(segments, "/")
}

func (e *Event) optional(fields []slog.Attr) []slog.Attr {
	add := func(key, value string, limit int) {
		if value != "" {
			fields = append(fields, slog.String(key, clean(value, limit)))
		}
	}
	add("trace", e.Trace, shortField)
	add("client", e.Client, shortField)
	add("subject", e.Subject, shortField)
	add("grant", e.Grant, shortField)
	add("error", e.Error, shortField)
	add("description", e.Description, longField)
	if e.Cause != nil {
		add("cause", e.Cause.Error(), longField)
	}
	if e.stack != "" {
		fields = append(fields, slog.String("stack", e.stack))
	}
	return fields
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

// clean makes a value harmless for whoever reads the log: nothing that ends a line, moves a cursor or turns the direction of
// writing, and no more than limit bytes.
func clean(s string, limit int) string {
	if len(s) <= limit && isPlain(s) {
		return s
	}
	cut := len(s) > limit
	if cut {
		s = s[:limit]
	}
	s = strings.Map(printable, strings.ToValidUTF8(s, "?"))
	if cut {
		s += "..."
	}
	return s
}

// isPlain reports whether s is printable ASCII throughout, as nearly every value is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= unicode.MaxASCII {
			return false
		}
	}
	return true
}

func printable(c rune) rune {
	if c < unicode.MaxASCII {
		if c < ' ' {
			return '?'
		}
		return c
	}
	if unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
		return '?'
	}
	return c
}
