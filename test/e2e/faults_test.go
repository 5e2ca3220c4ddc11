package e2e

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// A store that is away, slow, full or read-only. Under load: test/chaos.

// wantUnavailable fails the test unless the answer says to come back later.
func wantUnavailable(t testing.TB, what string, a *authtest.Answer) {
	t.Helper()
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Access() != "" {
		t.Errorf("%s: %s, Retry-After %q", what, a, a.Header.Get("Retry-After"))
	}
}

func TestAStoreThatIsAwayIsSaidToBeAndWaitedFor(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
	s := authtest.Start(t, authtest.Options{Store: redis.URL()})
	web := s.App("web")
	asked := web.Ask()
	b := s.Browser(t)
	code := b.Grant(asked, authtest.Alice)
	tokens := b.Tokens(web, authtest.Alice)
	waiting := b.Open(web.Ask("prompt", "login").URL())
	_, login := waiting.Filled("Sign in", "username", authtest.Alice, "password", authtest.PasswordOf(authtest.Alice))

	redis.Kill()
	began := time.Now()
	wantUnavailable(t, "a code", asked.Redeem(t, code))
	wantUnavailable(t, "a refresh", web.Refresh(t, tokens.Refresh()))
	wantUnavailable(t, "a token for itself", web.Token(t, "grant_type", "client_credentials"))
	wantUnavailable(t, "an introspection", web.Post(t, authtest.IntrospectPath, authtest.Form("token", tokens.Access())))
	wantUnavailable(t, "a revocation", web.Revoke(t, tokens.Access()))
	wantUnavailable(t, "readiness", s.Get(t, "/readyz"))
	for what, page := range map[string]*authtest.Page{
		"a request": b.Open(web.Ask().URL()), "a login": b.PostForm(s.URL("/login"), login), "home": b.Open(s.URL("/")), "a page": b.Open(waiting.URL.String()),
	} {
		if page.Status != http.StatusServiceUnavailable || page.Header.Get("Retry-After") == "" || page.Location != nil {
			t.Errorf("%s: %s", what, page)
		}
	}
	for _, path := range []string{"/healthz", authtest.JWKSPath, metadataPath} {
		if a := s.Get(t, path); a.Status != http.StatusOK {
			t.Errorf("%s needs no store and answers %s", path, a)
		}
	}
	if took := time.Since(began); took > 60*time.Second {
		t.Errorf("the refusals took %v", took)
	}

	redis.Restart()
	eventually(t, 20*time.Second, "it is ready again", func() bool { return s.Get(t, "/readyz").Status == http.StatusOK })
	if !web.Active(t, tokens.Access()) {
		t.Error("a token from before is not active")
	}
	asked.Redeem(t, code).Wants(t, http.StatusOK, "")
	web.Refresh(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
	if page := b.Open(s.URL("/")); !strings.Contains(page.Text(), "alice") {
		t.Errorf("the session is lost: %s", page)
	}
	if told := strings.Count(s.Log(), "the store does not answer; requests get 503"); told > 1 {
		t.Errorf("the log tells of it %d times", told)
	}
}

func TestARedisThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	s := authtest.Start(t, authtest.Options{Store: redis.URL()})
	web := s.App("web")
	asked := web.Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	redis.Pause()
	resumed := false
	defer func() {
		if !resumed {
			redis.Resume()
		}
	}()
	began := time.Now()
	answers := race(t, 60, func(i int) (*authtest.Answer, error) {
		if i%2 == 0 {
			return asked.App.Call(authtest.TokenPath, asked.Redemption(code))
		}
		return web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	})
	for _, a := range answers {
		wantUnavailable(t, "while it hangs", a)
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("the answers took %v", took)
	}
	if a := s.Get(t, "/healthz"); a.Status != http.StatusOK {
		t.Errorf("alive: %s", a)
	}
	redis.Resume()
	resumed = true
	eventually(t, 20*time.Second, "it is ready again", func() bool { return s.Get(t, "/readyz").Status == http.StatusOK })
	// What was asked while it hung may have happened, once at most.
	first, second := asked.Redeem(t, code), asked.Redeem(t, code)
	if second.Status == http.StatusOK {
		t.Errorf("the code was good twice: %s and %s", first, second)
	}
}

func TestAServerWaitsForItsStoreAtStart(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	redis.Kill()
	s := authtest.Start(t, authtest.Options{Store: redis.URL(), Listen: freeAddress(t), Issuer: "http://localhost:4998", Unready: true})
	eventually(t, 20*time.Second, "it listens", func() bool {
		request := authtest.NewRequest(t, http.MethodGet, s.URL("/healthz"), nil)
		answer, err := s.Try(request)
		return err == nil && answer.Status == http.StatusOK
	})
	wantUnavailable(t, "readiness", s.Get(t, "/readyz"))
	wantUnavailable(t, "a token", s.App("web").Token(t, "grant_type", "client_credentials"))
	redis.Restart()
	eventually(t, 20*time.Second, "it is ready", func() bool { return s.Get(t, "/readyz").Status == http.StatusOK })
	s.App("web").Machine(t)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(redistest.FreePort(t)))
}

func TestAFullOrReadOnlyRedisRefusesWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2][]string{
		"full":      {{"CONFIG", "SET", "maxmemory", "1"}, {"CONFIG", "SET", "maxmemory", "0"}},
		"read-only": {{"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.New(t, "--replica-serve-stale-data", "yes")
			s := authtest.Start(t, authtest.Options{Store: redis.URL()})
			web := s.App("web")
			b := s.Browser(t)
			asked := web.Ask()
			code := b.Grant(asked, authtest.Alice)
			tokens := b.Tokens(web, authtest.Alice)
			redis.Must(c[0]...)
			wantUnavailable(t, "a token for itself", web.Token(t, "grant_type", "client_credentials"))
			wantUnavailable(t, "a code", asked.Redeem(t, code))
			wantUnavailable(t, "a refresh", web.Refresh(t, tokens.Refresh()))
			if revoked := web.Revoke(t, tokens.Access()); revoked.Status == http.StatusOK && web.Active(t, tokens.Access()) {
				t.Errorf("a revocation that did not happen is acknowledged: %s", revoked)
			}
			redis.Must(c[1]...)
			eventually(t, 20*time.Second, "it writes again", func() bool {
				return web.Token(t, "grant_type", "client_credentials").Status == http.StatusOK
			})
			asked.Redeem(t, code).Wants(t, http.StatusOK, "")
		})
	}
}

func TestARedisThatMayForgetIsRefused(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	s, err := authtest.Run(authtest.Options{Store: redis.URL()})
	if err == nil {
		s.Close()
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "allkeys-lru") {
		t.Errorf("it does not say why: %v", err)
	}
	authtest.Start(t, authtest.Options{Store: redis.URL(), Args: []string{"--accept-eviction"}}).App("web").Machine(t)
}
