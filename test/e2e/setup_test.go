package e2e

import (
	"crypto/tls"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The first start, configurations that are refused, and TLS.

var setupLink = regexp.MustCompile(`/setup\?token=(\S+)`)

func TestTheFirstStartPrintsALinkThatWorksOnce(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed, Store: authtest.Bolt})
	var found []string
	eventually(t, 30*time.Second, "a link is printed", func() bool { // by another pipe than that the server is ready
		found = setupLink.FindStringSubmatch(s.Out())
		return found != nil
	})
	s.Keep(found[1])
	b := s.Browser(t)
	wantPage(t, b.Open(s.URL("/setup")))
	wantPage(t, b.Open(s.URL("/setup?token=guess")))
	page := b.Open(s.URL(found[0]))
	if page.Status != http.StatusOK {
		t.Fatalf("%s", page)
	}
	_, fields := page.Filled("Create account", "username", "root", "password", "a long first password")
	if forged := s.Browser(t).PostForm(s.URL("/setup"), fields); forged.Status != http.StatusForbidden {
		t.Errorf("from another browser: %s", forged)
	}
	if forged := b.PostFrom("https://evil.example.test", s.URL("/setup"), fields); forged.Status != http.StatusForbidden {
		t.Errorf("from another site: %s", forged)
	}
	if refused := page.Press("Create account", "username", "", "password", "short"); refused.Status != http.StatusUnprocessableEntity || !strings.Contains(refused.Text(), "not created") {
		t.Errorf("bad fields: %s", refused)
	}
	s.Keep("a long first password")
	done := page.Press("Create account", "username", "root", "password", "a long first password")
	if b.SessionCookie() == nil || !strings.Contains(done.Text(), "root") {
		t.Fatalf("%s", done)
	}
	for name, again := range map[string]*authtest.Page{
		"the link": s.Browser(t).Open(s.URL(found[0])), "the form": b.PostForm(s.URL("/setup"), fields),
	} {
		if again.Status != http.StatusBadRequest || strings.Contains(again.Body, "Create account") {
			t.Errorf("%s a second time: %s", name, again)
		}
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil { // all is printed then
		t.Error(err)
	}
	if all := setupLink.FindAllString(s.Out(), -1); len(all) != 1 {
		t.Errorf("it prints a link though there is a user: %s", s.Out())
	}
}

func TestTheFirstUserComesFromTheEnvironmentOnce(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed, Store: authtest.Bolt,
		Env: []string{"GRANTOR_BOOTSTRAP_USERNAME=first", "GRANTOR_BOOTSTRAP_PASSWORD=the first long password"}})
	s.Keep("the first long password")
	b := s.Browser(t)
	if page := b.Open(s.URL("/login")).LogIn("first", "the first long password"); b.SessionCookie() == nil {
		t.Fatalf("%s", page)
	}
	if setupLink.MatchString(s.Out()) {
		t.Error("it prints a link as well")
	}
	if err := s.Restart(); err != nil {
		t.Errorf("it does not start again: %v", err)
	}
}

func TestNobodyHasAPasswordByDefault(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Seed: authtest.NoSeed})
	for _, pair := range [][2]string{{"admin", "admin"}, {"admin", "changeme!"}, {"root", "root"}, {"grantor", "grantor"}, {"alice", "correct horse battery staple"}} {
		if page := try(t, s, pair[0], pair[1]); page.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %s", pair, page)
		}
	}
	for _, id := range []string{"web", "demo-web", "demo-app", "admin-cli", "grantor"} {
		wantPage(t, s.Browser(t).Open(s.App("web").Ask("client_id", id).URL()))
	}
}

func TestDangerousConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]authtest.Options{
		"http for others":      {Args: []string{"--issuer", "http://auth.example.test"}},
		"dev for others":       {Args: []string{"--dev"}, Listen: "0.0.0.0:0"},
		"an unknown variable":  {Env: []string{"GRANTOR_LISTENN=:80"}},
		"an unknown flag":      {Args: []string{"--no-such-flag"}},
		"a short master key":   {MasterKey: "c2hvcnQ="},
		"no time at all":       {Args: []string{"--access-token-lifetime", "0s"}},
		"an issuer with query": {Args: []string{"--issuer", "https://auth.example.test/?x=1"}},
		"a bad store":          {Store: "mysql://localhost"},
		"an unknown seed word": {Seed: "clients: [{client_id: x, redirect_uri: y}]"},
		"a dangerous redirect": {Seed: `clients: [{client_id: x, redirect_uris: ["javascript:alert(1)"], token_endpoint_auth_method: none}]`},
		"a redirect by http":   {Seed: `clients: [{client_id: x, redirect_uris: ["http://web.example.test/cb"], token_endpoint_auth_method: none}]`},
		"a wildcard redirect":  {Seed: `clients: [{client_id: x, redirect_uris: ["https://*.example.test/cb"], token_endpoint_auth_method: none}]`},
		"a redirect with part": {Seed: `clients: [{client_id: x, redirect_uris: ["https://web.example.test/cb#x"], token_endpoint_auth_method: none}]`},
		"a public machine":     {Seed: `clients: [{client_id: x, grant_types: [client_credentials], token_endpoint_auth_method: none}]`},
		"the password grant":   {Seed: `clients: [{client_id: x, grant_types: [password]}]`},
		"a user's id":          {Seed: `clients: [{client_id: usr_1, grant_types: [client_credentials]}]`},
		"a short password":     {Seed: `users: [{username: x, password: short}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := authtest.Run(o)
			if err == nil {
				s.Close()
				t.Fatal("it started")
			}
			if said := err.Error(); strings.Contains(said, "panic") || strings.Contains(said, "goroutine") || len(said) < 20 {
				t.Errorf("it does not say why: %v", err)
			}
		})
	}
}

func TestTLSIsNewAndBrowsersAreToldToStay(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{TLS: true})
	if !strings.HasPrefix(s.Issuer, "https://") {
		t.Fatalf("the issuer is %s", s.Issuer)
	}
	answer := s.Get(t, "/login")
	if !strings.HasPrefix(answer.Header.Get("Strict-Transport-Security"), "max-age=31536000") {
		t.Errorf("Strict-Transport-Security: %q", answer.Header.Get("Strict-Transport-Security"))
	}
	b := s.Browser(t)
	tokens := b.Tokens(s.App("web"), authtest.Alice)
	if !s.App("web").Active(t, tokens.Access()) || b.Cookies["__Host-grantor_session"] == nil {
		t.Error("the flow does not work over TLS")
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		c, err := tls.Dial("tcp", s.Addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}) // the version is what is tested
		if err == nil {
			_ = c.Close()
			t.Errorf("%s is accepted", tls.VersionName(version))
		}
	}
	plain, err := http.Get("http://" + s.Addr + "/login")
	if err == nil {
		if plain.StatusCode == http.StatusOK || len(plain.Cookies()) > 0 {
			t.Errorf("plain http on the port gets %d and %d cookies", plain.StatusCode, len(plain.Cookies()))
		}
		_ = plain.Body.Close()
	}
}
