package protect

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
)

// RFC 8414 section 3.1: where the metadata lie.
func TestTheWellKnownPathIsInserted(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://auth.example.com":           "https://auth.example.com/.well-known/oauth-authorization-server",
		"https://auth.example.com/":          "https://auth.example.com/.well-known/oauth-authorization-server",
		"https://auth.example.com/tenant/1":  "https://auth.example.com/.well-known/oauth-authorization-server/tenant/1",
		"https://auth.example.com/tenant/1/": "https://auth.example.com/.well-known/oauth-authorization-server/tenant/1",
		"http://h":                           "http://h/.well-known/oauth-authorization-server",
		"http://[::1]:8080/a":                "http://[::1]:8080/.well-known/oauth-authorization-server/a",
	} {
		if got := insertWellKnown(strings.TrimSuffix(issuer, "/"), "oauth-authorization-server"); got != want {
			t.Errorf("%s: %s", issuer, got)
		}
	}
}

func TestServersThatOnlyKnowOpenIDConnectDiscoveryAreFound(t *testing.T) {
	s := newServer(t, jose.ES256)
	s.noOAuth = true
	wantCode(t, refusalOf(t, newGuard(t, s.config()), s.token(t, nil)), 0, "ok")
}

// RFC 8414 sections 3.3 and 6.2: a document that cannot be right is not used.
func TestMetadataThatCannotBeRightAreRefused(t *testing.T) {
	s := newServer(t, jose.ES256)
	for name, c := range map[string]struct {
		metadata map[string]any
		good     bool
	}{
		"as it is":                   {nil, true},
		"members nobody knows":       {map[string]any{"x": []int{1}}, true},
		"another issuer":             {map[string]any{"issuer": "https://evil.example"}, false},
		"issuer with a slash":        {map[string]any{"issuer": s.url + "/"}, false},
		"issuer is a list":           {map[string]any{"issuer": []string{s.url}}, false},
		"Issuer beside no issuer":    {map[string]any{"issuer": "", "Issuer": s.url}, false},
		"keys over plain http":       {map[string]any{"jwks_uri": "http://evil.example/jwks"}, false},
		"keys in a file":             {map[string]any{"jwks_uri": "file:///etc/keys"}, false},
		"keys nowhere":               {map[string]any{"jwks_uri": "/jwks"}, false},
		"keys with a user":           {map[string]any{"jwks_uri": "https://a:b@auth.example.com/jwks"}, false},
		"introspection over http":    {map[string]any{"introspection_endpoint": "http://evil.example/i"}, false},
		"feed over plain http":       {map[string]any{"revocation_feed_endpoint": "http://evil.example/f"}, false},
		"no endpoint that is needed": {map[string]any{"jwks_uri": "", "introspection_endpoint": ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s.says(c.metadata)
			r := refusalOf(t, newGuard(t, s.config()), s.token(t, nil))
			if c.good {
				wantCode(t, r, 0, "ok")
				return
			}
			wantCode(t, r, 503, "temporarily_unavailable")
		})
	}
}

func TestAnHTTPSServerMustNotPointToPlainHTTP(t *testing.T) {
	c := Config{Issuer: "https://auth.example.com", Audience: orders}
	d := newDiscovery(&c)
	document := `{"issuer":"https://auth.example.com","jwks_uri":%q}`
	if _, err := d.parse([]byte(fmt.Sprintf(document, "http://127.0.0.1/jwks"))); err == nil {
		t.Error("plain http was taken")
	}
	if _, err := d.parse([]byte(fmt.Sprintf(document, "https://keys.example.net/jwks"))); err != nil {
		t.Error(err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	s := newServer(t, jose.ES256)
	for name, path := range map[string]string{"metadata": "/.well-known/", "keys": "/jwks"} {
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, path) {
				http.Redirect(w, r, s.url+r.URL.Path, http.StatusFound)
				return
			}
			s.ServeHTTP(w, r)
		}))
		t.Cleanup(front.Close)
		s.says(map[string]any{"issuer": front.URL, "jwks_uri": front.URL + "/jwks"})
		c := s.config()
		c.Issuer = front.URL
		before := s.keyReads.Load()
		r := refusalOf(t, newGuard(t, c), s.token(t, map[string]any{"iss": front.URL}))
		wantCode(t, r, 503, "temporarily_unavailable")
		if s.keyReads.Load() != before {
			t.Errorf("%s: the redirect was followed", name)
		}
	}
}

func TestMetadataAreReadAgainNowAndThen(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		g := newGuard(t, c)
		time.Sleep(reread - 16*time.Minute)
		if n := s.reads.Load(); n != 1 {
			t.Errorf("metadata were read %d times, too early", n)
		}
		time.Sleep(32 * time.Minute)
		if n := s.reads.Load(); n != 2 {
			t.Errorf("metadata were read %d times, want 2", n)
		}
		// A document that turned bad changes nothing.
		s.says(map[string]any{"issuer": "https://evil.example"})
		time.Sleep(2 * reread)
		wantCode(t, refusalOf(t, g, s.tokenBy(t, s.key(0), time.Now(), nil)), 0, "ok")
		fresh := newSigner(t, jose.EdDSA)
		s.publish(fresh)
		wantCode(t, refusalOf(t, g, s.tokenBy(t, fresh, time.Now(), nil)), 0, "ok")
	})
}

// TestAFeedThatAServerGetsIsLookedForSoon: metadata may have been read at the one node that was not brought up to date yet.
func TestAFeedThatAServerGetsIsLookedForSoon(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		c.ClientID, c.ClientSecret = "orders", "s3cret"
		g := newGuard(t, c)
		if !g.feed.missing.Load() {
			t.Fatal("the server has a feed")
		}
		s.says(map[string]any{"revocation_feed_endpoint": s.url + "/feed"})
		time.Sleep(keysUsually + usualPace().missing + time.Second)
		if g.feed.missing.Load() {
			t.Error("it was not looked for")
		}
	})
}

func TestTheEndpointsAreWaitedForOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *server, c Config) {
		s.down.Store(true)
		g := newGuard(t, c)
		if e, err := g.discovery.endpoints(t.Context()); err == nil {
			t.Errorf("endpoints = %+v", e)
		}
		s.down.Store(false)
		time.Sleep(retryLatest)
		if e, err := g.discovery.endpoints(t.Context()); err != nil || e.jwks != "https://auth.example.com/jwks" {
			t.Errorf("endpoints = %+v, %v", e, err)
		}
	})
}
