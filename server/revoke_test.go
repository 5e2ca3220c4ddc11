package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestRevocationEndsTheWholeAuthorization(t *testing.T) {
	for _, client := range []string{"web", "post", "native", "jwt"} {
		for _, which := range []string{"access_token", "refresh_token"} {
			s := usual(t)
			tokens := s.tokens(client)
			a := s.call(client, "/oauth2/revoke", "token="+tokens.json(which))
			a.wantStatus(http.StatusOK)
			a.wantHeader("Content-Type", "application/json")
			a.wantNotCached()
			if a.Body.String() != "{}\n" {
				t.Errorf("body %q", a.Body)
			}
			s.call(client, "/oauth2/token", "grant_type=refresh_token", "refresh_token="+tokens.json("refresh_token")).
				wantError(http.StatusBadRequest, oauth.InvalidGrant)
			if s.active("api", tokens.json("access_token")) {
				t.Errorf("%s: the access token lives on after its %s was revoked", client, which)
			}
		}
	}
}

func TestMachineTokensCanBeRevoked(t *testing.T) {
	s := usual(t)
	for _, client := range []string{"web", "jwt"} {
		revoked, other := s.machine(client), s.machine(client)
		s.call(client, "/oauth2/revoke", "token="+revoked).wantStatus(http.StatusOK)
		if s.active(client, revoked) || !s.active(client, other) {
			t.Errorf("%s: revoked is active: %v, the other: %v", client, s.active(client, revoked), s.active(client, other))
		}
	}
}

func TestRevokingAUsedRefreshTokenEndsItsFamily(t *testing.T) {
	s := usual(t)
	first := s.tokens("web")
	second := s.call("web", "/oauth2/token", "grant_type=refresh_token", "refresh_token="+first.json("refresh_token"))
	s.call("web", "/oauth2/revoke", "token="+first.json("refresh_token")).wantStatus(http.StatusOK)
	if s.active("web", second.json("access_token")) || s.active("web", second.json("refresh_token")) {
		t.Error("the family lives on")
	}
}

func TestTokensThatAreNoneOfTheCallersChangeNothing(t *testing.T) {
	s := usual(t)
	tokens := s.tokens("web")
	for name, token := range map[string]string{
		"junk": "junk", "junk with dots": "a.b.c", "a long one": strings.Repeat("x", 20_000), "cut": tokens.json("access_token")[:20],
		"of another client": tokens.json("access_token"), "refresh token of another client": tokens.json("refresh_token"),
	} {
		for _, caller := range []string{"post", "native", "api"} {
			a := s.call(caller, "/oauth2/revoke", "token="+token)
			if a.Code != http.StatusOK || a.Body.String() != "{}\n" {
				t.Errorf("%s by %s: %d %s", name, caller, a.Code, a.Body)
			}
		}
	}
	if !s.active("web", tokens.json("access_token")) || !s.active("web", tokens.json("refresh_token")) {
		t.Error("another client ended the authorization")
	}
}

func TestRevokedTwiceIsStillFine(t *testing.T) {
	s := usual(t)
	token := s.tokens("web").json("refresh_token")
	s.call("web", "/oauth2/revoke", "token="+token).wantStatus(http.StatusOK)
	s.call("web", "/oauth2/revoke", "token="+token).wantStatus(http.StatusOK)
}

func TestTokenTypeHintIsOnlyAHint(t *testing.T) {
	s := usual(t)
	for _, hint := range []string{"access_token", "refresh_token", "", "saml2", "pepper"} {
		tokens := s.tokens("web")
		s.call("web", "/oauth2/revoke", "token="+tokens.json("access_token"), "token_type_hint="+hint).wantStatus(http.StatusOK)
		if s.active("web", tokens.json("access_token")) {
			t.Errorf("hint %q: the token lives on", hint)
		}
	}
}

func TestRevocationNeedsAClientAndAToken(t *testing.T) {
	s := usual(t)
	token := s.machine("web")
	s.send(s.request("POST", "/oauth2/revoke", "token="+token)).wantError(http.StatusUnauthorized, oauth.InvalidClient)
	r := s.request("POST", "/oauth2/revoke", "token="+token)
	r.SetBasicAuth("web", "wrong")
	refused := s.send(r)
	refused.wantError(http.StatusUnauthorized, oauth.InvalidClient)
	refused.wantHeader("WWW-Authenticate", `Basic realm="grantor", charset="UTF-8"`)
	for _, pairs := range [][]string{nil, {"token="}, {"token=a", "token=b"}} {
		s.call("web", "/oauth2/revoke", pairs...).wantError(http.StatusBadRequest, oauth.InvalidRequest)
	}
	if !s.active("web", token) {
		t.Error("a refused request revoked the token")
	}
}
