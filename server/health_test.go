package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/server"
)

func TestHealthAndReadiness(t *testing.T) {
	s := usual(t)
	s.get("/healthz").wantStatus(http.StatusOK)
	ready := s.get("/readyz")
	ready.wantStatus(http.StatusOK)
	ready.wantNotCached()
	s.store.away.Store(true)
	s.get("/healthz").wantStatus(http.StatusOK)
	away := s.get("/readyz")
	away.wantError(http.StatusServiceUnavailable, oauth.TemporarilyUnavailable)
	away.wantHeader("Retry-After", "2")
	if strings.Contains(away.Body.String(), "10.1.2.3") {
		t.Errorf("the answer tells the cause: %s", away.Body)
	}
	s.store.away.Store(false)
	s.get("/readyz").wantStatus(http.StatusOK)
}

// Health is not limited, so a store that hangs is asked once for all.
func TestManyWhoAskForReadinessAskTheStoreOnce(t *testing.T) {
	var pings atomic.Int64
	asked, release := make(chan struct{}), make(chan struct{})
	s := newSite(t, options{change: func(c *server.Config) {
		c.Ping = func(context.Context) error {
			pings.Add(1)
			asked <- struct{}{}
			<-release
			return nil
		}
	}})
	var all sync.WaitGroup
	all.Go(func() { s.get("/readyz").wantStatus(http.StatusOK) })
	<-asked
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 20 {
		s.send(s.request(http.MethodGet, "/readyz", "").WithContext(gone)).wantStatus(http.StatusServiceUnavailable)
	}
	close(release)
	all.Wait()
	if n := pings.Load(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestNothingIsIssuedBeforeTheKeysAreLoaded(t *testing.T) {
	s := newSite(t, options{unloaded: true})
	for _, c := range []struct{ method, path string }{
		{"POST", "/oauth2/token"}, {"POST", "/oauth2/revoke"}, {"POST", "/oauth2/introspect"}, {"GET", "/oauth2/jwks"},
		{"GET", "/oauth2/authorize"}, {"POST", "/oauth2/authorize"}, {"GET", "/login"}, {"POST", "/login"}, {"GET", "/consent"},
		{"GET", "/logout"}, {"GET", "/setup"}, {"GET", "/"}, {"GET", "/readyz"},
	} {
		a := s.send(s.request(c.method, c.path, ""))
		if a.Code != http.StatusServiceUnavailable || a.Header().Get("Retry-After") != "2" {
			t.Errorf("%s %s: %d, Retry-After %q", c.method, c.path, a.Code, a.Header().Get("Retry-After"))
		}
	}
	for _, path := range []string{"/healthz", wellKnown, "/static/grantor.css"} {
		s.get(path).wantStatus(http.StatusOK)
	}
	ok(t, s.keys.Load(t.Context()))
	s.get("/login").wantStatus(http.StatusOK)
}
