package web

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"regexp"
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
	if lines, ok := c.Log.Handler().(*jsonLines); ok {
		lines.request(x, r, level)
		return
	}
	var attributes attributes
	x.fields(r, &attributes)
	// By the handler itself: the logger would walk up the stack for a source that is never written.
	record := slog.NewRecord(x.ended(), level, requestMessage, 0)
	record.AddAttrs(attributes...)
	// The request may be over for its context; the line about it is still due. There is nobody to tell that it was not written.
	_ = c.Log.Handler().Handle(context.WithoutCancel(r.Context()), record)
}

// secretLooks are secrets of ours, which begin with "gr", two letters and "_" (package oauth), and JWTs.
var secretLooks = regexp.MustCompile(`gr[a-z]{2}_[A-Za-z0-9_-]{26,}|eyJ[A-Za-z0-9_.-]{28,}`)

// withoutSecrets covers up what looks like a secret where it stands in a path by mistake: somebody took a token for its id, or
// spelt the beginning of the query wrongly.
func withoutSecrets(path string) string {
	if !strings.Contains(path, "gr") && !strings.Contains(path, "eyJ") {
		return path
	}
	return secretLooks.ReplaceAllStringFunc(path, func(secret string) string { return secret[:5] + "..." })
}

// requestMessage is the `msg` of the line of a request.
const requestMessage = "request"

// line takes the fields of a line.
type line interface {
	Text(key, value string)
	TextUnlessEmpty(key, value string)
	Int(key string, value int64)
	Float(key string, value float64)
}

// attributes takes them for a handler of slog.
type attributes []slog.Attr

func (a *attributes) Text(key, value string) { *a = append(*a, slog.String(key, value)) }

func (a *attributes) TextUnlessEmpty(key, value string) {
	if value != "" {
		a.Text(key, value)
	}
}

func (a *attributes) Int(key string, value int64) { *a = append(*a, slog.Int64(key, value)) }

func (a *attributes) Float(key string, value float64) { *a = append(*a, slog.Float64(key, value)) }

// ended is when the answer was complete.
func (x *exchange) ended() time.Time { return x.began.Add(x.event.Took) }

func (x *exchange) fields(r *http.Request, to line) {
	e := &x.event
	to.Text("id", e.RequestID)
	to.Text("method", clean(r.Method, 16))
	to.Text("path", clean(withoutSecrets(e.Path), shortField))
	to.Int("status", int64(x.status))
	to.Float("duration_ms", milliseconds(e.Took))
	to.Text("address", e.Address)
	to.TextUnlessEmpty("trace", clean(e.Trace, shortField))
	to.TextUnlessEmpty("client", clean(e.Client, shortField))
	to.TextUnlessEmpty("subject", clean(e.Subject, shortField))
	to.TextUnlessEmpty("grant", clean(e.Grant, shortField))
	to.TextUnlessEmpty("error", clean(e.Error, shortField))
	to.TextUnlessEmpty("description", clean(e.Description, longField))
	if e.Cause != nil {
		to.TextUnlessEmpty("cause", clean(e.Cause.Error(), longField))
	}
	to.TextUnlessEmpty("stack", e.stack)
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
