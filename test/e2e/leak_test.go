package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/test/authtest"
)

// What stands in logs and stores. Every server of these tests is searched for every secret that it has seen when it stops;
// the tests of this file make sure that there is something to find, and search the stores as well.

// useEverything lets people and applications do all that leaves a trace.
func useEverything(t testing.TB, s *authtest.Server) {
	t.Helper()
	for _, id := range []string{"web", "post", "spa", "jwt", "native"} {
		b := s.Browser(t)
		asked := s.App(id).Ask()
		code := b.Grant(asked, authtest.Alice)
		tokens := asked.Redeem(t, code)
		tokens.Wants(t, http.StatusOK, "")
		next := s.App(id).Refresh(t, tokens.Refresh())
		s.App(id).Refresh(t, tokens.Refresh()) // in grace
		s.App("api").Introspect(t, next.Access())
		b.Grant(s.App(id).Ask(), authtest.Alice) // left unused
		b.Open(s.App(id).Ask("prompt", "login").URL())
	}
	for _, id := range []string{"web", "post", "machine", "jwt", "jwt-ed"} {
		s.App(id).Machine(t)
		wrong := s.App(id)
		wrong.Secret = "a wrong secret " + authtest.Random()
		s.Keep(wrong.Secret)
		wrong.Token(t, "grant_type", "client_credentials")
	}
	b := s.Browser(t)
	b.Open(s.URL("/login")).LogIn("wendy", "a wrong password "+authtest.Random())
	b.Open(s.URL("/login?next=/admin")).LogIn("wendy", mistyped)
	s.Get(t, "/login?password="+mistyped+"&token="+mistyped)
	s.Get(t, "/oauth2/authorize?client_secret="+mistyped+"&state="+mistyped)
	s.App("web").Token(t, "grant_type", "refresh_token", "refresh_token", mistyped)
	s.App("web").Revoke(t, mistyped)
	if s.SecretCount() < 60 {
		t.Fatalf("only %d secrets were seen", s.SecretCount())
	}
}

// mistyped is something that only a person and the server know.
const mistyped = "correct-horse-with-a-typo"

func TestNoUsableSecretIsAtRest(t *testing.T) {
	t.Parallel()
	t.Run("in the embedded store", func(t *testing.T) {
		t.Parallel()
		s := authtest.Start(t, authtest.Options{Store: authtest.Bolt, Args: []string{"--trace-ratio", "1"}})
		s.Keep(mistyped)
		useEverything(t, s)
		for path, content := range filesBelow(t, s.Dir) {
			if strings.HasSuffix(path, "seed.yaml") {
				continue
			}
			if found := s.SecretsIn(content); len(found) > 0 {
				t.Errorf("%s holds %d secrets, such as %q", path, len(found), found[0])
			}
			if strings.Contains(content, "PRIVATE KEY") {
				t.Errorf("%s holds a private key", path)
			}
		}
	})
	t.Run("in Redis", func(t *testing.T) {
		t.Parallel()
		redis := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
		s := authtest.Start(t, authtest.Options{Store: redis.URL(), Args: []string{"--trace-ratio", "1"}})
		s.Keep(mistyped)
		useEverything(t, s)
		if found := s.SecretsIn(contentOf(t, redis)); len(found) > 0 {
			t.Errorf("Redis holds %d secrets, such as %q", len(found), found[0])
		}
		wantLifetimes(t, redis)
	})
}

// contentOf gives every key and value.
func contentOf(t testing.TB, redis *redistest.Server) string {
	t.Helper()
	var b strings.Builder
	for key := range strings.SplitSeq(redis.Must("KEYS", "*"), "\n") {
		b.WriteString(key + "\n")
		for _, command := range [][]string{{"GET", key}, {"SMEMBERS", key}, {"ZRANGE", key, "0", "-1"}, {"HGETALL", key}} {
			if value, err := redis.Do(command...); err == nil {
				b.WriteString(value + "\n")
			}
		}
	}
	return b.String()
}

// wantLifetimes fails the test for keys that never go away although what they hold does.
func wantLifetimes(t testing.TB, redis *redistest.Server) {
	t.Helper()
	staying := []string{"client", "client_name", "user", "user_name", "user_email", "keyring", "epoch", "super_admin", "setup", "audit"}
	kinds := map[string]int{}
	for key := range strings.SplitSeq(redis.Must("KEYS", "*"), "\n") {
		kind := kindOf(key)
		kinds[kind]++
		stays := false
		for _, name := range staying {
			stays = stays || kind == name
		}
		if lives := redis.Must("TTL", key); lives == "-1" && !stays {
			t.Errorf("%s never goes away", key)
		}
	}
	t.Logf("kinds of keys: %v", kinds)
	for _, kind := range []string{"authorization", "session", "interaction"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no key of %s: the names have changed", kind)
		}
	}
}

// kindOf reads the kind from grantor:r:KIND:ID, grantor:r:{KIND}:ID and the like.
func kindOf(key string) string {
	parts := strings.SplitN(key, ":", 4)
	if len(parts) < 3 {
		return key
	}
	kind, _, _ := strings.Cut(strings.Trim(parts[2], "{}"), "/")
	return strings.Trim(kind, "{}")
}

func TestLogLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	s := shared(t)
	const marker = `{"level":"INFO","msg":"forged"}`
	for _, text := range []string{"\n" + marker, "\r\n" + marker, "\u2028" + marker, "\x1b[2K" + marker, "%0a" + marker, "\x00" + marker} {
		s.App("web").Ask("client_id", text)
		s.Browser(t).Open(s.App("web").Ask("client_id", text, "state", text).URL())
		app := s.App("web")
		app.ID = text
		app.Token(t, "grant_type", text)
		s.Browser(t).Open(s.URL("/login")).LogIn(text, "a wrong password")
		request := authtest.NewRequest(t, http.MethodGet, s.URL("/x"), nil)
		request.URL.Path = "/" + text
		request.Header.Set("User-Agent", strings.NewReplacer("\n", "", "\r", "", "\x00", "", "\x1b", "").Replace(text))
		request.Header.Set("X-Request-Id", "forged-id")
		request.Header.Set("X-Forwarded-For", "forged-address")
		s.Do(t, request)
	}
	for line := range strings.SplitSeq(s.Log(), "\n") {
		if strings.HasPrefix(line, marker) || strings.ContainsAny(line, "\x1b\r\x00") || strings.Contains(line, "forged-id") || strings.Contains(line, "forged-address") {
			t.Errorf("forged: %q", line)
		}
	}
}

func TestEveryRequestIsLoggedOnceWithItsID(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, path := range []string{"/healthz", "/nothing", "/login", authtest.AuthorizePath} {
		answer := s.Get(t, path)
		id := answer.Header.Get("X-Request-Id")
		line := func() (found string) { // of the log of all tests, which is long
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, `"`+id+`"`) {
					found += line
				}
			}
			return found
		}
		eventually(t, 5*time.Second, "the request is logged", func() bool { return strings.HasSuffix(line(), "\n") }) // it comes through a pipe
		var event map[string]any
		if err := json.Unmarshal([]byte(line()), &event); err != nil || len(id) < 16 {
			t.Errorf("request %q is logged as %q", id, line())
		}
		if event["path"] != path || event["status"] != float64(answer.Status) || event["method"] != "GET" || event["address"] != "127.0.0.1" {
			t.Errorf("it is logged as %v", event)
		}
	}
}
