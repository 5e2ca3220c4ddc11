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
	var tried atomic.Int64
	var mu sync.Mutex
	var login time.Duration // the longest
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
				mu.Lock()
				login = max(login, took)
				mu.Unlock()
				tried.Add(1)
			}
		})
	}
	eventually(t, time.Minute, "logins are checked", func() bool { return tried.Load() > 32 })
	var times []time.Duration
	for range 100 {
		began := time.Now()
		a, err := web.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
		if err != nil || a.Status != http.StatusOK {
			t.Errorf("a token during the flood: %s, %v", a, err)
		}
		times = append(times, time.Since(began))
	}
	close(stop)
	all.Wait()
	slices.Sort(times)
	t.Logf("a token takes %v, nine of ten take %v, all take %v; a login up to %v", times[50], times[90], times[99], login)
	// 32 logins that wait in turn take half a second; the machine does other work, too, which slows down both.
	if times[50] > max(300*time.Millisecond, login/20) || times[90] > max(time.Second, login/5) {
		t.Errorf("half of the tokens take more than %v, a tenth more than %v, a login up to %v", times[50], times[90], login)
	}
}
