package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// Copies of stores on which servers work: from the embedded store to Redis and back.

const (
	cronSecret = "the-secret-of-who-makes-backups"
	cron       = "  - {client_id: cron, client_secret: " + cronSecret + ", grant_types: [client_credentials], permissions: [store:backup]}\n"
)

// ledger is what was issued and revoked before a copy was made.
type ledger struct {
	live, revoked []string
	refresh       string
}

func issue(t testing.TB, s *authtest.Server) *ledger {
	t.Helper()
	l := &ledger{}
	machine := s.App("machine")
	for range 5 {
		l.live = append(l.live, machine.Machine(t).Access())
		l.revoked = append(l.revoked, machine.Machine(t).Access())
		machine.Revoke(t, l.revoked[len(l.revoked)-1])
	}
	l.refresh = s.Browser(t).Tokens(s.App("web"), authtest.Alice).Refresh()
	return l
}

// holds looks for what was issued, and uses the refresh token.
func (l *ledger) holds(t testing.TB, s *authtest.Server) {
	t.Helper()
	machine := s.App("machine")
	for _, token := range l.live {
		if !machine.Active(t, token) {
			t.Errorf("a token from before is lost")
		}
	}
	for _, token := range l.revoked {
		if machine.Active(t, token) {
			t.Errorf("a token that was revoked lives again")
		}
	}
	next := s.App("web").Refresh(t, l.refresh)
	next.Wants(t, http.StatusOK, "")
	l.refresh = next.Refresh()
	sessions := s.Browser(t)
	sessions.SignIn(authtest.Alice)
}

// underLoad does something while tokens are issued, revoked and redeemed at a server.
func underLoad(s *authtest.Server, do func()) {
	var load sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		load.Go(func() {
			for app := s.App("machine"); ; {
				select {
				case <-done:
					return
				default:
				}
				if answer, err := app.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials")); err == nil {
					_, _ = app.Call("/oauth2/revoke", authtest.Form("token", answer.Access())) // whether it is revoked is not the point
				}
			}
		})
	}
	do()
	close(done)
	load.Wait()
}

func TestAServerMovesToRedisAndBack(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) string{
		"one node": func(t testing.TB) string { return redistest.Start(t) },
		"cluster":  redistest.StartCluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := start(t)
			if strings.Contains(there, "?") {
				there += "&timeout=20s"
			} else {
				there += "?timeout=20s"
			}
			moveThereAndBack(t, there)
		})
	}
}

func moveThereAndBack(t *testing.T, there string) {
	o := authtest.Options{
		Store: authtest.Bolt, Issuer: "", Seed: authtest.Seed() + cron, Args: []string{"--limit-exempt", "127.0.0.0/8", "--refresh-grace", "0s"},
		Env: []string{"GRANTOR_CLIENT_ID=cron", "GRANTOR_CLIENT_SECRET=" + cronSecret},
	}
	first := authtest.Start(t, o)
	first.Keep(cronSecret)
	ledgers := []*ledger{issue(t, first)}
	underLoad(first, func() {
		// A running server sends its store as it is at one moment.
		out, err := first.Command("copy", "--server", first.Issuer, "--to", there)
		if err != nil || !strings.Contains(out, ", equal") {
			t.Errorf("copy of a running server: %v\n%s", err, out)
		}
	})
	ledgers = append(ledgers, issue(t, first))
	mustStop(t, first)
	if out, err := first.Command("copy", "--store", first.Store(), "--to", there); err != nil || !strings.Contains(out, ", equal") {
		t.Fatalf("copy of what has changed: %v\n%s", err, out)
	}

	o.Store, o.Issuer, o.Seed, o.MasterKey = there, first.Issuer, authtest.NoSeed, first.MasterKey()
	second := authtest.Start(t, o)
	for _, l := range ledgers {
		l.holds(t, second)
	}
	ledgers = append(ledgers, issue(t, second))
	back := "bolt:" + filepath.Join(first.Dir, "back.db")
	underLoad(second, func() {
		began := time.Now()
		// It may not get to the end of what changes all the time, and says so then.
		out, err := second.Command("copy", "--store", there, "--to", back)
		if err != nil && !strings.Contains(out, "stop the servers of the source") {
			t.Errorf("copy of a running Redis after %s: %v\n%s", time.Since(began), err, out)
		}
	})
	ledgers = append(ledgers, issue(t, second))
	mustStop(t, second)
	if out, err := second.Command("copy", "--store", there, "--to", back); err != nil || !strings.Contains(out, ", equal") {
		t.Fatalf("copy back of what has changed: %v\n%s", err, out)
	}
	if out, err := second.Command("copy", "--store", there, "--to", back, "--verify"); err != nil {
		t.Errorf("compare: %v\n%s", err, out)
	}
	o.Store = back
	third := authtest.Start(t, o)
	for _, l := range ledgers {
		l.holds(t, third)
	}
}
