package e2e

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// The embedded store and kill -9.

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: authtest.Bolt, Args: []string{"--refresh-grace", "0"}})
	web, machine := s.App("web"), s.App("machine")
	b := s.Browser(t)
	b.SignIn(authtest.Alice)
	rotated := b.Tokens(web, authtest.Alice)
	newest := web.Refresh(t, rotated.Refresh())
	for round := range 3 {
		used, unused := web.Ask(), web.Ask()
		usedCode := b.Grant(used, authtest.Alice)
		bought := used.Redeem(t, usedCode)
		bought.Wants(t, http.StatusOK, "")
		unusedCode := b.Grant(unused, authtest.Alice)

		acknowledged, revoked := hammer(t, s, machine)
		if err := s.Restart(); err != nil {
			t.Fatalf("round %d: it does not start again: %v", round, err)
		}
		for i, token := range acknowledged {
			if i%(1+len(acknowledged)/60) == 0 && !machine.Active(t, token) {
				t.Fatalf("round %d: token %d of %d is lost", round, i, len(acknowledged))
			}
		}
		for _, token := range revoked {
			if machine.Active(t, token) {
				t.Errorf("round %d: a revoked token lives", round)
			}
		}
		if home := b.Open(s.URL("/")); !strings.Contains(home.Text(), "alice") {
			t.Errorf("round %d: the session is lost: %s", round, home)
		}
		if !web.Active(t, bought.Access()) {
			t.Errorf("round %d: the token of the code is lost", round)
		}
		used.Redeem(t, usedCode).Wants(t, http.StatusBadRequest, "invalid_grant")
		if web.Active(t, bought.Access()) {
			t.Errorf("round %d: the replay over a crash was not noticed", round)
		}
		unused.Redeem(t, unusedCode).Wants(t, http.StatusOK, "")
		unused.Redeem(t, unusedCode).Wants(t, http.StatusBadRequest, "invalid_grant")
		next := web.Refresh(t, newest.Refresh())
		next.Wants(t, http.StatusOK, "")
		newest = next
	}
	web.Refresh(t, rotated.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	web.Refresh(t, newest.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
}

// hammer gets and revokes tokens until the server is killed in the midst of it, and gives what was acknowledged.
func hammer(t testing.TB, s *authtest.Server, app *authtest.App) (live, revoked []string) {
	t.Helper()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	enough := make(chan struct{})
	for worker := range 6 {
		all.Go(func() {
			for i := 0; ; i++ {
				answer, err := app.Call(authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
				if err != nil || answer.Status != http.StatusOK {
					return // it is killed
				}
				if i%5 == worker%5 {
					gone, err := app.Call(authtest.RevokePath, authtest.Form("token", answer.Access()))
					if err != nil {
						return // whether it was revoked nobody can tell
					}
					if gone.Status == http.StatusOK {
						mu.Lock()
						revoked = append(revoked, answer.Access())
						mu.Unlock()
					}
					continue
				}
				mu.Lock()
				live = append(live, answer.Access())
				if len(live) == 60 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(30 * time.Second):
	}
	s.Kill()
	all.Wait()
	return live, revoked
}

func TestASecondProcessOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: authtest.Bolt})
	s.App("web").Machine(t)
	second, err := authtest.Run(authtest.Options{Store: s.Store(), MasterKey: s.MasterKey()})
	if err == nil {
		second.Close()
		t.Fatal("a second server runs on the file")
	}
	if out, commandErr := s.Command("client", "list"); commandErr == nil || !strings.Contains(out, "running") && !strings.Contains(out, "another process") {
		t.Errorf("a command beside the server: %v: %s", commandErr, out)
	}
	s.App("web").Machine(t)
	s.Kill()
	if err := s.Restart(); err != nil {
		t.Errorf("the lock of a killed server blocks: %v", err)
	}
}

func TestFilesOfTheStoreAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	s := authtest.Start(t, authtest.Options{Store: "bolt:./data/grantor.db", MasterKey: authtest.NoMasterKey})
	s.App("web").Machine(t)
	for path, want := range map[string]os.FileMode{"data": 0o700, "data/grantor.db": 0o600, "data/grantor.db.key": 0o600} {
		info, err := os.Stat(s.Dir + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, not %o", path, got, want)
		}
	}
	if err := s.Restart(); err != nil {
		t.Fatalf("it does not start with the key that it made: %v", err)
	}
	if err := os.Remove(s.Dir + "/data/grantor.db.key"); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err == nil {
		t.Error("it starts without the key of its store")
	}
}
