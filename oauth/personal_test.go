package oauth_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

const aMonth = 30 * 24 * time.Hour

// personalApp is a client that offers nothing but personal access tokens.
func personalApp() oauth.Registration {
	return oauth.Registration{
		ClientID: "tools", ClientName: "Tools", GrantTypes: []oauth.GrantType{}, PersonalAccessTokens: true, Scope: "profile api:read users:view",
	}
}

func (n *node) personal(c *oauth.Client, v oauth.Visitor, scope string) (*oauth.PersonalToken, string) {
	n.w.t.Helper()
	made, token, err := n.CreatePersonalToken(context.Background(), v.Session, oauth.NewPersonalToken{
		ClientID: c.ClientID, Name: " backup job ", Scope: scope, Lifetime: aMonth,
	})
	ok(n.w.t, err)
	return made, token
}

func TestAPersonalAccessTokenIsAnAccessTokenWithANameAndAnEnd(t *testing.T) {
	w, n := newNode(t)
	c := n.register(personalApp())
	v := n.signIn(n.user("alice"))
	made, token := n.personal(c, v, "api:read")
	if !strings.HasPrefix(token, "grpt_") || len(token) != 77 || made.Prefix != token[:9] || made.Name != "backup job" || made.ClientName != "Tools" {
		t.Fatalf("made %+v, %.9s", made, token)
	}
	seen := n.look(c, token)
	if !seen.Active || seen.Use != oauth.AccessTokenUse || seen.Subject != v.User.ID || seen.Scope.String() != "api:read" || seen.ClientID != "tools" ||
		!seen.Expires.Equal(w.now().Add(aMonth)) || !slices.Equal(seen.Audience, []string{issuer}) {
		t.Errorf("seen %+v", seen)
	}
	listed, err := n.PersonalTokens(t.Context(), v.User.ID)
	ok(t, err)
	if len(listed) != 1 || listed[0].ID != made.ID || listed[0].Name != "backup job" || !listed[0].Expires.Equal(made.Expires) {
		t.Errorf("listed %+v", listed)
	}
	w.store.Now = func() time.Time { return time.Time{} } // the rule decides, not the store's expiry
	w.move(aMonth - time.Millisecond)
	n.wantActive(c, true, token)
	w.move(time.Millisecond)
	n.wantActive(c, false, token)
	if listed, err := n.PersonalTokens(t.Context(), v.User.ID); err != nil || len(listed) > 0 {
		t.Errorf("one that ended is listed: %v, %v", listed, err)
	}
}

func TestFaultsOfAPersonalAccessToken(t *testing.T) {
	_, n := newNode(t)
	n.register(personalApp())
	n.register(webApp())
	off := personalApp()
	off.ClientID, off.ClientName = "off", "Off"
	n.register(off)
	ok(t, n.SetClientState(t.Context(), "off", oauth.Disabled))
	v := n.signIn(n.user("alice"))
	good := oauth.NewPersonalToken{ClientID: "tools", Name: "a", Scope: "profile", Lifetime: 24 * time.Hour}
	for name, x := range map[string]struct {
		change func(*oauth.NewPersonalToken)
		fields []string
	}{
		"shortest":            {func(*oauth.NewPersonalToken) {}, nil},
		"too short":           {func(n *oauth.NewPersonalToken) { n.Lifetime = 24*time.Hour - 1 }, []string{"lifetime"}},
		"longest":             {func(n *oauth.NewPersonalToken) { n.Lifetime = 366 * 24 * time.Hour }, nil},
		"too long":            {func(n *oauth.NewPersonalToken) { n.Lifetime = 366*24*time.Hour + 1 }, []string{"lifetime"}},
		"no name":             {func(n *oauth.NewPersonalToken) { n.Name = " " }, []string{"name"}},
		"long name":           {func(n *oauth.NewPersonalToken) { n.Name = strings.Repeat("ü", 101) }, []string{"name"}},
		"hidden name":         {func(n *oauth.NewPersonalToken) { n.Name = "a\u200bb" }, []string{"name"}},
		"no scope":            {func(n *oauth.NewPersonalToken) { n.Scope = "" }, []string{"scope"}},
		"another scope":       {func(n *oauth.NewPersonalToken) { n.Scope = "profile api:write" }, []string{"scope"}},
		"broken scope":        {func(n *oauth.NewPersonalToken) { n.Scope = `"` }, []string{"scope"}},
		"no client":           {func(n *oauth.NewPersonalToken) { n.ClientID = "" }, []string{"client_id"}},
		"unknown client":      {func(n *oauth.NewPersonalToken) { n.ClientID = "nobody" }, []string{"client_id"}},
		"client without":      {func(n *oauth.NewPersonalToken) { n.ClientID = "web" }, []string{"client_id"}},
		"disabled client":     {func(n *oauth.NewPersonalToken) { n.ClientID = "off" }, []string{"client_id"}},
		"everything is wrong": {func(n *oauth.NewPersonalToken) { *n = oauth.NewPersonalToken{} }, []string{"name", "lifetime", "client_id"}},
	} {
		try := good
		x.change(&try)
		_, token, err := n.CreatePersonalToken(t.Context(), v.Session, try)
		if x.fields == nil {
			ok(t, err)
			continue
		}
		if got := fieldsOf(t, err); !slices.Equal(got, x.fields) || token != "" {
			t.Errorf("%s: faults of %q", name, got)
		}
	}
	clients, err := n.PersonalTokenClients(t.Context())
	ok(t, err)
	if len(clients) != 1 || clients[0].ClientID != "tools" {
		t.Errorf("offered: %v", clients)
	}
}

func TestAPersonalAccessTokenIsGoodForNothingElse(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.PersonalAccessTokens = true
	c := n.register(r)
	v := n.signIn(n.user("alice"))
	_, token := n.personal(c, v, "profile")
	session := n.tokens(c, v)
	for _, prefix := range []string{"grpt_", "grrt_", "grac_", "grat_"} {
		as := prefix + token[5:]
		_, err := n.refresh(c, as)
		wantCode(t, err, oauth.InvalidGrant)
		_, err = n.redeem(c, as)
		wantCode(t, err, oauth.InvalidGrant)
		if prefix != "grpt_" {
			n.wantActive(c, false, as)
		}
	}
	for _, other := range []string{session.AccessToken, session.RefreshToken, token[:76], token + "A", changed(token, 40)} {
		n.wantActive(c, false, "grpt_"+other[5:])
	}
	n.wantActive(c, true, token, session.AccessToken, session.RefreshToken)
	wantCode(t, n.authenticate(oauth.ClientSecretBasic, "web", token), oauth.InvalidClient)
}

func TestAPersonalAccessTokenDiesWithWhatItIsOf(t *testing.T) {
	for name, end := range map[string]func(*node, *account.User) error{
		"password": func(n *node, u *account.User) error {
			return n.people.SetPassword(context.Background(), u.ID, password+"!")
		},
		"blocked": func(n *node, u *account.User) error {
			return n.people.SetBlocked(context.Background(), u.ID, account.Block)
		},
		"deleted": func(n *node, u *account.User) error { return n.people.DeleteUser(context.Background(), u.ID) },
		"disabled": func(n *node, _ *account.User) error {
			return n.SetClientState(context.Background(), "tools", oauth.Disabled)
		},
		"ended": func(n *node, _ *account.User) error { return n.EndClientTokens(context.Background(), "tools") },
		"gone":  func(n *node, _ *account.User) error { return n.DeleteClient(context.Background(), "tools") },
		"unticked": func(n *node, _ *account.User) error {
			r := personalApp()
			r.PersonalAccessTokens, r.GrantTypes = false, []oauth.GrantType{oauth.ClientCredentials}
			_, err := n.UpdateClient(context.Background(), r, 0)
			return err
		},
		"selected": func(n *node, u *account.User) error {
			_, err := n.RevokeSelected(context.Background(), oauth.Selection{UserID: u.ID})
			return err
		},
	} {
		w, n := newNode(t)
		c := n.register(personalApp())
		u := n.user("alice")
		_, token := n.personal(c, n.signIn(u), "profile")
		w.move(time.Second)
		ok(t, end(n, u))
		if seen, why, err := n.Examine(t.Context(), token); err != nil || seen.Active || why == "" {
			t.Errorf("%s: %+v, %q, %v", name, seen, why, err)
		}
		if listed, err := n.PersonalTokens(t.Context(), u.ID); err != nil || len(listed) > 0 {
			t.Errorf("%s: listed %v, %v", name, listed, err)
		}
	}
}

func TestAPersonalAccessTokenReachesWhatItsClientReachesToday(t *testing.T) {
	_, n := newNode(t)
	r := personalApp()
	r.Audience = []string{api, otherAPI}
	c := n.register(r)
	_, token := n.personal(c, n.signIn(n.user("alice")), "profile api:read")
	r.Scope, r.Audience = "api:read", []string{otherAPI}
	c = n.update(r)
	if seen := n.look(c, token); seen.Scope.String() != "api:read" || !slices.Equal(seen.Audience, []string{otherAPI}) {
		t.Errorf("seen %+v", seen)
	}
	r.Audience = nil
	c = n.update(r) // what was for others does not become ours
	n.wantActive(c, false, token)
}

func TestAnEndedSessionMakesNoPersonalAccessToken(t *testing.T) {
	w, n := newNode(t)
	n.register(personalApp())
	thief := n.signIn(n.user("alice"))
	w.move(time.Second)
	ok(t, n.people.SetPassword(t.Context(), thief.User.ID, password+"!"))
	_, _, err := n.CreatePersonalToken(t.Context(), thief.Session, oauth.NewPersonalToken{
		ClientID: "tools", Name: "a", Scope: "profile", Lifetime: aMonth,
	})
	wantErr(t, err, oauth.ErrLoginNeeded)
}

func TestPersonalAccessTokensAreRevokedByTheirUserOnly(t *testing.T) {
	w, n := newNode(t)
	c := n.register(personalApp())
	alice, bob := n.signIn(n.user("alice")), n.signIn(n.user("bob"))
	first, firstToken := n.personal(c, alice, "profile")
	w.move(time.Second)
	second, secondToken := n.personal(c, alice, "profile")
	listed, err := n.PersonalTokens(t.Context(), alice.User.ID)
	ok(t, err)
	if len(listed) != 2 || listed[0].ID != second.ID {
		t.Errorf("listed %+v", listed)
	}
	for user, id := range map[string]string{bob.User.ID: first.ID, "": first.ID, alice.User.ID: "x"} {
		wantErr(t, n.RevokePersonalToken(t.Context(), user, id), store.ErrNotFound)
	}
	ordinary := n.register(webApp())
	session := n.tokens(ordinary, alice)
	page, _, err := n.LiveAuthorizations(t.Context(), "client:web", "", 10)
	ok(t, err)
	wantErr(t, n.RevokePersonalToken(t.Context(), alice.User.ID, page[0].ID), store.ErrNotFound)
	n.wantActive(ordinary, true, session.AccessToken)
	_, errs := parallel(8, func(int) (any, error) {
		return nil, n.RevokePersonalToken(context.Background(), alice.User.ID, first.ID)
	})
	for _, err := range errs {
		if err != nil {
			wantErr(t, err, store.ErrNotFound)
		}
	}
	n.wantActive(c, false, firstToken)
	n.wantActive(c, true, secondToken)
	if got := n.told("client:tools", "authorization.revoked"); got["name"] != "backup job" || got["user"] != alice.User.ID {
		t.Errorf("audit log: %v", got)
	}
	if got := n.told("client:tools", "personal_token.created"); got["name"] != "backup job" || strings.Contains(fmt.Sprint(got), secondToken[:9]) {
		t.Errorf("audit log: %v", got)
	}
}

// TestItsClientRevokesAPersonalAccessToken: RFC 7009, as for access tokens.
func TestItsClientRevokesAPersonalAccessToken(t *testing.T) {
	for _, method := range []oauth.AuthMethod{oauth.ClientSecretBasic, oauth.NoSecret} {
		_, n := newNode(t)
		r := personalApp()
		r.TokenEndpointAuthMethod = method
		c, other := n.register(r), n.register(webApp())
		v := n.signIn(n.user("alice"))
		_, token := n.personal(c, v, "profile")
		ok(t, n.Revoke(t.Context(), other, token))
		if seen, _, _ := n.Examine(t.Context(), token); !seen.Active {
			t.Error("another client revoked it")
		}
		ok(t, n.Revoke(t.Context(), c, token))
		if seen, _, _ := n.Examine(t.Context(), token); seen.Active {
			t.Error("its client cannot revoke it")
		}
		_, token = n.personal(c, v, "profile")
		if ended, err := n.RevokeToken(t.Context(), token); !ended || err != nil {
			t.Errorf("by hand: %v, %v", ended, err)
		}
	}
}

func TestAUserHoldsAHundredPersonalAccessTokensAtMost(t *testing.T) {
	_, n := newNode(t)
	c := n.register(personalApp())
	v := n.signIn(n.user("alice"))
	var last *oauth.PersonalToken
	for range 100 {
		last, _ = n.personal(c, v, "profile")
	}
	try := oauth.NewPersonalToken{ClientID: "tools", Name: "a", Scope: "profile", Lifetime: aMonth}
	_, _, err := n.CreatePersonalToken(t.Context(), v.Session, try)
	wantField(t, err, "name")
	ok(t, n.RevokePersonalToken(t.Context(), v.User.ID, last.ID))
	_, _, err = n.CreatePersonalToken(t.Context(), v.Session, try)
	ok(t, err)
}

func TestAPersonalAccessTokenCostsOneReadOfTheStore(t *testing.T) {
	w := newWorld(t)
	b := &watched{Backend: w.store}
	n := w.over(b, w.now)
	n.run()
	c := n.register(personalApp())
	_, token := n.personal(c, n.signIn(n.user("alice")), "profile")
	costs(t, b, []string{"get authorization"}, func() { n.wantActive(c, true, token) })
	if strings.Contains(b.kept.String(), token[9:]) || strings.Contains(b.kept.String(), token[30:70]) {
		t.Error("the token stands in the store")
	}
}

// changed gives the token with another letter at a place.
func changed(token string, at int) string {
	if token[at] == 'x' {
		return token[:at] + "y" + token[at+1:]
	}
	return token[:at] + "x" + token[at+1:]
}
