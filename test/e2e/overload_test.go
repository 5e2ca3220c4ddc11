package e2e

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// More than a server can do, or is meant to.

func TestTwoNodesGiveAClientAboutWhatOneGives(t *testing.T) {
	t.Parallel()
	one, two := pair(t, "--limits", "token=100/100")
	web := one.App("web")
	began := time.Now()
	var given atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		node := web.On([]*authtest.Server{one, two}[i%2])
		all.Go(func() {
			for time.Since(began) < 3*time.Second {
				a, err := node.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
				switch {
				case err != nil:
					t.Error(err)
					return
				case a.Status == http.StatusOK:
					given.Add(1)
				case a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || a.Fault() != "temporarily_unavailable":
					t.Errorf("%s", a)
				}
			}
		})
	}
	all.Wait()
	// One node gives 100 and 100 a second. Two may give their bursts, and a second, before they have heard of each other.
	seconds := int64(time.Since(began)/time.Second) + 1
	t.Logf("%d tokens in %v", given.Load(), time.Since(began))
	if most := 100 + 100*seconds + 200; given.Load() > most {
		t.Errorf("two nodes gave %d tokens in %d s, one gives %d", given.Load(), seconds, 100+100*seconds)
	}
}

func TestAStoreThatHangsDoesNotPileUpRequests(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	s := authtest.Start(t, authtest.Options{Store: redis.URL(), Args: []string{"--max-token-requests", "4"}})
	web := s.App("web")
	web.Machine(t)
	redis.Pause()
	began := time.Now()
	answers := race(t, 150, func(int) (*authtest.Answer, error) {
		return web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	})
	for _, a := range answers {
		wantUnavailable(t, "while the store hangs", a)
	}
	// Four wait for the store; the others are sent away when their patience ends, and not in turn behind them.
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("150 refusals took %v", took)
	}
	wantUnavailable(t, "readiness", s.Get(t, "/readyz"))
	if a := s.Get(t, "/healthz"); a.Status != http.StatusOK {
		t.Errorf("health: %s", a)
	}
	redis.Resume()
	eventually(t, 20*time.Second, "tokens come again", func() bool {
		a, err := web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		return err == nil && a.Status == http.StatusOK
	})
	for _, a := range race(t, 50, func(int) (*authtest.Answer, error) {
		return web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	}) {
		a.Wants(t, http.StatusOK, "")
	}
}

func TestLoginsDoNotStarveTokens(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Slow: true, Args: []string{"--limit-exempt", "127.0.0.0/8"}})
	web := s.App("web")
	web.Machine(t)
	stop := make(chan struct{})
	var checked atomic.Int64 // passwords
	var all sync.WaitGroup
	for range 32 {
		b := s.Browser(t)
		_, form := b.Open(s.URL("/login")).Filled("Sign in", "username", "", "password", "wrong")
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				form.Set("username", authtest.Random()) // no account is slowed down
				request := authtest.NewRequest(t, http.MethodPost, s.URL("/login"), form)
				request.Header.Set("Origin", s.Origin())
				for _, c := range b.Cookies {
					request.AddCookie(c)
				}
				began := time.Now()
				answer, err := s.Try(request)
				took := time.Since(began)
				// What waits too long on a busy machine is cut off.
				if err != nil && took < 20*time.Second || err == nil && answer.Status != http.StatusUnprocessableEntity && answer.Status != http.StatusServiceUnavailable {
					t.Errorf("a login after %v: %s, %v", took, answer, err)
				}
				if err == nil && answer.Status == http.StatusUnprocessableEntity {
					checked.Add(1)
				}
			}
		})
	}
	eventually(t, time.Minute, "logins are checked", func() bool { return checked.Load() > 32 })
	var meanwhile []int64 // passwords that were checked while a token was issued
	for range 100 {
		before := checked.Load()
		a, err := web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		if err != nil || a.Status != http.StatusOK {
			t.Errorf("a token during the flood: %s, %v", a, err)
		}
		meanwhile = append(meanwhile, checked.Load()-before)
	}
	close(stop)
	all.Wait()
	wantNotStarved(t, meanwhile)
}

// wantNotStarved looks at how many logins came before each of some other requests. Whatever else the machine does slows down
// both; what waited for its turn behind logins would wait for all that are under way.
func wantNotStarved(t *testing.T, logins []int64) {
	t.Helper()
	slices.Sort(logins)
	half, most, all := logins[len(logins)/2], logins[len(logins)*9/10], logins[len(logins)-1]
	t.Logf("half take as long as %d logins, nine of ten as %d, all as %d", half, most, all)
	if half > 3 || most > 6 {
		t.Errorf("half take as long as %d logins, and a tenth longer than %d", half, most)
	}
}
