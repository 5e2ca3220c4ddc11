package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Metadata, and what must not be there.

const metadataPath = "/.well-known/oauth-authorization-server"

func tenant(t testing.TB) *authtest.Server {
	t.Helper()
	return sharedAs(t, "tenant", authtest.Options{
		Issuer: "https://auth.example.test/tenant", Args: []string{"--trusted-proxy", "127.0.0.1/32", "--limit-exempt", "127.0.0.0/8"},
	})
}

func TestTheIssuerIsExactAndItsEndpointsAreItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    *authtest.Server
		path string
	}{"plain": {shared(t), metadataPath}, "with a path": {tenant(t), metadataPath + "/tenant"}} {
		s := c.s
		answer := s.Do(t, authtest.NewRequest(t, http.MethodGet, s.Origin()+c.path, nil))
		if answer.Status != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" || answer.Text("issuer") != s.Issuer {
			t.Fatalf("%s: %s", name, answer)
		}
		for member, value := range answer.JSON {
			if address, ok := value.(string); ok && strings.HasSuffix(member, "_endpoint") || member == "jwks_uri" {
				if !strings.HasPrefix(address, s.Issuer+"/") {
					t.Errorf("%s: %s is %s", name, member, address)
				}
				if got := s.Do(t, authtest.NewRequest(t, http.MethodGet, address, nil)); got.Status == http.StatusNotFound {
					t.Errorf("%s: there is nothing at %s", name, address)
				}
			}
		}
	}
}

func TestTheMetadataOffersNothingWeak(t *testing.T) {
	t.Parallel()
	s := shared(t)
	metadata := s.Get(t, metadataPath)
	for member, want := range map[string]string{
		"response_types_supported": "code", "grant_types_supported": "authorization_code client_credentials refresh_token urn:ietf:params:oauth:grant-type:device_code",
		"code_challenge_methods_supported": "S256", "token_endpoint_auth_methods_supported": "client_secret_basic client_secret_post none",
	} {
		if got := listOf(metadata.JSON[member]); got != want {
			t.Errorf("%s: %q", member, got)
		}
	}
	for _, weak := range []string{"implicit", "password", "plain", `"token"`, "HS256", "registration_endpoint"} {
		if strings.Contains(metadata.Body, weak) {
			t.Errorf("it offers %s: %s", weak, metadata.Body)
		}
	}
	if strings.Contains(listOf(metadata.JSON["introspection_endpoint_auth_methods_supported"]), "none") {
		t.Error("introspection is offered to public clients")
	}
}

func TestNamesInHeadersChangeNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []*authtest.Server{shared(t), tenant(t)} {
		base := mustURL(t, s.Issuer).Path
		for _, headers := range []map[string]string{
			{"Host": "attacker.test"}, {"X-Forwarded-Host": "attacker.test"}, {"X-Forwarded-Proto": "ftp"}, {"Forwarded": "host=attacker.test;proto=http"},
			{"X-Original-URL": "/login"}, {"X-Rewrite-URL": "/login"}, {"X-Forwarded-Prefix": "/attacker.test"}, {"X-Host": "attacker.test"},
			{"X-Forwarded-Host": "attacker.test", "Host": "attacker.test:80"},
		} {
			for _, path := range []string{
				metadataPath + base, base + "/login", base + "/", base + authtest.AuthorizePath + "?" + s.App("web").Ask().Params.Encode(), base + "/nothing-here",
			} {
				request := authtest.NewRequest(t, http.MethodGet, s.Origin()+path, nil)
				for name, value := range headers {
					request.Header.Set(name, value)
					if name == "Host" {
						request.Host = value
					}
				}
				answer := s.Do(t, request)
				if strings.Contains(answer.Body, "attacker.test") || strings.Contains(answer.Header.Get("Location"), "attacker.test") {
					t.Errorf("%v: %s answers %s, Location %q", headers, path, answer, answer.Header.Get("Location"))
				}
				if strings.HasPrefix(path, metadataPath) && answer.Text("issuer") != s.Issuer {
					t.Errorf("%v: the issuer is %q", headers, answer.Text("issuer"))
				}
			}
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{
		"/debug/pprof/", "/debug/vars", "/metrics", "/.git/config", "/.env", "/config.yaml", "/seed.yaml", "/master.key", "/grantor.db", "/admin/api/clients",
		"/server-status", "/swagger", "/openapi.json", "/static/", "/static", "/static/../go.mod", "/static/%2e%2e/go.mod", "/static/..%2fgo.mod",
		"/static//etc/passwd", "/oauth2", "/oauth2/", "/oauth2/token/", "/oauth2//token", "/./oauth2/jwks", "/oauth2/../login", "/login/", "//login", "/LOGIN",
		"/.well-known/openid-configuration", "/.well-known/", "/oauth2/register", "/oauth2/userinfo", "/favicon.ico%00", "/%2e%2e/%2e%2e/etc/passwd", "/oauth2%2ftoken",
		metadataPath + "/x", "/robots.txt/x", "/actuator/env", "/index.php",
	} {
		request := authtest.NewRequest(t, http.MethodGet, s.URL("/"), nil)
		request.URL = &url.URL{Scheme: request.URL.Scheme, Host: request.URL.Host, Opaque: "//" + request.URL.Host + path}
		answer := s.Do(t, request)
		if answer.Status != http.StatusNotFound && answer.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, answer.Status)
		}
		if strings.Contains(answer.Body, "goroutine") || strings.Contains(answer.Body, "root:") || strings.Contains(answer.Header.Get("Location"), "//") {
			t.Errorf("%s shows what it should not", path)
		}
	}
}

func TestNoVersionAndNoTraceIsTold(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{"/", "/login", "/nothing", metadataPath, authtest.TokenPath, authtest.AuthorizePath + "?%zz", "/healthz", "/static/nothing"} {
		answer := s.Get(t, path)
		for _, name := range []string{"Server", "X-Powered-By", "Via", "X-Go-Version"} {
			if v := answer.Header.Get(name); v != "" {
				t.Errorf("%s: %s: %s", path, name, v)
			}
		}
		for _, word := range []string{"goroutine", ".go:", "panic", "runtime error", "redis", "bbolt"} {
			if strings.Contains(strings.ToLower(answer.Body), word) {
				t.Errorf("%s tells %q", path, word)
			}
		}
	}
}

func TestAnIssuerWithAPathServesEverythingBelowIt(t *testing.T) {
	t.Parallel()
	s := tenant(t)
	b := s.Browser(t)
	asked := s.App("web").Ask()
	page := b.Follow(asked, authtest.Alice)
	for _, step := range page.Trail {
		if !strings.HasPrefix(step.URL.Path, "/tenant/") {
			t.Errorf("the browser was led to %s", step.URL)
		}
		for _, n := range step.Elements("a", "link", "img", "script", "form") {
			for _, name := range []string{"href", "src", "action"} {
				wantBelow(t, n, name, "/tenant/")
			}
		}
	}
	back := page.Callback()
	if back.Get("iss") != s.Issuer || !back.Has("code") {
		t.Fatalf("%s", page)
	}
	tokens := asked.Redeem(t, back.Get("code"))
	tokens.Wants(t, http.StatusOK, "")
	if seen := s.App("api").Introspect(t, tokens.Access()); !seen.Active() || seen.Text("iss") != s.Issuer {
		t.Errorf("introspection: %s", seen)
	}
	s.App("web").Refresh(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
	if answer := s.Do(t, authtest.NewRequest(t, http.MethodGet, s.Origin()+authtest.AuthorizePath+"?"+asked.Params.Encode(), nil)); answer.Status != http.StatusNotFound {
		t.Errorf("outside of its path: %s", answer)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if answer := s.Do(t, authtest.NewRequest(t, http.MethodGet, s.Origin()+path, nil)); answer.Status != http.StatusOK {
			t.Errorf("%s: %s", path, answer)
		}
	}
	page = b.Open(s.URL("/logout")).Press("Sign out")
	if b.SessionCookie() != nil || page.Status != http.StatusOK {
		t.Errorf("after the logout: %s", page)
	}
}

func wantBelow(t testing.TB, n *html.Node, attribute, base string) {
	t.Helper()
	target := authtest.Attribute(n, attribute)
	if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, base) {
		t.Errorf("<%s %s=%q> leads out of %s", n.Data, attribute, target, base)
	}
}
