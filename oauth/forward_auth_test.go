package oauth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/oauth"
)

func TestAnAPIAdmitsTokensMeantForIt(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat, r.PersonalAccessTokens = format, true
		c := n.register(r)
		u := n.user("alice")
		v := n.signIn(u)
		tokens := n.tokens(c, v, "scope=profile api:read", "resource="+api)
		machine, err := n.machine(c)
		ok(t, err)
		_, personal, err := n.CreatePersonalToken(t.Context(), v.Session, oauth.NewPersonalToken{
			ClientID: "web", Name: "script", Scope: "api:read", Lifetime: 48 * time.Hour,
		})
		ok(t, err)
		for token, want := range map[string]oauth.Introspection{
			tokens.AccessToken:  {Subject: u.ID, Scope: oauth.Scope{"profile", "api:read"}},
			machine.AccessToken: {Subject: "web", Scope: oauth.Scope{"profile", "api:read", "api:write"}},
			personal:            {Subject: u.ID, Scope: oauth.Scope{"api:read"}},
		} {
			for _, scope := range []oauth.Scope{nil, {"api:read"}} {
				seen, err := n.Admit(t.Context(), token, api, scope)
				ok(t, err)
				if !seen.Active || seen.Subject != want.Subject || seen.ClientID != "web" || seen.Scope.String() != want.Scope.String() {
					t.Errorf("%s: %.5s… is seen as %+v", format, token, seen)
				}
			}
		}
	}
}

func TestAnAPIRefusesEveryOtherToken(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		r.ClientID, r.ClientName, r.Audience = "plain", "Plain", nil
		plain := n.register(r)
		v := n.signIn(n.user("alice"))
		good, forOther := n.tokens(c, v, "resource="+api, "scope=api:read"), n.tokens(c, v, "resource="+otherAPI)
		forUs := n.tokens(plain, v)
		code := n.authorize(c, v)
		for name, x := range map[string]struct {
			token, audience, scope string
			code                   oauth.Code
			why                    string
		}{
			"good":                 {good.AccessToken, api, "api:read", "", ""},
			"another API's":        {forOther.AccessToken, api, "", oauth.InvalidToken, "meant for " + otherAPI},
			"for the server":       {forUs.AccessToken, api, "", oauth.InvalidToken, "meant for " + issuer},
			"the server as an API": {forUs.AccessToken, issuer, "", oauth.InvalidRequest, ""},
			"a refresh token":      {good.RefreshToken, api, "", oauth.InvalidToken, "refresh token"},
			"a code":               {code, api, "", oauth.InvalidToken, ""},
			"nothing":              {"", api, "", oauth.InvalidToken, ""},
			"junk":                 {"junk", api, "", oauth.InvalidToken, "not an access token"},
			"cut":                  {good.AccessToken[:len(good.AccessToken)-1], api, "", oauth.InvalidToken, ""},
			"one scope short":      {good.AccessToken, api, "api:read api:write", oauth.InsufficientScope, "lacks api:write"},
			"a longer scope":       {good.AccessToken, api, "api:read-all", oauth.InsufficientScope, ""},
			"a shorter scope":      {good.AccessToken, api, "api", oauth.InsufficientScope, ""},
			"a scope in capitals":  {good.AccessToken, api, "API:READ", oauth.InsufficientScope, ""},
			"the API with a slash": {good.AccessToken, api + "/", "", oauth.InvalidToken, ""},
			"no API":               {good.AccessToken, "", "", oauth.InvalidRequest, "missing"},
			"no URI":               {good.AccessToken, "api", "", oauth.InvalidRequest, ""},
			"a fragment":           {good.AccessToken, api + "#x", "", oauth.InvalidRequest, ""},
		} {
			scope, _ := oauth.ParseScope(x.scope)
			seen, err := n.Admit(t.Context(), x.token, x.audience, scope)
			if x.code == "" {
				ok(t, err)
				continue
			}
			var refused *oauth.Error
			if !errors.As(err, &refused) || refused.Code != x.code || seen != nil || !strings.Contains(err.Error(), x.why) {
				t.Errorf("%s: %s: %v, not %s", format, name, err, x.code)
			}
		}
		w.move(11 * time.Minute)
		_, err := n.Admit(t.Context(), good.AccessToken, api, nil)
		wantCode(t, err, oauth.InvalidToken)
	}
}

func TestATokenThatEndsIsAdmittedNoMore(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		tokens := n.tokens(c, n.signIn(n.user("alice")))
		machine, err := n.machine(c)
		ok(t, err)
		for _, token := range []string{tokens.AccessToken, machine.AccessToken} {
			_, err := n.Admit(t.Context(), token, api, nil)
			ok(t, err)
			ok(t, n.Revoke(t.Context(), c, token))
			_, err = n.Admit(t.Context(), token, api, nil)
			wantCode(t, err, oauth.InvalidToken)
		}
	}
}
