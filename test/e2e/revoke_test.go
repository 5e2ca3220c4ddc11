package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/test/authtest"
)

// Introspection and revocation.

func TestIntrospectionNeedsAConfidentialClient(t *testing.T) {
	t.Parallel()
	s := shared(t)
	token := s.Browser(t).Tokens(s.App("web"), authtest.Alice).Access()
	form := authtest.Form("token", token)
	anonymous := s.Do(t, authtest.NewRequest(t, http.MethodPost, s.URL(authtest.IntrospectPath), form))
	anonymous.Wants(t, http.StatusUnauthorized, "invalid_client")
	if anonymous.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 without a challenge")
	}
	s.App("spa").Post(t, authtest.IntrospectPath, form).Wants(t, http.StatusUnauthorized, "invalid_client")
	wrong := s.App("api")
	wrong.Secret = "wrong-secret"
	wrong.Post(t, authtest.IntrospectPath, form).Wants(t, http.StatusUnauthorized, "invalid_client")
	bearer := authtest.NewRequest(t, http.MethodPost, s.URL(authtest.IntrospectPath), form)
	bearer.Header.Set("Authorization", "Bearer "+token)
	s.Do(t, bearer).Wants(t, http.StatusUnauthorized, "invalid_client")
}

func TestAGoodTokenIsDescribed(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt"} {
		token := s.Browser(t).Tokens(s.App(id), authtest.Alice, "resource", authtest.API, "scope", "profile").Access()
		for _, asker := range []string{id, "api"} {
			seen := s.App(asker).Introspect(t, token)
			if !seen.Active() || seen.Text("client_id") != id || seen.Text("scope") != "profile" || seen.Text("token_type") != "Bearer" ||
				seen.Text("iss") != s.Issuer || seen.Text("aud") != authtest.API || !strings.HasPrefix(seen.Text("sub"), "usr_") {
				t.Errorf("%s tells %s: %s", id, asker, seen)
			}
			exp, _ := seen.JSON["exp"].(float64) // 0 is wrong as well
			iat, _ := seen.JSON["iat"].(float64)
			if exp-iat < 60 || exp-iat > 3600 {
				t.Errorf("%s lives %v s", id, exp-iat)
			}
		}
	}
}

func TestOnlyThoseATokenIsForSeeIt(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt"} {
		token := s.Browser(t).Tokens(s.App(id), authtest.Alice, "resource", authtest.API).Access()
		for _, asker := range []string{"other", "post", "other-api", "machine"} {
			if seen := s.App(asker).Introspect(t, token); seen.Active() || len(seen.JSON) != 1 {
				t.Errorf("%s sees the token of %s: %s", asker, id, seen)
			}
		}
	}
}

func TestRefreshTokensAndCodesAreNoAccessTokens(t *testing.T) {
	t.Parallel()
	s := shared(t)
	asked := s.App("web").Ask()
	code := s.Browser(t).Grant(asked, authtest.Alice)
	tokens := asked.Redeem(t, code)
	for _, hint := range []string{"", "refresh_token", "access_token", "authorization_code", "nonsense"} {
		for name, token := range map[string]string{"refresh token": tokens.Refresh(), "code": code} {
			seen := s.App("api").Post(t, authtest.IntrospectPath, authtest.Form("token", token, "token_type_hint", hint))
			if seen.Status != http.StatusOK || seen.Active() {
				t.Errorf("%s with hint %q: %s", name, hint, seen)
			}
		}
		if seen := s.App("api").Post(t, authtest.IntrospectPath, authtest.Form("token", tokens.Access(), "token_type_hint", hint)); !seen.Active() {
			t.Errorf("access token with hint %q: %s", hint, seen)
		}
	}
	own := s.App("web").Introspect(t, tokens.Refresh())
	if own.Active() && (own.Text("token_type") == "Bearer" || own.Text("token_use") != "refresh_token") {
		t.Errorf("its own client cannot tell it from an access token: %s", own)
	}
}

func TestIntrospectionAnswersAreNotCached(t *testing.T) {
	t.Parallel()
	s := shared(t)
	token := s.App("machine").Machine(t).Access()
	api := s.App("api")
	if seen := api.Introspect(t, token); seen.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(seen.Header.Get("Content-Type"), "application/json") {
		t.Errorf("headers %v", seen.Header)
	}
	for _, path := range []string{authtest.IntrospectPath, authtest.RevokePath} {
		api.Post(t, path, authtest.Form("token", token, "token", token)).Wants(t, http.StatusBadRequest, "invalid_request")
		api.Post(t, path, authtest.Form()).Wants(t, http.StatusBadRequest, "invalid_request")
		api.Post(t, path, authtest.Form("token", "")).Wants(t, http.StatusBadRequest, "invalid_request")
		api.Post(t, path+"?"+authtest.Form("token", token).Encode(), authtest.Form()).Wants(t, http.StatusBadRequest, "invalid_request")
		if answer := s.Do(t, authtest.NewRequest(t, http.MethodGet, s.URL(path)+"?token="+token, nil)); answer.Status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %s", path, answer)
		}
	}
}

func TestARevokedAccessTokenIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt", "spa"} {
		app := s.App(id)
		tokens := s.Browser(t).Tokens(app, authtest.Alice)
		answer := app.Revoke(t, tokens.Access())
		if answer.Status != http.StatusOK || strings.TrimSpace(answer.Body) != "{}" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", id, answer)
		}
		if s.App("api").Active(t, tokens.Access()) {
			t.Errorf("%s: the token is active", id)
		}
		app.Revoke(t, tokens.Access()).Wants(t, http.StatusOK, "")
	}
	for _, id := range []string{"web", "jwt", "jwt-ed", "machine"} {
		token := s.App(id).Machine(t).Access()
		if !s.App("api").Active(t, token) {
			t.Fatalf("%s: a fresh token is not active", id)
		}
		s.App(id).Revoke(t, token).Wants(t, http.StatusOK, "")
		if s.App("api").Active(t, token) || s.App(id).Active(t, token) {
			t.Errorf("%s: its own token is active after its revocation", id)
		}
	}
}

func TestARevokedRefreshTokenTakesTheAccessTokensAlong(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt"} {
		for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
			app := s.App(id)
			tokens := s.Browser(t).Tokens(app, authtest.Alice)
			app.Post(t, authtest.RevokePath, authtest.Form("token", tokens.Refresh(), "token_type_hint", hint)).Wants(t, http.StatusOK, "")
			if s.App("api").Active(t, tokens.Access()) {
				t.Errorf("%s, hint %q: the access token is active", id, hint)
			}
			app.Refresh(t, tokens.Refresh()).Wants(t, http.StatusBadRequest, "invalid_grant")
		}
	}
}

func TestUnknownTokensAreRevokedWithoutComplaint(t *testing.T) {
	t.Parallel()
	s := shared(t)
	web := s.App("web")
	good := s.Browser(t).Tokens(web, authtest.Alice)
	near := bent(good.Access())
	for name, token := range map[string]string{
		"nonsense": "nonsense", "JWT": "a.b.c", "dots": "..", "long": strings.Repeat("x", 30000), "prefix": "grat_", "unicode": "tökén",
		"JWT of another": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.AAAA",
	} {
		near[name] = token
	}
	for name, token := range near {
		if answer := web.Revoke(t, token); answer.Status != http.StatusOK {
			t.Errorf("revoke %s: %s", name, answer)
		}
		if seen := web.Introspect(t, token); seen.Active() || len(seen.JSON) != 1 {
			t.Errorf("%s is %s", name, seen)
		}
	}
	if !web.Active(t, good.Access()) {
		t.Error("the good token has suffered")
	}
}

func TestAClientCannotRevokeTheTokensOfAnother(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, id := range []string{"web", "jwt"} {
		tokens := s.Browser(t).Tokens(s.App(id), authtest.Alice)
		machine := s.App(id).Machine(t).Access()
		for _, thief := range []string{"other", "post", "spa", "api"} {
			for _, token := range []string{tokens.Access(), tokens.Refresh(), machine} {
				s.App(thief).Revoke(t, token)
			}
		}
		without := *s.App(id)
		without.Method = authtest.Public
		without.Revoke(t, tokens.Access()).Wants(t, http.StatusUnauthorized, "invalid_client")
		for name, token := range map[string]string{"access": tokens.Access(), "machine": machine} {
			if !s.App(id).Active(t, token) {
				t.Errorf("%s: the %s token was revoked", id, name)
			}
		}
		s.App(id).Refresh(t, tokens.Refresh()).Wants(t, http.StatusOK, "")
	}
}
