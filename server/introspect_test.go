package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestIntrospectionTellsOfAnActiveToken(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "jwt"} {
		tokens := s.tokens(client, "scope=profile api:read", "resource="+api)
		for _, caller := range []string{client, "api"} {
			a := s.call(caller, "/oauth2/introspect", "token="+tokens.json("access_token"))
			a.wantStatus(http.StatusOK)
			a.wantHeader("Content-Type", "application/json")
			a.wantNotCached()
			now := s.now().Unix()
			for name, want := range map[string]string{
				"active": "true", "scope": "profile api:read", "client_id": client, "token_type": "Bearer", "token_use": "access_token",
				"sub": s.alice.ID, "aud": api, "iss": s.issuer, "iat": strconv.FormatInt(now, 10), "exp": strconv.FormatInt(now+600, 10),
				"auth_time": strconv.FormatInt(now, 10),
			} {
				if got := a.json(name); got != want {
					t.Errorf("%s seen by %s: %s is %q, want %q", client, caller, name, got, want)
				}
			}
		}
	}
}

func TestInactiveTokensTellNothing(t *testing.T) {
	s := usual(t)
	tokens := s.tokens("web", "resource="+otherAPI)
	b := s.browser()
	b.signIn()
	code := b.code("web")
	jwt := s.machine("jwt", "resource="+otherAPI)
	old := s.machine("web")
	for name, c := range map[string]struct{ caller, token string }{
		"junk":                             {"web", "junk"},
		"a code":                           {"web", code},
		"another client's":                 {"post", tokens.json("access_token")},
		"another client's refresh token":   {"post", tokens.json("refresh_token")},
		"a refresh token at an API":        {"api", tokens.json("refresh_token")},
		"a token for another API":          {"api", tokens.json("access_token")},
		"a JWT for another API":            {"api", jwt},
		"a JWT of another client":          {"web", jwt},
		"cut":                              {"web", tokens.json("access_token")[:len(tokens.json("access_token"))-1]},
		"longer":                           {"web", tokens.json("access_token") + "a"},
		"a JWT without a signature":        {"jwt", jwt[:strings.LastIndex(jwt, ".")+1]},
		"a JWT with another one's":         {"jwt", jwt[:strings.LastIndex(jwt, ".")] + s.machine("jwt")[strings.LastIndex(jwt, "."):]},
		"a JWT that says none":             {"jwt", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + strings.Split(jwt, ".")[1] + "."},
		"a refresh token as an access one": {"web", strings.Replace(tokens.json("refresh_token"), "grrt_", "grat_", 1)},
	} {
		a := s.call(c.caller, "/oauth2/introspect", "token="+c.token)
		if a.Code != http.StatusOK || a.Body.String() != `{"active":false}`+"\n" {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
		a.wantNotCached()
	}
	s.move(10*time.Minute - time.Second)
	if !s.active("web", old) {
		t.Error("a second before its end the token is not active")
	}
	s.move(time.Second)
	if s.active("web", old) || s.active("jwt", jwt) {
		t.Error("at its end the token is active")
	}
}

func TestRefreshTokenIsSeenByItsClientAsOne(t *testing.T) {
	s := usual(t)
	tokens := s.tokens("web")
	a := s.call("web", "/oauth2/introspect", "token="+tokens.json("refresh_token"), "token_type_hint=access_token")
	if a.json("active") != "true" || a.json("token_use") != "refresh_token" || a.json("token_type") != "" {
		t.Errorf("answer %s", a.Body)
	}
}

func TestIntrospectionNeedsAnAuthenticatedClient(t *testing.T) {
	s := usual(t)
	token := s.machine("web")
	s.send(s.request("POST", "/oauth2/introspect", "token="+token)).wantError(http.StatusUnauthorized, oauth.InvalidClient)
	s.call("native", "/oauth2/introspect", "token="+token).wantError(http.StatusUnauthorized, oauth.InvalidClient)
	r := s.request("POST", "/oauth2/introspect", "token="+token)
	r.Header.Set("Authorization", "Bearer "+token) // a token is no proof of who introspects
	refused := s.send(r)
	refused.wantError(http.StatusUnauthorized, oauth.InvalidClient)
	refused.wantHeader("WWW-Authenticate", `Basic realm="grantor", charset="UTF-8"`)
	for _, pairs := range [][]string{nil, {"token="}, {"token=a", "token=b"}} {
		s.call("web", "/oauth2/introspect", pairs...).wantError(http.StatusBadRequest, oauth.InvalidRequest)
	}
}

func TestTokensOfABlockedUserAreNotActive(t *testing.T) {
	s := usual(t)
	opaque, jwt := s.tokens("web"), s.tokens("jwt")
	ok(t, s.people.SetBlocked(t.Context(), s.alice.ID, account.Block))
	if s.active("web", opaque.json("access_token")) || s.active("web", opaque.json("refresh_token")) || s.active("jwt", jwt.json("access_token")) {
		t.Error("tokens of a blocked user are active")
	}
	s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+opaque.json("refresh_token")).
		wantError(http.StatusBadRequest, oauth.InvalidGrant)
}
