package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestFormsOfOtherOriginsAreRefused(t *testing.T) {
	cases := map[string]struct {
		method, site, origin string
		status               int
	}{
		"our own form":                    {"POST", "same-origin", "http://issuer.example", 200},
		"typed by the person":             {"POST", "none", "", 200},
		"our own form, old browser":       {"POST", "", "http://issuer.example", 200},
		"no browser":                      {"POST", "", "", 200},
		"another site":                    {"POST", "cross-site", "http://evil.example", 403},
		"neighbouring host":               {"POST", "same-site", "http://a.issuer.example", 403},
		"another site, old browser":       {"POST", "", "http://evil.example", 403},
		"hidden origin, old browser":      {"POST", "", "null", 403},
		"another site that forges origin": {"POST", "cross-site", "http://issuer.example", 403},
		"link on another site":            {"GET", "cross-site", "http://evil.example", 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://issuer.example/login", nil)
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			answer := serve(Config{}, r, SameOrigin("http://grantor.example", http.HandlerFunc(nothing)).ServeHTTP)
			if answer.Code != c.status {
				t.Errorf("answered %d", answer.Code)
			}
			if refused := answer.event(t)["error"] == "cross_origin"; refused != (c.status == 403) {
				t.Errorf("logged %v", answer.event(t))
			}
		})
	}
}
