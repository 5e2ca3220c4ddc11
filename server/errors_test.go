package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/templates"
)

func TestStoreThatIsAwayIsAFailureAndNeverAnAnswer(t *testing.T) {
	s := usual(t)
	b := s.browser()
	login := b.get("/login")
	signedIn := s.browser()
	consent := signedIn.consentPage("web")
	logout := signedIn.get("/logout")
	token := s.machine("web")
	code := s.browser().code("web")
	s.store.away.Store(true)
	for name, a := range map[string]*answer{
		"token":      s.call("web", "/oauth2/token", machineGrant),
		"code":       s.redeem("web", code),
		"revoke":     s.call("web", "/oauth2/revoke", "token="+token),
		"introspect": s.call("web", "/oauth2/introspect", "token="+token),
		"unknown":    s.with(basic("nobody", "x"), machineGrant),
	} {
		if a.Code != http.StatusServiceUnavailable || a.json("error") != string(oauth.TemporarilyUnavailable) || a.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: %d, Retry-After %q: %s", name, a.Code, a.Header().Get("Retry-After"), a.Body)
		}
		wantSilent(t, name, a)
	}
	for name, a := range map[string]*answer{
		"authorize":           b.authorize("web"),
		"authorize signed in": signedIn.authorize("web"),
		"login":               b.submit(login, "username=alice", "password="+password),
		"consent":             signedIn.submit(consent, "decision=allow"),
		"deny":                signedIn.submit(consent, "decision=deny"),
		"logout":              signedIn.submit(logout),
		"home":                signedIn.get("/"),
		"setup":               b.get("/setup?token=x"),
	} {
		if a.Code != http.StatusServiceUnavailable || a.Header().Get("Retry-After") != "2" || a.Header().Get("Location") != "" {
			t.Errorf("%s: %d, Retry-After %q", name, a.Code, a.Header().Get("Retry-After"))
		}
		wantSilent(t, name, a)
	}
	s.store.away.Store(false)
	if !s.active("web", token) {
		t.Error("a revocation that failed took effect")
	}
	s.redeem("web", code).wantStatus(http.StatusOK)
	s.wantResponse(signedIn.follow(signedIn.submit(consent, "decision=allow")), callback)
	if !strings.Contains(s.log.String(), "10.1.2.3") {
		t.Error("the log does not tell the cause")
	}
}

// wantSilent checks that an answer says nothing of what is behind it.
func wantSilent(t *testing.T, name string, a *answer) {
	t.Helper()
	for _, word := range []string{"10.1.2.3", "connection refused", "store unavailable", "goroutine", ".go:"} {
		if strings.Contains(a.Body.String(), word) {
			t.Errorf("%s tells %q: %s", name, word, a.Body)
		}
	}
}

func TestErrorDescriptionsKeepToTheirCharacters(t *testing.T) {
	s := usual(t)
	for _, a := range []*answer{
		s.call("web", "/oauth2/token"), s.call("web", "/oauth2/token", "grant_type=é\"\\"), s.call("web", "/oauth2/token", machineGrant, "scope=\"é\\"),
		s.call("web", "/oauth2/token", machineGrant, "resource=é"), s.with("Basic \"\\", machineGrant), s.with("", machineGrant), s.get("/oauth2/token"),
		s.with(basic("web", "x"), "a=%zz"), s.with(basic("web", "x"), strings.Repeat("x", 70_000)), s.call("web", "/oauth2/token", "grant_type=\x00"),
		s.call("native", "/oauth2/introspect", "token=x"), s.call("web", "/oauth2/revoke"),
	} {
		text := a.json("error_description")
		wantErrorText(t, text)
		if strings.Contains(text, "é") || a.json("error") == "" {
			t.Errorf("answer %s", a.Body)
		}
	}
}

func TestUnknownPathsAreAPage(t *testing.T) {
	s := usual(t)
	for _, path := range []string{
		"/nothing", "/oauth2", "/oauth2/", "/oauth2/token/", "/oauth2/token/x", "//oauth2/token", "/oauth2//token", "/OAuth2/token", "/oauth2/%74oken", "/login/",
		"/oauth2/../login", "/.well-known/", "/.well-known/oauth-authorization-server/", "/.git/config", "/debug/pprof/", "/metrics", "/static/../login.html", "/favicon.ico",
	} {
		a := s.get(path)
		if a.Code != http.StatusNotFound || a.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, a.Code, a.Header().Get("Location"))
		}
		wantSilent(t, path, a)
	}
	a := s.get("/nothing")
	a.wantPage(http.StatusNotFound)
	a.wantText("Page not found", a.Header().Get("X-Request-Id"))
}

func TestHEADIsAnsweredAsGET(t *testing.T) {
	s := usual(t)
	for _, path := range []string{"/", "/login", "/oauth2/jwks", wellKnown, "/healthz", "/readyz", "/logout", "/static/grantor.css"} {
		got, want := s.send(s.request("HEAD", path, "")), s.get(path)
		if got.Code != want.Code || got.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("%s: %d %s, GET %d %s", path, got.Code, got.Header().Get("Content-Type"), want.Code, want.Header().Get("Content-Type"))
		}
	}
}

func TestAllowNamesTheMethodsOfEachPath(t *testing.T) {
	s := usual(t)
	for path, want := range map[string]string{
		"/login": "GET, HEAD, POST", "/consent": "GET, HEAD, POST", "/logout": "GET, HEAD, POST", "/setup": "GET, HEAD, POST", "/": "GET, HEAD",
		"/oauth2/jwks": "GET, HEAD", wellKnown: "GET, HEAD", "/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/oauth2/token": "POST",
		"/static/grantor.css": "GET, HEAD",
	} {
		a := s.send(s.request("DELETE", path, ""))
		a.wantStatus(http.StatusMethodNotAllowed)
		a.wantHeader("Allow", want)
	}
}

func TestEveryAnswerCarriesTheGuards(t *testing.T) {
	s := usual(t)
	for _, path := range []string{"/", "/login", "/nothing", "/oauth2/jwks", "/oauth2/token", wellKnown, "/oauth2/authorize", "/static/grantor.css", "/healthz"} {
		a := s.get(path)
		a.wantHeader("X-Content-Type-Options", "nosniff")
		a.wantHeader("Server", "")
		if a.Header().Get("X-Request-Id") == "" || a.Header().Get("Strict-Transport-Security") == "" || a.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: headers %v", path, a.Header())
		}
		open := path == wellKnown || path == "/oauth2/jwks" || path == "/oauth2/token" // to applications in a browser
		if got := a.Header().Get("Access-Control-Allow-Origin"); got != "" && (!open || got != "*") {
			t.Errorf("%s is open to %s", path, got)
		}
		a.wantHeader("Access-Control-Allow-Credentials", "")
	}
}

func TestPageThatCannotBeShownTellsNothing(t *testing.T) {
	s := newSite(t, options{pages: &templates.Pages{}})
	a := s.get("/login")
	a.wantStatus(http.StatusInternalServerError)
	wantSilent(t, "page", a)
}

func TestLogHoldsNoSecrets(t *testing.T) {
	s := usual(t)
	tokens := s.tokens("web")
	s.call("web", "/oauth2/introspect", "token="+tokens.json("access_token"))
	s.call("web", "/oauth2/revoke", "token="+tokens.json("refresh_token"))
	s.call("post", "/oauth2/token", machineGrant)
	b := s.browser()
	b.submit(b.get("/login"), "username=alice", "password=a wrong password")
	b.get("/login?password=in-the-query")
	for name, secret := range map[string]string{
		"access token": tokens.json("access_token"), "refresh token": tokens.json("refresh_token"), "password": password,
		"wrong password": "a wrong password", "client secret": s.secrets["web"], "posted secret": s.secrets["post"], "query": "in-the-query",
	} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the %s stands in the log", name)
		}
	}
	if !strings.Contains(s.log.String(), `"client":"web"`) {
		t.Errorf("log %s", s.log.String())
	}
}
