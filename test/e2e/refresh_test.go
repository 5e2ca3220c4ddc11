package e2e

import (
	"net/http"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Refresh tokens. The grace window is 10 s on the shared server; where a rule is about a strict window, the server has none.

func strict(t testing.TB) *authtest.Server {
	t.Helper()
	return sharedAs(t, "strict", authtest.Options{Args: []string{"--refresh-grace", "0", "--limit-exempt", "127.0.0.0/8"}})
}

func TestARefreshRotates(t *testing.T) {
	t.Parallel()
	s := strict(t)
	for _, id := range []string{"web", "post", "spa", "native", "jwt"} {
		app := s.App(id)
		first := s.Browser(t).Tokens(app, authtest.Alice)
		second := app.Refresh(t, first.Refresh())
		second.Wants(t, http.StatusOK, "")
		if second.Access() == first.Access() || second.Refresh() == first.Refresh() || second.Refresh() == "" {
			t.Errorf("%s: the tokens stay the same", id)
		}
		if second.Text("scope") != first.Text("scope") {
			t.Errorf("%s: scope %q became %q", id, first.Text("scope"), second.Text("scope"))
		}
	}
}

func TestAReplayedRefreshTokenEndsTheFamily(t *testing.T) {
	t.Parallel()
	s := strict(t)
	for _, id := range []string{"web", "jwt"} {
		app := s.App(id)
		first := s.Browser(t).Tokens(app, authtest.Alice)
		second := app.Refresh(t, first.Refresh())
		app.Refresh(t, first.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		app.Refresh(t, second.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		for _, token := range []string{first.Access(), second.Access(), second.Refresh()} {
			if app.Active(t, token) {
				t.Errorf("%s: a token of the family is active", id)
			}
		}
	}
}

func TestAllOlderGenerationsAreDead(t *testing.T) {
	t.Parallel()
	s := strict(t)
	app := s.App("spa")
	generations := []string{s.Browser(t).Tokens(app, authtest.Alice).Refresh()}
	for range 6 {
		next := app.Refresh(t, generations[len(generations)-1])
		next.Wants(t, http.StatusOK, "")
		generations = append(generations, next.Refresh())
	}
	for _, old := range generations { // the first of them ends the newest, too
		app.Refresh(t, old).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
}

func TestInGraceAUsedTokenGivesTheSameSuccessor(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "spa", "jwt"} {
		app := s.App(id)
		first := s.Browser(t).Tokens(app, authtest.Alice)
		second, again := app.Refresh(t, first.Refresh()), app.Refresh(t, first.Refresh())
		again.Wants(t, http.StatusOK, "")
		if again.Refresh() != second.Refresh() || again.Access() != second.Access() {
			t.Errorf("%s: the answers differ", id)
		}
		third := app.Refresh(t, again.Refresh())
		third.Wants(t, http.StatusOK, "")
		// Two generations back is a replay, grace or not.
		app.Refresh(t, first.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		app.Refresh(t, third.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
}

func TestParallelRefreshesMintOneSuccessor(t *testing.T) {
	t.Parallel()
	t.Run("with grace all get it", func(t *testing.T) {
		s := shared(t)
		app := s.App("web")
		token := s.Browser(t).Tokens(app, authtest.Alice).Refresh()
		answers := race(t, 60, func(int) (*authtest.Answer, error) {
			return app.Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", token))
		})
		successors := map[string]bool{}
		for _, a := range answers {
			a.Wants(t, http.StatusOK, "")
			successors[a.Refresh()] = true
		}
		if len(successors) != 1 {
			t.Errorf("there are %d successors", len(successors))
		}
		for successor := range successors {
			app.Refresh(t, successor).Wants(t, http.StatusOK, "")
		}
	})
	t.Run("strictly one gets it", func(t *testing.T) {
		s := strict(t)
		app := s.App("web")
		token := s.Browser(t).Tokens(app, authtest.Alice).Refresh()
		answers := race(t, 60, func(int) (*authtest.Answer, error) {
			return app.Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", token))
		})
		good, refused := count(answers, http.StatusOK, ""), count(answers, http.StatusBadRequest, "invalid_grant")
		if good != 1 || good+refused != len(answers) {
			t.Errorf("%d succeed, %d are refused", good, refused)
		}
	})
}

func TestARefreshTokenBelongsToItsClient(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	token := s.Browser(t).Tokens(web, authtest.Alice).Refresh()
	for _, thief := range []string{"other", "spa", "post"} {
		s.App(thief).Refresh(t, token).Wants(t, http.StatusBadRequest, "invalid_grant")
	}
	without := *web
	without.Method = authtest.Public
	without.Refresh(t, token).Wants(t, http.StatusUnauthorized, "invalid_client")
	wrong := *web
	wrong.Secret += "x"
	wrong.Refresh(t, token).Wants(t, http.StatusUnauthorized, "invalid_client")
	web.Refresh(t, token).Wants(t, http.StatusOK, "")
}

func TestARefreshCannotWidenTheScope(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	first := s.Browser(t).Tokens(web, authtest.Alice, "scope", "profile api:read")
	for _, wide := range []string{"profile api:read api:write", "api:write", "admin", "PROFILE"} {
		web.Refresh(t, first.Refresh(), "scope", wide).Wants(t, http.StatusBadRequest, "invalid_scope")
	}
	narrow := web.Refresh(t, first.Refresh(), "scope", "profile")
	if narrow.Text("scope") != "profile" {
		t.Fatalf("a narrower scope gives %s", narrow)
	}
	// The narrow one was for that access token; the authorization is as wide as it was (RFC 6749 section 6).
	if wide := web.Refresh(t, narrow.Refresh()); wide.Text("scope") != "profile api:read" {
		t.Errorf("then without a scope: %s", wide)
	}
	web.Refresh(t, narrow.Refresh(), "resource", "https://foreign.example.test").Wants(t, http.StatusBadRequest, "invalid_target")
}

func TestABentRefreshTokenEndsNothing(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	token := s.Browser(t).Tokens(web, authtest.Alice).Refresh()
	for name, near := range bent(token) {
		if answer := web.Refresh(t, near); answer.Status != http.StatusBadRequest || answer.Fault() != "invalid_grant" {
			t.Errorf("%s: %s", name, answer)
		}
	}
	web.Refresh(t, token).Wants(t, http.StatusOK, "")
}

func TestWhatIsRevokedWhileItIsRefreshedStaysDead(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	for range 10 {
		first := s.Browser(t).Tokens(web, authtest.Alice)
		answers := race(t, 8, func(i int) (*authtest.Answer, error) {
			if i == 0 {
				return web.Call(authtest.RevokePath, authtest.Form("token", first.Refresh()))
			}
			return web.Call(authtest.TokenPath, authtest.Form("grant_type", "refresh_token", "refresh_token", first.Refresh()))
		})
		answers[0].Wants(t, http.StatusOK, "")
		for _, a := range append(answers[1:], first) {
			if a.Access() == "" {
				continue
			}
			if web.Active(t, a.Access()) {
				t.Error("an access token outlives the revocation")
			}
			web.Refresh(t, a.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		}
	}
}

func TestRevokingAnyGenerationEndsTheFamily(t *testing.T) {
	t.Parallel()
	s := strict(t)
	web := s.App("web")
	first := s.Browser(t).Tokens(web, authtest.Alice)
	second := web.Refresh(t, first.Refresh())
	third := web.Refresh(t, second.Refresh())
	web.Revoke(t, first.Refresh()).Wants(t, http.StatusOK, "")
	web.Refresh(t, third.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
	if web.Active(t, third.Access()) {
		t.Error("the newest access token is active")
	}
}
