package oauth_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestIntrospectionTellsWhatATokenIsWorth(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		u := n.user("alice")
		login := w.now()
		v := n.signIn(u)
		w.move(time.Minute)
		tokens := n.tokens(c, v, "scope=profile api:read", "resource="+api)
		seen := n.look(c, tokens.AccessToken)
		want := oauth.Introspection{
			Active: true, Scope: oauth.Scope{"profile", "api:read"}, ClientID: "web", Subject: u.ID, Audience: []string{api}, Issued: w.now(),
			Expires: w.now().Add(10 * time.Minute), ID: seen.ID, Generation: seen.Generation, Use: oauth.AccessTokenUse, Authenticated: login,
		}
		if !seen.Issued.Equal(want.Issued) || !seen.Expires.Equal(want.Expires) || !seen.Authenticated.Equal(login) || seen.ID == "" || len(seen.Generation) != 11 {
			t.Errorf("%s: seen %+v, want %+v", format, seen, want)
		}
		seen.Issued, seen.Expires, seen.Authenticated = want.Issued, want.Expires, want.Authenticated
		if !reflect.DeepEqual(*seen, want) {
			t.Errorf("%s: seen %+v, want %+v", format, *seen, want)
		}
		machine, err := n.machine(c)
		ok(t, err)
		if seen := n.look(c, machine.AccessToken); seen.Subject != "web" || seen.Scope.String() != webScope || !seen.Authenticated.IsZero() {
			t.Errorf("%s: a machine's is seen as %+v", format, seen)
		}
		if seen := n.look(c, tokens.RefreshToken); seen.Use != oauth.RefreshTokenUse || seen.Scope.String() != "profile api:read" {
			t.Errorf("%s: a refresh token is seen as %+v", format, seen)
		}
	}
}

// TestWhoSeesWhichToken is the table of issuers, tokens and onlookers.
func TestWhoSeesWhichToken(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := webApp()
		r.AccessTokenFormat = format
		owner := n.register(r)
		r.ClientID, r.ClientName = "other", "Other"
		other := n.register(r)
		rs := n.register(resourceServer())
		elsewhere := resourceServer()
		elsewhere.ClientID, elsewhere.ClientName, elsewhere.Audience = "elsewhere", "Elsewhere", []string{"https://elsewhere.example.com"}
		wrong := n.register(elsewhere)
		v := n.signIn(n.user("alice"))
		forAPI, forOther := n.tokens(owner, v, "resource="+api), n.tokens(owner, v, "resource="+otherAPI)
		machine, err := n.machine(owner)
		ok(t, err)
		code := n.authorize(owner, v)
		own, err := n.machine(rs)
		ok(t, err)
		for name, x := range map[string]struct {
			token string
			sees  []*oauth.Client
		}{
			"access for the API":     {forAPI.AccessToken, []*oauth.Client{owner, rs}},
			"access for another API": {forOther.AccessToken, []*oauth.Client{owner}},
			"access of a machine":    {machine.AccessToken, []*oauth.Client{owner, rs}},
			"the API's own":          {own.AccessToken, []*oauth.Client{rs}},
			"refresh":                {forAPI.RefreshToken, []*oauth.Client{owner}},
			"code":                   {code, nil},
			"nothing":                {"", nil},
			"garbage":                {"garbage", nil},
			"empty access":           {"grat_", nil},
			"access cut off":         {forAPI.AccessToken[:len(forAPI.AccessToken)-1], nil},
			"access made longer":     {forAPI.AccessToken + "A", nil},
			"refresh as access":      {"grat_" + forAPI.RefreshToken[5:], nil},
			"code as access":         {"grat_" + code[5:], nil},
			"client secret":          {oauth.GenerateSecret(), nil},
			"dots":                   {"..", nil},
			"many dots":              {strings.Repeat(".", 1000), nil},
			"huge":                   {strings.Repeat("a", 1<<20) + ".a.a", nil},
			"broken":                 {"\xff\x00.\xfe.", nil},
		} {
			for _, caller := range []*oauth.Client{owner, other, rs, wrong} {
				want := slices.Contains(x.sees, caller)
				seen := n.look(caller, x.token)
				if seen.Active != want {
					t.Errorf("%s: %s of %s: active %v", format, caller.ClientID, name, seen.Active)
				}
				if !seen.Active && !reflect.DeepEqual(*seen, oauth.Introspection{}) {
					t.Errorf("%s: %s of %s: told %+v", format, caller.ClientID, name, seen)
				}
			}
		}
	}
}

func TestAPublicClientDoesNotIntrospect(t *testing.T) {
	_, n := newNode(t)
	native := n.register(nativeApp())
	tokens := n.tokens(native, n.signIn(n.user("alice")))
	_, err := n.Introspect(t.Context(), native, tokens.AccessToken)
	wantCode(t, err, oauth.InvalidClient)
}

func TestAccessTokensExpireToTheMillisecond(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	r.AccessTokenLifetime = oauth.Duration(5 * time.Minute)
	c := n.register(r)
	w.store.Now = func() time.Time { return time.Time{} } // the rule decides, not the store's expiry
	user, err := n.redeem(c, n.authorize(c, n.signIn(n.user("alice"))))
	ok(t, err)
	machine, err := n.machine(c)
	ok(t, err)
	w.move(5*time.Minute - time.Millisecond)
	n.wantActive(c, true, user.AccessToken, machine.AccessToken)
	w.move(time.Millisecond)
	n.wantActive(c, false, user.AccessToken, machine.AccessToken)
	n.wantActive(c, true, user.RefreshToken)
	w.move(-time.Second)
	r.AccessTokenFormat = oauth.JWT
	c = n.update(r)
	w.move(500 * time.Millisecond)
	jwt, err := n.machine(c)
	ok(t, err)
	until := n.look(c, jwt.AccessToken).Expires
	if until.After(jwt.Expires) {
		t.Errorf("a JWT lives until %v, announced until %v", until, jwt.Expires)
	}
	w.move(until.Sub(w.now()) - time.Millisecond)
	n.wantActive(c, true, jwt.AccessToken)
	w.move(time.Millisecond)
	n.wantActive(c, false, jwt.AccessToken)
}

func TestATokenDiesWithWhoItIsOf(t *testing.T) {
	for name, end := range map[string]struct {
		act     func(*testing.T, *node, *account.User) error
		machine bool // whether the client's own token lives on
	}{
		"user blocked": {func(t *testing.T, n *node, u *account.User) error {
			return n.people.SetBlocked(t.Context(), u.ID, account.Block)
		}, true},
		"user deleted": {func(t *testing.T, n *node, u *account.User) error { return n.people.DeleteUser(t.Context(), u.ID) }, true},
		"new password": {func(t *testing.T, n *node, u *account.User) error {
			return n.people.SetPassword(t.Context(), u.ID, password+"!")
		}, true},
		"client disabled": {func(t *testing.T, n *node, _ *account.User) error {
			return n.SetClientState(t.Context(), "web", oauth.Disabled)
		}, false},
		"client ended":   {func(t *testing.T, n *node, _ *account.User) error { return n.EndClientTokens(t.Context(), "web") }, false},
		"client deleted": {func(t *testing.T, n *node, _ *account.User) error { return n.DeleteClient(t.Context(), "web") }, false},
	} {
		for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				w, n := newNode(t)
				rs := n.register(resourceServer())
				r := webApp()
				r.AccessTokenFormat = format
				c := n.register(r)
				u := n.user("alice")
				tokens := n.tokens(c, n.signIn(u))
				machine, err := n.machine(c)
				ok(t, err)
				n.wantActive(rs, true, tokens.AccessToken, machine.AccessToken)
				w.move(time.Second)
				ok(t, end.act(t, n, u))
				n.wantActive(rs, false, tokens.AccessToken)
				n.wantActive(c, false, tokens.AccessToken, tokens.RefreshToken)
				n.wantActive(rs, end.machine, machine.AccessToken)
				if _, why, err := n.Examine(t.Context(), tokens.AccessToken); err != nil || why == "" {
					t.Errorf("an admin is told %q, %v", why, err)
				}
			})
		}
	}
}

func TestAnAdminIsToldWhyATokenIsWorthNothing(t *testing.T) {
	w, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	first := n.tokens(c, v)
	second, err := n.refresh(c, first.RefreshToken)
	ok(t, err)
	for token, want := range map[string]string{
		second.AccessToken: "", second.RefreshToken: "", first.RefreshToken: "it was used already", second.AccessToken + "x": "mistyped", "garbage": "not an access token", "a.b.c": "not a JWT",
	} {
		if _, why, err := n.Examine(t.Context(), token); err != nil || !strings.Contains(why, want) || want == "" && why != "" {
			t.Errorf("%.5s…: %q, %v", token, why, err)
		}
	}
	w.move(11 * time.Minute)
	if _, why, _ := n.Examine(t.Context(), second.AccessToken); why != "it has expired" {
		t.Errorf("told %q", why)
	}
}
