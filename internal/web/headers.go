package web

import (
	"net/http"
	"strings"
)

// The headers that every answer carries. The slices are shared between answers, which is safe because http.Header replaces
// or copies them and never writes into them.
var (
	nosniff = []string{"nosniff"}
	hsts    = []string{"max-age=31536000"}
	noStore = []string{"no-store"}
	noCache = []string{"no-cache"}
	bare    = []string{"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
)

func (c *Config) prepare(h http.Header, requestID []string) {
	h["X-Request-Id"] = requestID
	h["X-Content-Type-Options"] = nosniff
	h["Content-Security-Policy"] = bare
	if c.HTTPS {
		h["Strict-Transport-Security"] = hsts
	}
}

// PageHeaders sets what every HTML page is answered with. The form targets are sources as FormTargets makes them: Chrome
// holds form-action against the redirect that follows a form as well, so the page has to name where its form may end.
func PageHeaders(h http.Header, formTargets ...string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy(formTargets))
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: under it browsers send "Origin: null" with our own forms, and the proof of same origin fails
	// where Sec-Fetch-Site is not sent. To other origins same-origin tells as little.
	h.Set("Referrer-Policy", "same-origin")
	NoStore(h)
}

// NoStore forbids every cache to keep the answer.
func NoStore(h http.Header) {
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache // RFC 6749 section 5.1
}

func pagePolicy(formTargets []string) string {
	var forms strings.Builder
	forms.WriteString("'self'")
	for _, target := range formTargets {
		if isSource(target) {
			forms.WriteString(" " + target)
		}
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action " + forms.String() +
		"; frame-ancestors 'none'; base-uri 'none'"
}
