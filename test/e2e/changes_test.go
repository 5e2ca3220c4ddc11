package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// What an operator changes counts on every node within a second.

func command(t testing.TB, s *authtest.Server, args ...string) string {
	t.Helper()
	out, err := s.Command(args...)
	if err != nil {
		t.Fatalf("grantor %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestChangesCountOnEveryNode(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	nodes := []*authtest.Server{one, two}
	t.Run("a new password ends sessions and tokens", func(t *testing.T) {
		b := one.Browser(t)
		tokens, jwt := b.Tokens(one.App("web"), "laura"), b.Tokens(one.App("jwt"), "laura")
		command(t, one, "user", "set-password", "laura", "--generate")
		for _, node := range nodes {
			eventually(t, withinASecond, "the tokens die", func() bool {
				return !node.App("web").Active(t, tokens.Access()) && !node.App("api").Active(t, jwt.Access())
			})
			eventually(t, withinASecond, "the session ends", func() bool { return b.At(node).Open(node.App("web").Ask().URL()).Is("/login") })
			node.App("web").Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
			if page := try(t, node, "laura", authtest.PasswordOf("laura")); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("the old password: %s", page)
			}
		}
	})
	t.Run("an old client secret is refused though it was remembered", func(t *testing.T) {
		for _, node := range nodes {
			node.App("machine").Machine(t) // verified and remembered
		}
		found := regexp.MustCompile(`grcs_\S+`).FindString(command(t, one, "client", "rotate-secret", "machine"))
		if found == "" {
			t.Fatal("there is no new secret")
		}
		one.Keep(found)
		for _, node := range nodes {
			eventually(t, withinASecond, "the old secret is refused", func() bool {
				return node.App("machine").Token(t, "grant_type", "client_credentials").Status == http.StatusUnauthorized
			})
			fresh := node.App("machine")
			fresh.Secret = found
			fresh.Machine(t)
		}
	})
	t.Run("a disabled client is out until it is enabled", func(t *testing.T) {
		token := one.App("jwt").Machine(t).Access()
		user := one.Browser(t).Tokens(one.App("jwt"), authtest.Bob)
		command(t, one, "client", "disable", "jwt")
		for _, node := range nodes {
			eventually(t, withinASecond, "it is refused", func() bool {
				return node.App("jwt").Token(t, "grant_type", "client_credentials").Status == http.StatusUnauthorized
			})
			if node.App("api").Active(t, token) || node.App("api").Active(t, user.Access()) {
				t.Error("its tokens are active")
			}
			wantPage(t, node.Browser(t).Open(node.App("jwt").Ask().URL()))
		}
		command(t, one, "client", "enable", "jwt")
		eventually(t, withinASecond, "it is let in again", func() bool {
			return two.App("jwt").Token(t, "grant_type", "client_credentials").Status == http.StatusOK
		})
	})
	t.Run("a scope that is taken away is gone from refreshed tokens", func(t *testing.T) {
		web := one.App("web")
		tokens := one.Browser(t).Tokens(web, authtest.Bob, "scope", "profile api:read api:write")
		command(t, one, "client", "edit", "web", "--scope", "profile api:read", "--default-scope", "profile")
		for _, node := range nodes {
			eventually(t, withinASecond, "the scope is refused", func() bool {
				return web.On(node).Token(t, "grant_type", "client_credentials", "scope", "api:write").Fault() == "invalid_scope"
			})
		}
		next := web.On(two).Refresh(t, tokens.Refresh())
		if next.Status != http.StatusOK || next.Text("scope") != "profile api:read" {
			t.Errorf("refreshed: %s", next)
		}
	})
	t.Run("a redirect URI that is taken away is refused, also by requests that wait", func(t *testing.T) {
		b := one.Browser(t)
		waiting := b.Open(one.App("post").Ask().URL())
		command(t, one, "client", "edit", "post", "--redirect-uri", "https://post.example.test/elsewhere")
		for _, node := range nodes {
			eventually(t, withinASecond, "it is refused", func() bool {
				return node.Browser(t).Open(node.App("post").Ask().URL()).Status == http.StatusBadRequest
			})
		}
		if page := waiting.LogIn(authtest.Bob, authtest.PasswordOf(authtest.Bob)); page.Left() || page.Status != http.StatusBadRequest {
			t.Errorf("the request that waited leads to %s", page)
		}
	})
	t.Run("tokens of a client are revoked at once", func(t *testing.T) {
		tokens := one.Browser(t).Tokens(one.App("spa"), authtest.Bob)
		command(t, one, "token", "revoke", "--client", "spa")
		for _, node := range nodes {
			eventually(t, withinASecond, "they die", func() bool { return !node.App("api").Active(t, tokens.Access()) })
			node.App("spa").Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		}
	})
	t.Run("a client that is registered again begins anew", func(t *testing.T) {
		other := one.App("other")
		tokens, machine := one.Browser(t).Tokens(other, "erin", "scope", "other:all"), other.Machine(t).Access()
		asked := other.Ask("scope", "other:all")
		b := one.Browser(t)
		code := b.Grant(asked, "erin")
		command(t, one, "client", "delete", "other", "--yes")
		created := command(t, one, "client", "create", "--client-id", "other", "--redirect-uri", other.Redirect, "--scope", "other:all profile",
			"--grant-type", "authorization_code", "--grant-type", "refresh_token", "--grant-type", "client_credentials")
		again := *other
		again.Secret = regexp.MustCompile(`grcs_\S+`).FindString(created)
		one.Keep(again.Secret)
		for _, node := range nodes {
			fresh := again.On(node)
			eventually(t, withinASecond, "the new secret counts", func() bool {
				return fresh.Token(t, "grant_type", "client_credentials").Status == http.StatusOK
			})
			if fresh.Active(t, tokens.Access()) || fresh.Active(t, machine) {
				t.Error("a token of the client before lives again")
			}
			fresh.Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
			fresh.Post(t, authtest.TokenPath, asked.Redemption(code)).Wants(t, http.StatusBadRequest, "invalid_grant")
			if page := b.At(node).Open(fresh.Ask("scope", "other:all").URL()); !page.Is("/consent") {
				t.Errorf("what the client before was allowed counts: %s", page)
			}
		}
	})
}
