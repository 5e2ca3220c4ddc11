package oauth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestATokenIsExplained(t *testing.T) {
	w, n := newNode(t)
	n.register(resourceServer())
	c := n.register(webApp())
	_, err := n.RegisterAPI(t.Context(), oauth.APIRegistration{Identifier: api, Name: "Orders", ClientID: "api"})
	ok(t, err)
	u := n.user("alice")
	tokens := n.tokens(c, n.signIn(u))
	seen, err := n.Inspect(t.Context(), tokens.AccessToken)
	ok(t, err)
	if !seen.Active || seen.Kind != "opaque access token" || seen.Rule != (oauth.Rule{}) || !slices.Equal(seen.SeenBy, []string{"api", "web"}) ||
		!slices.Equal(seen.APIs, []oauth.TokenAPI{{Identifier: api, Name: "Orders"}, {Identifier: otherAPI}}) {
		t.Errorf("%+v", seen)
	}
	if seen, err := n.Inspect(t.Context(), tokens.RefreshToken); err != nil || seen.Kind != "refresh token" || !slices.Equal(seen.SeenBy, []string{"web"}) {
		t.Errorf("%+v, %v", seen, err)
	}
	for token, want := range map[string]string{
		"grac_x": "authorization code", "grcs_x": "client secret", "grpt_x": "personal access token", "a.b.c": "JWT", "": "nothing", "x": "nothing",
	} {
		seen, err := n.Inspect(t.Context(), token)
		if err != nil || seen.Active || !strings.HasPrefix(seen.Kind, want) || seen.Rule.Why == "" || seen.Rule.Source == "" || seen.Introspection == nil {
			t.Errorf("%q: %+v, %v", token, seen, err)
		}
	}
	w.move(11 * time.Minute)
	if seen, err := n.Inspect(t.Context(), tokens.AccessToken); err != nil || seen.Rule != (oauth.Rule{Why: "it has expired", Source: "RFC 7662 section 4"}) {
		t.Errorf("%+v, %v", seen, err)
	}
}

func TestTheEndOfATokenIsToldApart(t *testing.T) {
	for want, end := range map[string]func(*testing.T, *node, *account.User) error{
		"its user is blocked": func(t *testing.T, n *node, u *account.User) error {
			return n.people.SetBlocked(t.Context(), u.ID, account.Block)
		},
		"its user has a new password": func(t *testing.T, n *node, u *account.User) error {
			return n.people.SetPassword(t.Context(), u.ID, password+"!")
		},
		"its user took back": func(t *testing.T, n *node, u *account.User) error {
			return n.WithdrawApp(t.Context(), u.ID, "web")
		},
		"its client is disabled": func(t *testing.T, n *node, _ *account.User) error {
			return n.SetClientState(t.Context(), "web", oauth.Disabled)
		},
		"everything that its client had was revoked": func(t *testing.T, n *node, _ *account.User) error {
			return n.EndClientTokens(t.Context(), "web")
		},
	} {
		t.Run(want, func(t *testing.T) {
			w, n := newNode(t)
			u := n.user("alice")
			r := webApp()
			r.AccessTokenFormat = oauth.JWT
			tokens := n.tokens(n.register(r), n.signIn(u))
			w.move(time.Second)
			ok(t, end(t, n, u))
			seen, err := n.Inspect(t.Context(), tokens.AccessToken)
			ok(t, err)
			revoked := strings.HasPrefix(want, "its user took back") && seen.Rule.Why == "its authorization was revoked, or has expired"
			if seen.Active || !strings.HasPrefix(seen.Rule.Why, want) && !revoked {
				t.Errorf("told %q", seen.Rule.Why)
			}
		})
	}
}

func TestAnAdminIsToldWhetherAnAPIWouldAcceptAToken(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	tokens := n.tokens(c, n.signIn(n.user("alice")), "resource="+api, "scope=api:read")
	for _, x := range []struct {
		token, audience string
		scope           oauth.Scope
		want            oauth.Refusal
	}{
		{tokens.AccessToken, api, oauth.Scope{"api:read"}, oauth.Refusal{}},
		{tokens.AccessToken, api, oauth.Scope{"api:write"}, oauth.Refusal{Code: oauth.InsufficientScope, Rule: oauth.Rule{Why: "it lacks api:write", Source: "RFC 6750 section 3.1"}}},
		{tokens.AccessToken, otherAPI, nil, oauth.Refusal{Code: oauth.InvalidToken, Rule: oauth.Rule{Why: "it is meant for " + api + ", not for " + otherAPI, Source: "RFC 6750 section 5.2"}}},
		{tokens.RefreshToken, api, nil, oauth.Refusal{Code: oauth.InvalidToken, Rule: oauth.Rule{Why: "it is a refresh token, where an access token is needed", Source: "RFC 9700 section 2.3"}}},
	} {
		refusal, err := n.WouldAdmit(t.Context(), x.token, x.audience, x.scope)
		ok(t, err)
		if refusal == nil {
			refusal = &oauth.Refusal{}
		}
		if *refusal != x.want {
			t.Errorf("%s %v: %+v", x.audience, x.scope, *refusal)
		}
	}
	for _, audience := range []string{"", "api", issuer} {
		_, err := n.WouldAdmit(t.Context(), tokens.AccessToken, audience, nil)
		wantCode(t, err, oauth.InvalidRequest)
	}
}
