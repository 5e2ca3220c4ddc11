package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const forward = "/forward-auth?audience=" + api

var authHeaders = []string{"X-Auth-Subject", "X-Auth-Client-Id", "X-Auth-Scope"}

// forward sends the question of a gateway with these Authorization headers.
func (s *site) forward(path string, authorization ...string) *answer {
	r := s.request(http.MethodGet, path, "")
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	for _, name := range authHeaders {
		r.Header.Set(name, "smuggled")
	}
	return s.send(r)
}

// wantForwardRefused checks a refusal: its challenge, and that it tells of nobody.
func (a *answer) wantForwardRefused(status int, challenge string) {
	a.t.Helper()
	if a.Code != status {
		a.t.Errorf("status %d, not %d: %s", a.Code, status, a.Body)
	}
	a.wantHeader("WWW-Authenticate", challenge)
	a.wantNotCached()
	for _, name := range authHeaders {
		if values, there := a.Header()[name]; !there || len(values) != 1 || values[0] != "" {
			a.t.Errorf("%s is %q", name, values)
		}
	}
}

const (
	invalidToken = `Bearer realm="grantor", error="invalid_token", error_description="the access token is expired, revoked, malformed, or not meant for this API"`
	noToken      = `Bearer realm="grantor"`
)

func TestForwardAuthTellsWhoMayPass(t *testing.T) {
	s := newSite(t, options{issuer: "https://id.example.com/tenant"})
	// The paths of these clients' endpoints stand below the issuer.
	a := s.call("web", "/tenant/oauth2/token", "grant_type=client_credentials", "scope=api:read api:write", "resource="+api)
	a.wantStatus(http.StatusOK)
	token := a.json("access_token")
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			r := s.request(method, "/tenant"+forward+"&scope=api:write+api:read", "")
			r.Header.Set("Authorization", scheme+token)
			r.Header.Set("X-Auth-Subject", "smuggled")
			passed := s.send(r)
			passed.wantStatus(http.StatusOK)
			passed.wantHeader("X-Auth-Subject", "web")
			passed.wantHeader("X-Auth-Client-Id", "web")
			passed.wantHeader("X-Auth-Scope", "api:read api:write")
			passed.wantNotCached()
			if passed.Body.Len() != 0 {
				t.Errorf("a body: %s", passed.Body)
			}
		}
	}
	s.forward(forward, "Bearer "+token).wantStatus(http.StatusNotFound)
}

func TestForwardAuthTellsOfAUser(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "jwt"} {
		tokens := s.tokens(client, "scope=api:read", "resource="+api)
		a := s.forward(forward+"&scope=api:read", "Bearer "+tokens.json("access_token"))
		a.wantStatus(http.StatusOK)
		a.wantHeader("X-Auth-Subject", s.alice.ID)
		a.wantHeader("X-Auth-Client-Id", client)
		a.wantHeader("X-Auth-Scope", "api:read")
		s.forward(forward, "Bearer "+tokens.json("refresh_token")).wantForwardRefused(http.StatusUnauthorized, invalidToken)
	}
}

func TestForwardAuthRefusesWithTheChallengeOfTheStandard(t *testing.T) {
	s := usual(t)
	good, forOther := "Bearer "+s.machine("web", "resource="+api, "scope=api:read"), "Bearer "+s.machine("web", "resource="+otherAPI)
	for name, authorization := range map[string][]string{
		"nothing": nil, "empty": {""}, "Basic": {"Basic d2ViOng="}, "scheme alone": {"Bearer"}, "no token": {"Bearer  "}, "another scheme": {"BearerX " + good},
		"tab": {"Bearer\t" + strings.TrimPrefix(good, "Bearer ")},
	} {
		t.Run(name, func(t *testing.T) {
			s.forward(forward, authorization...).wantForwardRefused(http.StatusUnauthorized, noToken)
		})
	}
	for _, authorization := range []string{forOther, "Bearer junk", "Bearer a b", good + ",x", good + ", " + good, `Bearer "><script>`} {
		s.forward(forward, authorization).wantForwardRefused(http.StatusUnauthorized, invalidToken)
	}
	insufficient := `Bearer realm="grantor", error="insufficient_scope", error_description="the access token has not the scope that is needed", scope="api:read api:write"`
	s.forward(forward+"&scope=api:read+api:write", good).wantForwardRefused(http.StatusForbidden, insufficient)
	s.forward(forward+"&scope=api:read%20api:write%20%20api:read", good).wantForwardRefused(http.StatusForbidden, insufficient)
	r := s.request(http.MethodGet, forward+"&access_token="+strings.TrimPrefix(good, "Bearer "), "")
	s.send(r).wantForwardRefused(http.StatusUnauthorized, noToken)
}

func TestForwardAuthRefusesWhatItCannotBeSureOf(t *testing.T) {
	s := usual(t)
	good := "Bearer " + s.machine("web", "resource="+api)
	other := url.QueryEscape(otherAPI)
	for _, path := range []string{
		"/forward-auth", "/forward-auth?", "/forward-auth?audience", "/forward-auth?audience=", "/forward-auth?scope=api:read", "/forward-auth?Audience=" + api,
		forward + "&audience=" + other, forward + "&audience=" + api, forward + "&%61udience=" + other, forward + "&audience", "/forward-auth?audience&audience=" + api,
		forward + "&scope=api:read&scope=api:read", forward + "&scope=", forward + "&scope", forward + "&scope=+", forward + "&scope=%zz", forward + "&scope=%22", forward + "&scope=%0d%0ax",
		"/forward-auth?audience=%zz", "/forward-auth?audience=api", "/forward-auth?audience=" + api + "%23x", "/forward-auth?audience=" + api + "%0d%0aX-Auth-Subject:root",
		"/forward-auth?audience=" + api + "+" + api, "/forward-auth?audience=" + s.issuer,
	} {
		a := s.forward(path, good)
		if a.Code != http.StatusBadRequest || !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), `Bearer realm="grantor", error="invalid_request", `) {
			t.Errorf("%s: %d %v", path, a.Code, a.Header())
		}
		a.wantForwardRefused(http.StatusBadRequest, a.Header().Get("WWW-Authenticate"))
		for name, values := range a.Header() {
			if strings.Contains(strings.Join(values, " "), "example.com") || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s: %s repeats the request: %q", path, name, values)
			}
		}
		if strings.Contains(a.Body.String(), "example.com") {
			t.Errorf("%s: the body repeats the request: %s", path, a.Body)
		}
	}
	for _, two := range [][]string{{good, good}, {good, ""}, {"", good}, {good, "Basic x"}} {
		a := s.forward(forward, two...)
		a.wantForwardRefused(http.StatusBadRequest, a.Header().Get("WWW-Authenticate"))
	}
}

// TestForwardAuthPassesOverTheCallersOwnQuery is for gateways that append it.
func TestForwardAuthPassesOverTheCallersOwnQuery(t *testing.T) {
	s := usual(t)
	good := "Bearer " + s.machine("web", "resource="+api)
	for _, appended := range []string{"/orders/1?a=1&b=2", "/x;y?c=%zz", "/%zz&&=&%zz=%zz", "/?audiences=x&scope_=y&AUDIENCE=z", "/a?audience%3Dx", "/?;audience=x"} {
		if a := s.forward(forward+"&of="+appended, good); a.Code != http.StatusOK {
			t.Errorf("%s: %d %s", appended, a.Code, a.Body)
		}
	}
}

func TestForwardAuthFailsClosed(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "jwt"} {
		token := "Bearer " + s.tokens(client).json("access_token")
		s.store.away.Store(true)
		a := s.forward(forward, token)
		a.wantForwardRefused(http.StatusServiceUnavailable, "")
		a.wantHeader("Retry-After", "2")
		s.store.away.Store(false)
		s.forward(forward, token).wantStatus(http.StatusOK)
	}
	starting := newSite(t, options{unloaded: true})
	a := starting.forward(forward, "Bearer junk")
	a.wantForwardRefused(http.StatusServiceUnavailable, "")
	a.wantHeader("Retry-After", "2")
}

func TestForwardAuthLogsWhyAndNoToken(t *testing.T) {
	s := usual(t)
	token := s.machine("web", "resource="+otherAPI)
	s.forward(forward, "Bearer "+token)
	if log := s.log.String(); !strings.Contains(log, "it is meant for "+otherAPI) || strings.Contains(log, token) {
		t.Errorf("log: %s", log)
	}
}

func TestForwardAuthCountsAsUse(t *testing.T) {
	s := usual(t)
	tokens := s.tokens("web", "resource="+api)
	s.move(time.Hour / 12)
	s.forward(forward, "Bearer "+tokens.json("access_token")).wantStatus(http.StatusOK)
	page, _, err := s.provider.LiveAuthorizations(t.Context(), "user:"+s.alice.ID, "", 10)
	ok(t, err)
	if len(page) != 1 || !page[0].LastUsed.Equal(s.now()) && page[0].LastUsed.Before(s.now().Add(-5*time.Minute)) {
		t.Errorf("last used %v", page[0].LastUsed)
	}
}
