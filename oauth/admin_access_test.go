package oauth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

// administrator gives a user who holds permissions, just logged in.
func (n *node) administrator(name string, held ...account.Permission) oauth.Visitor {
	n.w.t.Helper()
	u, err := n.people.CreateUser(context.Background(), account.NewUser{Username: name, Password: password, Permissions: held})
	ok(n.w.t, err)
	return n.signIn(u)
}

// adminApp is a client by which users administrate.
func adminApp() oauth.Registration {
	r := webApp()
	r.ClientID, r.ClientName, r.Audience = "console", "Console", nil
	r.Scope, r.PersonalAccessTokens = "profile admin clients:view users:view keys:view", true
	return r
}

func (n *node) access(token string) *oauth.Access {
	n.w.t.Helper()
	a, err := n.AdminAccess(context.Background(), token)
	ok(n.w.t, err)
	return a
}

func (n *node) wantNoAccess(token, why string) {
	n.w.t.Helper()
	a, err := n.AdminAccess(context.Background(), token)
	if a != nil || !errors.Is(err, oauth.ErrNotActive) || !strings.Contains(err.Error(), why) {
		n.w.t.Errorf("access %+v, %v, want a refusal with %q", a, err, why)
	}
}

func TestATokenReachesWhatItsUserMayAsFarAsItsScopeGoes(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := adminApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		clerk := n.administrator("clerk", account.ViewClients, account.EditClients, account.ViewUsers)
		u, err := n.people.CreateUser(t.Context(), account.NewUser{Username: "root", Password: password, SuperAdmin: true})
		ok(t, err)
		root := n.signIn(u)
		nobody := n.signIn(n.user("nobody"))
		for _, x := range []struct {
			v     oauth.Visitor
			scope string
			super bool
			want  account.Permissions
		}{
			{clerk, "admin", false, account.Permissions{account.ViewClients, account.EditClients, account.ViewUsers}},
			{clerk, "clients:view", false, account.Permissions{account.ViewClients}},
			{clerk, "keys:view users:view", false, account.Permissions{account.ViewUsers}},
			{clerk, "profile", false, nil},
			{root, "admin profile", true, nil},
			{root, "keys:view", false, account.Permissions{account.ViewKeys}},
			{root, "profile", false, nil},
			{nobody, "admin", false, nil},
			{nobody, "clients:view", false, nil},
		} {
			tokens := []string{n.tokens(c, x.v, "scope="+x.scope).AccessToken}
			_, personal := n.personal(c, x.v, x.scope)
			for _, token := range append(tokens, personal) {
				a := n.access(token)
				if a.Rights.SuperAdmin != x.super || !slices.Equal(a.Rights.Permissions, x.want) {
					t.Errorf("%s with %q: %+v", x.v.User.Username, x.scope, a.Rights)
				}
				if a.Actor != (account.Actor{Kind: account.ActorUser, ID: x.v.User.ID, Name: x.v.User.Username}) || a.UserID != x.v.User.ID || a.ClientID != "console" {
					t.Errorf("it is %+v", a)
				}
			}
		}
	}
}

func TestAClientActsByItsOwnPermissions(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := named("robot", "Robot")
		r.AccessTokenFormat, r.Permissions, r.Scope = format, account.Permissions{account.ViewClients, account.ViewKeys}, "api:read users:view"
		c := n.register(r)
		for scope, want := range map[string]account.Permissions{
			"": nil, "admin": c.Permissions, "clients:view": {account.ViewClients}, "keys:view api:read": {account.ViewKeys}, "users:view": nil, "api:read": nil,
		} {
			tokens, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: scope})
			ok(t, err)
			a := n.access(tokens.AccessToken)
			if a.Rights.SuperAdmin || !slices.Equal(a.Rights.Permissions, want) || a.UserID != "" || a.Actor != (account.Actor{Kind: account.ActorClient, ID: "robot", Name: "Robot"}) {
				t.Errorf("%q: %+v", scope, a)
			}
			if scope == "" && tokens.Scope.String() != r.Scope {
				t.Errorf("without being asked for: %q", tokens.Scope)
			}
		}
		for _, scope := range []string{"keys:edit", "admin api:write", "clients:view clients:edit", "admin keys:edit"} {
			_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: scope})
			wantCode(t, err, oauth.InvalidScope)
		}
		all, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "admin"})
		ok(t, err)
		r.Permissions = account.Permissions{account.ViewKeys}
		n.update(r)
		if a := n.access(all.AccessToken); !slices.Equal(a.Rights.Permissions, account.Permissions{account.ViewKeys}) {
			t.Errorf("after it lost a permission: %+v", a.Rights)
		}
		plain := n.register(named("plain", "Plain"))
		_, err = n.Token(t.Context(), plain, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "admin"})
		wantCode(t, err, oauth.InvalidScope)
	}
}

// TestWhatAClientLostCountsOnEveryNodeAtOnce: what a node remembers of a client for a second is not good enough here.
func TestWhatAClientLostCountsOnEveryNodeAtOnce(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		other := w.node()
		other.run()
		r := adminApp()
		r.AccessTokenFormat, r.Permissions = format, account.Permissions{account.ViewKeys}
		c := n.register(r)
		v := n.administrator("clerk", account.ViewClients)
		machine, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "admin"})
		ok(t, err)
		ofUser := n.tokens(c, v, "scope=admin").AccessToken
		if !other.access(machine.AccessToken).Rights.Has(account.ViewKeys) || !other.access(ofUser).Rights.Has(account.ViewClients) {
			t.Fatal("the other node knows neither")
		}
		r.Permissions, r.Scope = nil, "profile"
		n.update(r)
		for _, token := range []string{machine.AccessToken, ofUser} {
			if a := other.access(token); a.Rights.Any() {
				t.Errorf("on the other node it still reaches %+v", a.Rights)
			}
		}
		ok(t, n.SetClientState(context.Background(), c.ClientID, oauth.Disabled))
		other.wantNoAccess(machine.AccessToken, "its client")
		other.wantNoAccess(ofUser, "its client")
		ok(t, n.SetClientState(account.WithRights(context.Background(), account.Rights{SuperAdmin: true}), c.ClientID, oauth.Enabled))
		eventually(t, "the other node hears that the client is back", func() bool {
			_, err := other.AdminAccess(context.Background(), ofUser)
			return err == nil
		})
		ok(t, n.EndClientTokens(context.Background(), c.ClientID))
		other.wantNoAccess(machine.AccessToken, "its client")
		other.wantNoAccess(ofUser, "its client")
		ok(t, n.DeleteClient(context.Background(), c.ClientID))
		other.wantNoAccess(machine.AccessToken, "its client")
	}
}

// TestPermissionsOfAClientReachNoUser: a client may not use in a user's name what it may do itself, nor the other way round.
func TestPermissionsOfAClientReachNoUser(t *testing.T) {
	_, n := newNode(t)
	r := webApp()
	r.Audience, r.Permissions, r.PersonalAccessTokens = nil, account.Permissions{account.ViewClients}, true
	c := n.register(r)
	root := n.administrator("clerk", account.ViewClients, account.ViewKeys)
	d, err := n.Authorize(t.Context(), ask(c, "scope=clients:view"), root)
	ok(t, err)
	if d.Step != oauth.Respond || d.Response.Refusal == nil || d.Response.Refusal.Code != oauth.InvalidScope {
		t.Errorf("decides %+v", d)
	}
	_, _, err = n.CreatePersonalToken(t.Context(), root.Session, oauth.NewPersonalToken{ClientID: "web", Name: "a", Scope: "clients:view", Lifetime: aMonth})
	wantField(t, err, "scope")
	if a := n.access(n.tokens(c, root).AccessToken); a.Rights.Any() {
		t.Errorf("reaches %+v", a.Rights)
	}
	console := n.register(adminApp())
	tokens, err := n.Token(t.Context(), console, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "admin"})
	ok(t, err)
	if a := n.access(tokens.AccessToken); a.Rights.Any() {
		t.Errorf("acting for itself it reaches %+v", a.Rights)
	}
}

func TestATokenForAnotherServerIsNotForUs(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := adminApp()
		r.AccessTokenFormat, r.Audience, r.Permissions = format, []string{api, issuer}, account.Permissions{account.ViewKeys}
		c := n.register(r)
		v := n.administrator("clerk", account.ViewClients)
		n.wantNoAccess(n.tokens(c, v, "resource="+api).AccessToken, "meant for another server")
		n.access(n.tokens(c, v, "resource="+issuer).AccessToken)
		n.access(n.tokens(c, v).AccessToken)
		_, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Scope: "admin", Resources: []string{api}})
		wantCode(t, err, oauth.InvalidScope)
		machine, err := n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: "client_credentials", Resources: []string{api}})
		ok(t, err)
		if machine.Scope.Contains(oauth.Scope{oauth.AdminScope}) {
			t.Errorf("a token for %s carries the scope %q", api, machine.Scope)
		}
		n.wantNoAccess(machine.AccessToken, "meant for another server")
		r.Audience = []string{api, issuer + "/"}
		r.ClientID, r.ClientName = "near", "Near"
		near := n.register(r)
		n.wantNoAccess(n.tokens(near, v).AccessToken, "meant for another server")
		_, _, err = n.CreatePersonalToken(t.Context(), v.Session, oauth.NewPersonalToken{ClientID: near.ClientID, Name: "a", Scope: "admin", Lifetime: aMonth})
		if err == nil {
			t.Error("a personal access token of the administration was made for another server")
		}
	}
}

func TestOnlyAnAccessTokenGivesAccess(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		w, n := newNode(t)
		r := adminApp()
		r.AccessTokenFormat = format
		c, secret, err := n.RegisterClient(t.Context(), r, "")
		ok(t, err)
		v := n.administrator("clerk", account.ViewClients)
		tokens, code := n.tokens(c, v), n.authorize(c, v)
		_, personal := n.personal(c, v, "admin")
		n.wantNoAccess(tokens.RefreshToken, "refresh token")
		for _, other := range []string{code, secret, "", "grpt_", "a.b.c", tokens.AccessToken + "x", "x" + tokens.AccessToken, " " + personal, v.Session.ID} {
			n.wantNoAccess(other, "")
		}
		for _, body := range []string{tokens.RefreshToken[5:], code[5:], personal[5:]} {
			for _, prefix := range []string{"grat_", "grpt_", "grrt_", "grac_"} {
				if prefix+body != personal && prefix+body != tokens.RefreshToken {
					n.wantNoAccess(prefix+body, "")
				}
			}
		}
		n.access(tokens.AccessToken)
		_, err = n.RevokeToken(t.Context(), tokens.AccessToken)
		ok(t, err)
		n.wantNoAccess(tokens.AccessToken, "")
		w.move(aMonth)
		n.wantNoAccess(personal, "")
	}
}

func TestAccessEndsWithItsClientAndItsUser(t *testing.T) {
	for name, end := range map[string]func(*node, *account.User) error{
		"disabled": func(n *node, _ *account.User) error {
			return n.SetClientState(context.Background(), "console", oauth.Disabled)
		},
		"gone":  func(n *node, _ *account.User) error { return n.DeleteClient(context.Background(), "console") },
		"ended": func(n *node, _ *account.User) error { return n.EndClientTokens(context.Background(), "console") },
		"blocked": func(n *node, u *account.User) error {
			return n.people.SetBlocked(context.Background(), u.ID, account.Block)
		},
		"deleted": func(n *node, u *account.User) error { return n.people.DeleteUser(context.Background(), u.ID) },
		"password": func(n *node, u *account.User) error {
			return n.people.SetPassword(context.Background(), u.ID, password+"!")
		},
	} {
		for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
			w, n := newNode(t)
			r := adminApp()
			r.AccessTokenFormat = format
			c := n.register(r)
			v := n.administrator("clerk", account.ViewClients)
			tokens := n.tokens(c, v)
			_, personal := n.personal(c, v, "admin")
			w.move(time.Second)
			ok(t, end(n, v.User))
			for _, token := range []string{tokens.AccessToken, personal} {
				if a, err := n.AdminAccess(t.Context(), token); !errors.Is(err, oauth.ErrNotActive) {
					t.Errorf("%s: %+v, %v", name, a, err)
				}
			}
		}
	}
}

// TestAScopeThatWasTakenFromTheClientReachesNothing, even in tokens that were issued before.
func TestAScopeThatWasTakenFromTheClientReachesNothing(t *testing.T) {
	for _, format := range []oauth.AccessTokenFormat{oauth.Opaque, oauth.JWT} {
		_, n := newNode(t)
		r := adminApp()
		r.AccessTokenFormat = format
		c := n.register(r)
		v := n.administrator("clerk", account.ViewClients, account.ViewUsers)
		token := n.tokens(c, v).AccessToken
		_, personal := n.personal(c, v, "admin clients:view")
		r.Scope = "profile clients:view"
		n.update(r)
		for _, one := range []string{token, personal} {
			if a := n.access(one); a.Rights.SuperAdmin || !slices.Equal(a.Rights.Permissions, account.Permissions{account.ViewClients}) {
				t.Errorf("reaches %+v", a.Rights)
			}
		}
	}
}

// TestALostPermissionCountsAtTheNextRequest, also on a node whose caches have not heard of it.
func TestALostPermissionCountsAtTheNextRequest(t *testing.T) {
	w, n := newNode(t)
	other := w.node()
	other.run()
	c := n.register(adminApp())
	v := n.administrator("clerk", account.ViewClients, account.ViewUsers)
	token := n.tokens(c, v, "scope=admin").AccessToken
	other.access(token)
	_, err := n.people.UpdateUser(t.Context(), v.User.ID, 0, func(u *account.User) error {
		u.Permissions = account.Permissions{account.ViewUsers}
		return nil
	})
	ok(t, err)
	if a := other.access(token); a.Rights.Has(account.ViewClients) || !a.Rights.Has(account.ViewUsers) {
		t.Errorf("reaches %+v", a.Rights)
	}
}

func TestAStoreThatIsAwayIsNoRefusal(t *testing.T) {
	w := newWorld(t)
	n := w.node()
	token := n.tokens(n.register(adminApp()), n.administrator("clerk", account.ViewClients)).AccessToken
	for number := range 20 {
		b := &watched{Backend: w.store, fail: func(i int, _ string) outcome {
			if i == number {
				return failsBefore
			}
			return works
		}}
		_, err := w.over(b, w.now).AdminAccess(t.Context(), token)
		if len(b.took()) <= number {
			ok(t, err)
			return
		}
		if !store.IsUnavailable(err) || errors.Is(err, oauth.ErrNotActive) {
			t.Errorf("call %d: %v", number, err)
		}
	}
}

func TestScopesOfTheAdministrationAreSaidInWords(t *testing.T) {
	if got := oauth.ScopeSentence("admin"); got != "Manage this server in your name, as far as you may." {
		t.Errorf("admin: %q", got)
	}
	for _, w := range account.AllPermissions() {
		if got := oauth.ScopeSentence(string(w.Permission)); !strings.Contains(got, w.Sentence) {
			t.Errorf("%s: %q", w.Permission, got)
		}
	}
}
