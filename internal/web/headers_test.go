package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestPagesAreGuarded(t *testing.T) {
	answer := serve(Config{}, get("/login"), func(w http.ResponseWriter, _ *http.Request) {
		PageHeaders(w.Header(), FormTarget("https://app.example/cb"), FormTarget("com.example.app:/cb"))
	})
	for key, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
			"form-action 'self' https://app.example com.example.app:; frame-ancestors 'none'; base-uri 'none'",
		"X-Frame-Options":        "DENY",
		"Referrer-Policy":        "same-origin",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := answer.Header().Values(key); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", key, got)
		}
	}
}

func TestPolicyTakesNoDirectiveFromATarget(t *testing.T) {
	plain := pagePolicy(nil)
	for _, target := range []string{"", "https://a; script-src *", "https://a, default-src *", "'unsafe-inline'", "https://a b", "a\nb", "a\"b", "https://ä"} {
		if got := pagePolicy([]string{target}); got != plain {
			t.Errorf("%q made the policy %s", target, got)
		}
	}
}

func TestFormTargets(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example.com/cb?x=1":      "https://app.example.com",
		"https://app.example.com:8443/cb":     "https://app.example.com:8443",
		"HTTPS://App.Example.COM/cb":          "https://app.example.com",
		"http://intranet/cb":                  "http://intranet",
		"http://127.0.0.1:9999/cb":            "http://127.0.0.1:*",
		"http://127.0.0.1/cb":                 "http://127.0.0.1:*",
		"http://127.9.9.9:1/cb":               "http://127.9.9.9:*",
		"http://localhost:9999/cb":            "http://localhost:*",
		"https://localhost:9999/cb":           "https://localhost:9999",
		"http://localhost.evil.example/cb":    "http://localhost.evil.example",
		"http://[::1]:9999/cb":                "http:",
		"https://[2001:db8::1]/cb":            "https:",
		"https://under_score.example/cb":      "https:",
		"https://bücher.example/cb":           "https:",
		"https://a'b;c.example/cb":            "https:",
		"com.example.app:/cb":                 "com.example.app:",
		"com.example.app://cb; script-src *":  "",
		"com.example.app:cb;script-src":       "com.example.app:",
		"https:app.example.com":               "",
		"https:///cb":                         "",
		"https://user:pw@app.example.com/cb":  "https://app.example.com",
		"https://app.example.com:80;x/cb":     "",
		"https://a b/cb":                      "",
		"https://app.example.com/; default *": "https://app.example.com",
		"javascript:alert(1)":                 "",
		"JavaScript:alert(1)":                 "",
		"data:text/html,x":                    "",
		"/cb":                                 "",
		"//host/cb":                           "",
		"":                                    "",
		"https://app.example.com\r\nX: y":     "",
	} {
		if got := FormTarget(uri); got != want {
			t.Errorf("%q gives %q, not %q", uri, got, want)
		}
	}
}

func TestFormTargetsLetAWebApplicationRedirectOn(t *testing.T) {
	for uri, want := range map[string]string{
		"https://auth.example.com/cb": "https://auth.example.com https:",
		"http://127.0.0.1:9999/cb":    "http://127.0.0.1:* https:",
		"com.example.app:/cb":         "com.example.app:",
		"javascript:alert(1)":         "",
	} {
		if got := strings.Join(FormTargets(uri), " "); got != want {
			t.Errorf("%q gives %q, not %q", uri, got, want)
		}
	}
}

func FuzzFormTarget(f *testing.F) {
	for _, seed := range []string{"https://app.example.com/cb", "http://[::1]:9/", "com.example.app:/x", "https://a;b'c\"d,e f*/", "https://*.example/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got := FormTarget(uri)
		if strings.ContainsAny(got, ";, '\"\t\r\n\\") || strings.HasPrefix(got, "*") || strings.Contains(got, "//*") {
			t.Errorf("%q gives %q", uri, got)
		}
		if got != "" && !isSource(got) {
			t.Errorf("%q gives %q, which the policy would drop", uri, got)
		}
	})
}
