package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Stores that older versions wrote, as they lie in testdata/upgrade.

func TestStoresOfOlderVersionsOpen(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("testdata/upgrade/*.json")
	if err != nil || len(found) == 0 {
		t.Fatalf("no store is kept: %v", err)
	}
	for _, path := range found {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			must(t, err)
			var k kept
			must(t, json.Unmarshal(text, &k))
			file := unpacked(t, strings.TrimSuffix(path, ".json")+".db.gz")
			k.opens(t, file)
		})
	}
}

func (k *kept) start(t testing.TB, file string) *authtest.Server {
	t.Helper()
	s := authtest.Start(t, authtest.Options{
		Store: "bolt:" + file, Issuer: k.Issuer, MasterKey: k.MasterKey, Seed: authtest.NoSeed, Args: long(),
	})
	for _, tokens := range []map[string]string{k.Refresh, k.Access} {
		for _, token := range tokens {
			s.Keep(token)
		}
	}
	return s
}

// opens looks for everything in a store that an older version wrote, and does with it what today's commands do.
func (k *kept) opens(t *testing.T, file string) {
	s := k.start(t, file)
	copyOf := filepath.Join(s.Dir, "backup.db")
	if out, err := s.Command("backup", copyOf); err == nil {
		t.Errorf("a backup beside the server: %s", out)
	}
	k.keysAreThere(t, s)
	k.peopleAreThere(t, s)
	mustStop(t, s)
	if out, err := s.Command("backup", copyOf); err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	out, err := s.Command("copy", "--to", "bolt:"+filepath.Join(s.Dir, "copied.db"))
	if err != nil || !strings.Contains(out, ", equal") {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	k.recordsAreThere(t, s)
	must(t, s.Restart())
	k.tokensWork(t, s)

	restored := filepath.Join(s.Dir, "restored.db")
	if out, err := s.Command("restore", copyOf, "--store", "bolt:"+restored, "--keep-tokens"); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	for _, again := range []string{restored, filepath.Join(s.Dir, "copied.db")} {
		k.tokensWork(t, k.start(t, again))
	}
}

func (k *kept) keysAreThere(t testing.TB, s *authtest.Server) {
	t.Helper()
	ids := strings.Fields(keyIDs(t, s))
	for _, id := range k.KeyIDs {
		if !slices.Contains(ids, id) {
			t.Errorf("the key %s is lost", id)
		}
	}
	if kid := part(t, k.Access["jwt"], 0)["kid"]; !slices.Contains(ids, kid.(string)) {
		t.Errorf("the key of the JWT is lost")
	}
}

func (k *kept) peopleAreThere(t testing.TB, s *authtest.Server) {
	t.Helper()
	alice := s.Browser(t)
	alice.SignIn(authtest.Alice) // by her old password
	if page := alice.Open(s.URL("/account")); page.Status != http.StatusOK {
		t.Errorf("her account: %s", page)
	}
	if time.Since(k.Made) < 360*24*time.Hour {
		b := s.Browser(t)
		b.Cookies[k.Cookie.Name] = k.Cookie
		if home := b.Open(s.URL("/")); !strings.Contains(home.Text(), "alice") {
			t.Errorf("the session is lost: %s", home)
		}
	}
	if page := s.Browser(t).Open(s.URL("/login")).LogIn("bob", "a wrong password"); !page.Is("/login") {
		t.Errorf("a wrong password: %s", page)
	}
}

// recordsAreThere asks the commands, while no server holds the store.
func (k *kept) recordsAreThere(t testing.TB, s *authtest.Server) {
	t.Helper()
	for command, want := range map[string][]string{
		"client list":          {"web", "post", "other", "spa", "native", "jwt", "jwt-ed", "machine", "no-refresh", "api", "other-api", "grantor-cli"},
		"client show web":      {"Web application", authtest.WebRedirect, "profile api:read api:write", authtest.OtherAPI},
		"client show native":   {"Native <b>app</b> & "},
		"client show jwt":      {"jwt"},
		"user list":            append(authtest.Persons(), "alice", "bob", "keeper"),
		"user show alice":      {"Alice Liddell", "alice@example.test"},
		"user show keeper":     {"keepers", "blocked"},
		"group list":           {"keepers"},
		"api list":             {"https://kept.example.test"},
		"audit --action group": {"group.created"},
		"audit --action user":  {"user.login", "user.created", "user.blocked"},
		"client show no-refresh": {
			"disabled",
		},
	} {
		out, err := s.Command(append(strings.Fields(command), "--json")...)
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		for _, one := range want {
			if !strings.Contains(out, one) {
				t.Errorf("%s does not tell of %s:\n%s", command, one, out)
			}
		}
	}
}

// tokensWork uses what was issued. It may be done once with each copy of the store.
func (k *kept) tokensWork(t testing.TB, s *authtest.Server) {
	t.Helper()
	for id, token := range k.Access {
		lives := time.Since(k.Made) < 23*time.Hour
		if active := s.App("api").Active(t, token); active != lives && id != "native" {
			t.Errorf("%s: the old access token is active: %t, want %t", id, active, lives)
		}
	}
	for id, token := range k.Refresh {
		if id == "spa" {
			continue
		}
		next := s.App(id).Refresh(t, token)
		if next.Wants(t, http.StatusOK, ""); id != "native" && !s.App("api").Active(t, next.Access()) { // native has no API
			t.Errorf("%s: the new access token is not active", id)
		}
	}
	s.App("other").Refresh(t, k.Revoked).Wants(t, http.StatusBadRequest, "invalid_grant")
	s.App("spa").Refresh(t, k.Used).Wants(t, http.StatusBadRequest, "invalid_grant")
	s.App("spa").Refresh(t, k.Refresh["spa"]).Wants(t, http.StatusBadRequest, "invalid_grant") // the family has ended
}
