package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/limit"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
)

// limited is a site with limits that differ from the defaults.
func limited(t *testing.T, words ...string) *site {
	t.Helper()
	return limitedBehind(t, func(*server.Config) {}, words...)
}

func limitedBehind(t *testing.T, change func(*server.Config), words ...string) *site {
	t.Helper()
	table, err := limit.Parse(words)
	ok(t, err)
	var s *site
	now := func() time.Time { // the site is being made while limits are
		if s == nil {
			return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		}
		return s.now()
	}
	s = newSite(t, options{change: func(c *server.Config) {
		change(c)
		c.Limits = limit.New(limit.Config{Table: table, Now: now, Exempt: c.LimitExempt})
	}})
	return s
}

// wantLimited checks that three requests are served, the fourth is not, and one is again after a second.
func (s *site) wantLimited(send func() *answer) *answer {
	s.t.Helper()
	for i := range 3 {
		if a := send(); a.Code == http.StatusTooManyRequests || a.Code >= 500 {
			s.t.Fatalf("request %d: %d %s", i, a.Code, a.Body)
		}
	}
	refused := send()
	refused.wantStatus(http.StatusTooManyRequests)
	refused.wantHeader("Retry-After", "1")
	s.move(time.Second)
	if a := send(); a.Code == http.StatusTooManyRequests {
		s.t.Error("it is refused for longer than it was told")
	}
	send().wantStatus(http.StatusTooManyRequests)
	return refused
}

func TestEveryEndpointLimitsWhatProvesNothing(t *testing.T) {
	wrong := func(path, body string) func(*site) *answer {
		return func(s *site) *answer {
			r := s.request(http.MethodPost, path, body)
			r.SetBasicAuth("web", "wrong")
			return s.send(r)
		}
	}
	get := func(path string) func(*site) *answer { return func(s *site) *answer { return s.get(path) } }
	s := limited(t, "stranger=1/3", "forward_auth=1/3", "document=1/3", "page=1/3")
	number := 0
	for name, c := range map[string]struct {
		class string
		send  func(*site) *answer
	}{
		"token":               {"stranger", wrong("/oauth2/token", "grant_type=client_credentials")},
		"token, malformed":    {"stranger", wrong("/oauth2/token", "%")},
		"token, by GET":       {"stranger", get("/oauth2/token")},
		"token, public":       {"stranger", func(s *site) *answer { return s.redeem("native", "made up") }},
		"revocation":          {"stranger", wrong("/oauth2/revoke", "token=x")},
		"revocation, public":  {"stranger", func(s *site) *answer { return s.call("native", "/oauth2/revoke", "token=x") }},
		"introspection":       {"stranger", wrong("/oauth2/introspect", "token=x")},
		"feed":                {"stranger", get("/oauth2/revocations")},
		"forward-auth":        {"forward_auth", get("/forward-auth?audience=" + api)},
		"metadata":            {"document", get("/.well-known/oauth-authorization-server")},
		"keys":                {"document", get("/oauth2/jwks")},
		"static files":        {"document", get("/static/none")},
		"authorization":       {"page", get("/oauth2/authorize?client_id=none")},
		"authorization, good": {"page", func(s *site) *answer { return s.get("/oauth2/authorize?" + s.ask("web").Encode()) }},
		"login":               {"page", get("/login")},
		"login, sent":         {"page", func(s *site) *answer { return s.send(s.request(http.MethodPost, "/login", "username=alice")) }},
		"consent":             {"page", get("/consent?interaction=none")},
		"logout":              {"page", get("/logout")},
		"setup":               {"page", get("/setup")},
		"home":                {"page", get("/")},
		"nothing":             {"page", get("/nothing")},
	} {
		t.Run(name, func(t *testing.T) {
			number++
			s.t, s.from = t, fmt.Sprint("198.51.100.", number)
			refused := s.wantLimited(func() *answer { return c.send(s) })
			if c.class == "page" {
				refused.wantPage(http.StatusTooManyRequests)
				refused.wantText("Too many requests")
			} else {
				refused.wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
			}
			for _, path := range []string{"/healthz", "/readyz"} {
				s.get(path).wantStatus(http.StatusOK)
			}
			s.from = fmt.Sprint("203.0.113.", number)
			if c.send(s).Code == http.StatusTooManyRequests {
				t.Error("another address is refused")
			}
		})
	}
}

func TestEveryEndpointLimitsWhoHasProvenWhoHeIs(t *testing.T) {
	for class, send := range map[string]func(*site, string) *answer{
		"token": func(s *site, _ string) *answer {
			return s.call("web", "/oauth2/token", "grant_type=client_credentials")
		},
		"introspection": func(s *site, token string) *answer { return s.call("api", "/oauth2/introspect", "token="+token) },
		"revocation":    func(s *site, token string) *answer { return s.call("web", "/oauth2/revoke", "token="+token) },
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			s := limited(t, class+"=1/3", "stranger=1/1")
			token := "none"
			refused := s.wantLimited(func() *answer { return send(s, token) })
			refused.wantError(http.StatusTooManyRequests, oauth.TemporarilyUnavailable)
			s.call("post", "/oauth2/token", "grant_type=client_credentials").wantStatus(http.StatusOK)
		})
	}
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		s := limited(t, "account=1/3", "page=1/100")
		b := s.browser()
		b.signIn()
		s.wantLimited(func() *answer { return b.get("/") }).wantPage(http.StatusTooManyRequests)
		s.get("/login").wantStatus(http.StatusOK) // a guest at the same address
	})
}

func TestStreamsThatAreOpenedAreLimited(t *testing.T) {
	s := limited(t, "feed=0.01/2", "stranger=0.01/1")
	l := s.serve((*httptest.Server).Start)
	s.listen(l, "api", "")
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		a, err := http.DefaultClient.Do(s.feedRequest(l, "api", s.secrets["api"], ""))
		ok(t, err)
		_ = a.Body.Close() // nothing of the stream is needed
		if a.StatusCode != want {
			t.Errorf("stream %d: status %d, want %d", i, a.StatusCode, want)
		}
	}
}

func TestAProofSparesTheAddress(t *testing.T) {
	s := limited(t, "stranger=0.001/3", "page=0.001/10", "forward_auth=0.001/3")
	token := s.machine("web", "resource="+api)
	for range 20 {
		s.machine("web")
		s.active("api", token)
		s.forward("/forward-auth?audience="+api, "Bearer "+token).wantStatus(http.StatusOK)
	}
	b := s.browser()
	b.signIn()
	for range 20 {
		b.get("/").wantStatus(http.StatusOK)
		s.redeem("native", b.code("native")).wantStatus(http.StatusOK) // a public client that held a code
	}
}

func TestAFailureOfOursIsNobodysFault(t *testing.T) {
	s := limited(t, "stranger=1/3", "page=1/3")
	s.store.away.Store(true)
	for range 9 {
		s.redeem("native", "made up").wantStatus(http.StatusServiceUnavailable)
	}
	s.store.away.Store(false)
	s.redeem("native", "made up").wantError(http.StatusBadRequest, oauth.InvalidGrant)
}

// closed is a body that must not be read.
type closed struct{ t *testing.T }

func (c closed) Read([]byte) (int, error) {
	c.t.Error("the body of a refused request is read")
	return 0, errors.New("not to be read")
}

func TestARefusedRequestIsNotRead(t *testing.T) {
	s := limited(t, "stranger=1/1", "page=1/1")
	s.redeem("native", "made up").wantStatus(http.StatusBadRequest)
	s.get("/login").wantStatus(http.StatusOK)
	for _, path := range []string{"/oauth2/token", "/login"} {
		r := httptest.NewRequest(http.MethodPost, s.issuer+path, closed{t})
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.ContentLength = 10
		s.send(r).wantStatus(http.StatusTooManyRequests)
	}
	if strings.Contains(s.log.String(), "192.0.2.1/32") || !strings.Contains(s.log.String(), "limit stranger is used up") {
		t.Error("the log does not tell which limit")
	}
}

func TestTrustedProxiesDecideWhoseAddressIsLimited(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	for name, c := range map[string]struct {
		change func(*server.Config)
		header string
		served int
	}{
		"trusted, one caller":      {func(c *server.Config) { c.TrustedProxies = proxies }, "203.0.113.1", 3},
		"trusted, what he claims":  {func(c *server.Config) { c.TrustedProxies = proxies }, "#, 203.0.113.1", 3},
		"trusted, many callers":    {func(c *server.Config) { c.TrustedProxies = proxies }, "203.0.113.#", 9},
		"trusted, one of IPv6":     {func(c *server.Config) { c.TrustedProxies = proxies }, "2001:db8::#", 3},
		"trusted, IPv4 as IPv6":    {func(c *server.Config) { c.TrustedProxies = proxies }, "64:ff9b::203.0.113.#", 9},
		"not trusted":              {func(*server.Config) {}, "203.0.113.#", 3},
		"exempt":                   {func(c *server.Config) { c.LimitExempt = proxies }, "", 9},
		"exempt proxy, one caller": {func(c *server.Config) { c.TrustedProxies, c.LimitExempt = proxies, proxies }, "203.0.113.1", 3},
		"exempt callers by a proxy": {func(c *server.Config) {
			c.TrustedProxies, c.LimitExempt = proxies, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		}, "203.0.113.1", 9},
	} {
		t.Run(name, func(t *testing.T) {
			s := limitedBehind(t, c.change, "page=1/3")
			served := 0
			for i := range 9 {
				r := s.request(http.MethodGet, "/login", "")
				if c.header != "" {
					r.Header.Set("X-Forwarded-For", strings.ReplaceAll(c.header, "#", string(rune('1'+i))))
				}
				if s.send(r).Code == http.StatusOK {
					served++
				}
			}
			if served != c.served {
				t.Errorf("%d of 9 were served, want %d", served, c.served)
			}
		})
	}
}

// Tries that are refused unseen ask the store as often as any.
func TestTriesThatAreRefusedUnseenCountAgainstTheAddress(t *testing.T) {
	s := limited(t, "page=0.001/20")
	b := s.browser()
	page := b.get("/login")
	for range 20 {
		b.submit(page, "username=alice", "password=wrong")
	}
	if log := s.log.String(); !strings.Contains(log, "too many tries") || !strings.Contains(log, "limit page is used up") {
		t.Errorf("got %s", log)
	}
}

func TestBrowsersCanReadARefusalOfATokenRequest(t *testing.T) {
	s := limited(t, "stranger=1/1")
	s.redeem("native", "made up")
	a := s.send(s.crossing(http.MethodPost, "/oauth2/token", "client_id=native"))
	a.wantStatus(http.StatusTooManyRequests)
	a.wantHeader("Access-Control-Allow-Origin", "*")
}

// openFeed asks for a stream that is not given.
func (s *site) openFeed(client string) *answer {
	r := s.request(http.MethodGet, "/oauth2/revocations", "")
	r.SetBasicAuth(client, s.secrets[client])
	return s.send(r)
}

func TestLanesAreForWhatAsksTheStore(t *testing.T) {
	tokens, people := limit.NewLane(1, 0), limit.NewLane(1, 0)
	s := newSite(t, options{change: func(c *server.Config) { c.TokenLane, c.PageLane = tokens, people }})
	ok(t, tokens.Enter(t.Context()))
	for _, a := range []*answer{
		s.call("web", "/oauth2/token", "grant_type=client_credentials"), s.call("web", "/oauth2/revoke", "token=x"),
		s.call("api", "/oauth2/introspect", "token=x"), s.forward("/forward-auth?audience="+api, "Bearer x"), s.openFeed("web"),
	} {
		a.wantError(http.StatusServiceUnavailable, oauth.TemporarilyUnavailable)
		a.wantHeader("Retry-After", "1")
	}
	for _, path := range []string{"/login", "/healthz", "/readyz", "/oauth2/jwks", "/.well-known/oauth-authorization-server"} {
		s.get(path).wantStatus(http.StatusOK) // what does not wait behind tokens
	}
	tokens.Leave()
	ok(t, people.Enter(t.Context()))
	busy := s.get("/login")
	busy.wantPage(http.StatusServiceUnavailable)
	busy.wantHeader("Retry-After", "1")
	s.machine("web")
	people.Leave()
	s.get("/login").wantStatus(http.StatusOK)
	if tokens.State().Running != 0 || people.State().Running != 0 {
		t.Error("a turn was not given back")
	}
}

func TestWhoHasGoneIsNotWorkedFor(t *testing.T) {
	s := newSite(t, options{change: func(c *server.Config) { c.PageLane = limit.NewLane(1, 1); _ = c.PageLane.Enter(context.Background()) }})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	s.send(s.request(http.MethodGet, "/login", "").WithContext(ctx)).wantStatus(http.StatusServiceUnavailable)
}
