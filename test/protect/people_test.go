package protect_test

import (
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/redistest"
	"github.com/grantor-dev/grantor/protect"
	"github.com/grantor-dev/grantor/test/authtest"
)

func TestMain(m *testing.M) { os.Exit(authtest.Main(m)) }

// guardAt is the API of the seed, which asks one process of the program and hears it.
func guardAt(t *testing.T, s *authtest.Server, end func(*protect.Config)) guard {
	t.Helper()
	api, log := s.App("api"), new(authtest.Output)
	c := protect.Config{
		Issuer: s.Issuer, Audience: authtest.API, ClientID: api.ID, ClientSecret: api.Secret, Feed: protect.FeedRequired,
		WhenFeedAway: protect.Refuse, HTTPClient: &http.Client{Transport: s.Client().Transport}, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	end(&c)
	g, err := protect.New(t.Context(), c)
	ok(t, err)
	t.Cleanup(func() { ok(t, g.Close()) })
	return guard{g, log}
}

func (g guard) allows(t *testing.T, token string) bool {
	t.Helper()
	_, err := g.Check(t.Context(), token, "api:read")
	return err == nil
}

// TestWhatEndsForPeopleEndsAtTheirAPIs is the table "What ends what" of docs/architecture.md as two APIs see it, each at
// another process, for a JWT and for an opaque token that both have just been told is good. It is not run beside the
// tests that measure a second, because it builds the program.
func TestWhatEndsForPeopleEndsAtTheirAPIs(t *testing.T) {
	one := authtest.Start(t, authtest.Options{Store: redistest.Start(t), Args: []string{"--limit-exempt", "127.0.0.0/8"}})
	two := one.Node(t)
	usual := func(*protect.Config) {}
	guards := []guard{guardAt(t, one, usual), guardAt(t, two, usual)}
	withSession := guardAt(t, two, func(c *protect.Config) { c.EndWithSession = true })
	command := func(t *testing.T, args ...string) {
		t.Helper()
		if out, err := one.Command(args...); err != nil {
			t.Fatalf("grantor %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	for _, test := range []struct {
		name, person string
		act          func(t *testing.T, b *authtest.Browser, web, jwt *authtest.Answer)
	}{
		{"an application gives its tokens back", "carol", func(t *testing.T, _ *authtest.Browser, web, jwt *authtest.Answer) {
			one.App("web").Revoke(t, web.Access()).Wants(t, http.StatusOK, "")
			two.App("jwt").Revoke(t, jwt.Refresh()).Wants(t, http.StatusOK, "")
		}},
		{"an operator sets another password", "dora", func(t *testing.T, _ *authtest.Browser, _, _ *authtest.Answer) {
			command(t, "user", "set-password", "dora", "--generate")
		}},
		{"somebody is blocked", "erin", func(t *testing.T, _ *authtest.Browser, _, _ *authtest.Answer) {
			command(t, "user", "block", "erin")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := one.Browser(t)
			web, jwt := b.Tokens(one.App("web"), test.person), b.Tokens(one.App("jwt"), test.person)
			other := one.Browser(t).Tokens(one.App("jwt"), authtest.Bob)
			for i, g := range guards {
				if !g.allows(t, web.Access()) || !g.allows(t, jwt.Access()) {
					t.Fatalf("guard %d refuses a token before", i)
				}
			}
			test.act(t, b, web, jwt)
			began := time.Now()
			for _, g := range guards {
				eventually(t, "both tokens are refused", func() bool { return !g.allows(t, web.Access()) && !g.allows(t, jwt.Access()) })
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %s", took)
				}
				if !g.allows(t, other.Access()) {
					t.Error("the token of somebody else is refused")
				}
			}
		})
	}
	t.Run("somebody signs out", func(t *testing.T) {
		b := one.Browser(t)
		jwt := b.Tokens(one.App("jwt"), "frank")
		if !withSession.allows(t, jwt.Access()) {
			t.Fatal("refused before")
		}
		b.Open(one.URL("/logout")).Press("Sign out")
		eventually(t, "where tokens end with their session it is refused", func() bool { return !withSession.allows(t, jwt.Access()) })
		if !guards[1].allows(t, jwt.Access()) {
			t.Error("elsewhere it is refused, too")
		}
	})
}
