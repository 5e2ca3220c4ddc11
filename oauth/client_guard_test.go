package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

// as gives a context in which a user acts who holds the permissions.
func as(held ...account.Permission) context.Context {
	ctx := account.WithActor(context.Background(), account.Actor{Kind: account.ActorUser, ID: "usr_x", Name: "ann", Address: "192.0.2.1"})
	return account.WithRights(ctx, account.Rights{Permissions: held})
}

func isForbidden(err error) bool {
	var e *account.ForbiddenError
	return errors.As(err, &e)
}

// powerful gives registrations that may do something in the administration, with what it takes to give that.
func powerful() map[string]oauth.Registration {
	own := named("own", "own")
	own.Permissions = account.Permissions{account.ViewUsers}
	for_ := webApp()
	for_.ClientID, for_.ClientName, for_.Scope = "scope", "scope", "profile users:view"
	all := webApp()
	all.ClientID, all.ClientName, all.Scope = "all", "all", "admin"
	return map[string]oauth.Registration{"permissions": own, "scope": for_, "admin": all}
}

func TestPowersAreWhatAClientReaches(t *testing.T) {
	r := webApp()
	if got := r.Powers(); got.Any() {
		t.Errorf("an ordinary client reaches %+v", got)
	}
	r.Scope, r.Permissions = "users:view admins users:view:x Users:View", account.Permissions{account.ViewKeys, account.ViewUsers}
	if got := r.Powers(); got.SuperAdmin || !slices.Equal(got.Permissions, account.Permissions{account.ViewUsers, account.ViewKeys}) {
		t.Errorf("reaches %+v", got)
	}
	r.Scope = "profile admin"
	if got := r.Powers(); !got.SuperAdmin {
		t.Errorf("reaches %+v", got)
	}
}

func TestNobodyMakesAClientMightierThanHeIs(t *testing.T) {
	everything := []account.Permission{account.CreateClients, account.EditClients, account.ViewClients, account.DeleteClients}
	for name, r := range powerful() {
		_, n := newNode(t)
		plain := r
		plain.Scope, plain.Permissions = "profile", nil
		for what, act := range map[string]func(context.Context) error{
			"registers": func(ctx context.Context) error { _, _, err := n.RegisterClient(ctx, r, ""); return err },
			"ensures":   func(ctx context.Context) error { _, _, err := n.EnsureClient(ctx, r, ""); return err },
		} {
			if err := act(as(everything...)); !isForbidden(err) {
				t.Errorf("%s %s: %v", what, name, err)
			}
			if err := act(account.WithActor(context.Background(), account.Actor{Kind: account.ActorGuest})); !isForbidden(err) {
				t.Errorf("a guest %s %s: %v", what, name, err)
			}
		}
		_, _, err := n.RegisterClient(as(everything...), plain, "")
		ok(t, err)
		for what, act := range map[string]func(context.Context) error{
			"updates": func(ctx context.Context) error { _, err := n.UpdateClient(ctx, r, 0); return err },
			"ensures": func(ctx context.Context) error { _, _, err := n.EnsureClient(ctx, r, ""); return err },
		} {
			if err := act(as(everything...)); !isForbidden(err) {
				t.Errorf("%s to %s: %v", what, name, err)
			}
		}
		c := n.client(r.ClientID)
		if c.Powers().Any() {
			t.Errorf("%s: the client got it: %+v", name, c.Registration)
		}
		if c.Owner != (account.Actor{Kind: account.ActorUser, ID: "usr_x", Name: "ann"}) {
			t.Errorf("owner %+v", c.Owner)
		}
		holder := account.WithRights(as(), r.Powers())
		_, err = n.UpdateClient(holder, r, 0)
		ok(t, err)
	}
}

func TestNobodyActsByAClientMightierThanHeIs(t *testing.T) {
	for name, r := range powerful() {
		_, n := newNode(t)
		n.register(r)
		id := n.client(r.ClientID).Secrets[0].ID
		plain := r
		plain.Scope, plain.Permissions = "profile", nil
		moved := r
		moved.RedirectURIs = []string{"https://evil.example/"}
		acts := map[string]func(context.Context) error{
			"lowers": func(ctx context.Context) error { _, err := n.UpdateClient(ctx, plain, 0); return err },
			"moves":  func(ctx context.Context) error { _, err := n.UpdateClient(ctx, moved, 0); return err },
			"ensures": func(ctx context.Context) error {
				_, _, err := n.EnsureClient(ctx, moved, "")
				return err
			},
			"guesses": func(ctx context.Context) error { _, _, err := n.EnsureClient(ctx, r, chosen); return err },
			"adds": func(ctx context.Context) error {
				_, _, err := n.AddSecret(ctx, r.ClientID, oauth.NewClientSecret{})
				return err
			},
			"rotates": func(ctx context.Context) error {
				_, _, err := n.RotateSecrets(ctx, r.ClientID, oauth.NewClientSecret{}, time.Hour)
				return err
			},
			"replaces": func(ctx context.Context) error { _, err := n.ReplaceSecrets(ctx, r.ClientID, ""); return err },
			"enables":  func(ctx context.Context) error { return n.SetClientState(ctx, r.ClientID, oauth.Enabled) },
		}
		for what, act := range acts {
			if err := act(as(account.EditClients, account.CreateClients)); !isForbidden(err) {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
		lesser := as(account.EditClients)
		_, changed, err := n.EnsureClient(lesser, r, "") // as it is
		if changed || err != nil {
			t.Errorf("declaring what is: %v, %v", changed, err)
		}
		// What only takes away needs no more than the permission for it.
		ok(t, n.SetClientState(lesser, r.ClientID, oauth.Disabled))
		ok(t, n.EndClientTokens(lesser, r.ClientID))
		ok(t, n.RevokeSecret(lesser, r.ClientID, id))
		ok(t, n.DeleteClient(lesser, r.ClientID))
	}
}

func TestWhoHoldsAsMuchMayActOnAClient(t *testing.T) {
	for name, r := range powerful() {
		_, n := newNode(t)
		holder := account.WithRights(as(), account.Rights{Permissions: r.Powers().Permissions, SuperAdmin: r.Powers().SuperAdmin})
		_, _, err := n.RegisterClient(holder, r, "")
		ok(t, err)
		_, _, err = n.AddSecret(holder, r.ClientID, oauth.NewClientSecret{})
		ok(t, err)
		ok(t, n.SetClientState(holder, r.ClientID, oauth.Disabled))
		if err := n.SetClientState(holder, r.ClientID, oauth.Enabled); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPermissionsAreTidyAndKnown(t *testing.T) {
	_, n := newNode(t)
	r := named("a", "A")
	r.Permissions = account.Permissions{account.ViewAudit, account.ViewClients, account.ViewAudit}
	c := n.register(r)
	if !slices.Equal(c.Permissions, account.Permissions{account.ViewClients, account.ViewAudit}) {
		t.Errorf("permissions %q", c.Permissions)
	}
	r.ClientID, r.Permissions = "b", account.Permissions{account.ViewAudit, "clients:own"}
	if got := faults(t, n, r, ""); !slices.Equal(got, []string{"permissions[1]"}) {
		t.Errorf("faults of %q", got)
	}
	native := nativeApp()
	native.Permissions = account.Permissions{account.ViewAudit}
	if got := faults(t, n, native, ""); !slices.Equal(got, []string{"permissions"}) {
		t.Errorf("faults of %q", got)
	}
	_, changed, err := n.EnsureClient(t.Context(), func() oauth.Registration {
		again := named("a", "A")
		again.Permissions = account.Permissions{account.ViewAudit, account.ViewClients}
		return again
	}(), "")
	if changed || err != nil {
		t.Errorf("the same permissions in another order: %v, %v", changed, err)
	}
}

func TestIDsThatMeanSomethingElseInAnAddressAreRefused(t *testing.T) {
	_, n := newNode(t)
	for _, id := range []string{"-", ".", "..", oauth.CommandLineClient} {
		r := webApp()
		r.ClientID = id
		if got := faults(t, n, r, ""); !slices.Equal(got, []string{"client_id"}) {
			t.Errorf("%s: faults of %q", id, got)
		}
	}
	for _, id := range []string{"--", "...", "-.", "~"} {
		r := named(id, "")
		n.register(r)
	}
}

func TestAnAbsentListOfGrantsIsNotAnEmptyOne(t *testing.T) {
	_, n := newNode(t)
	for text, want := range map[string]struct {
		grants []oauth.GrantType
		field  string
	}{
		`{"client_id":"a","redirect_uris":["https://a.example/"]}`:                                {[]oauth.GrantType{oauth.AuthorizationCode}, ""},
		`{"client_id":"b","redirect_uris":["https://a.example/"],"personal_access_tokens":true}`:  {[]oauth.GrantType{oauth.AuthorizationCode}, ""},
		`{"client_id":"c","grant_types":null,"redirect_uris":["https://a.example/"]}`:             {[]oauth.GrantType{oauth.AuthorizationCode}, ""},
		`{"client_id":"d","grant_types":[],"personal_access_tokens":true}`:                        {[]oauth.GrantType{}, ""},
		`{"client_id":"e","grant_types":[],"redirect_uris":["https://a.example/"]}`:               {nil, "grant_types"},
		`{"client_id":"f","personal_access_tokens":true}`:                                         {nil, "redirect_uris"},
		`{"client_id":"g","grant_types":["refresh_token"],"personal_access_tokens":true}`:         {nil, "grant_types"},
		`{"client_id":"h","grant_types":["client_credentials"],"redirect_uris":["https://a.b/"]}`: {[]oauth.GrantType{oauth.ClientCredentials}, ""},
	} {
		var r oauth.Registration
		ok(t, json.Unmarshal([]byte(text), &r))
		_, _, err := n.RegisterClient(t.Context(), r, "")
		if want.field != "" {
			wantField(t, err, want.field)
			continue
		}
		ok(t, err)
		for range 2 { // as it comes back from the store, and is saved again
			c := n.client(r.ClientID)
			if !slices.Equal(c.GrantTypes, want.grants) || c.GrantTypes == nil {
				t.Errorf("%s: grants %q", text, c.GrantTypes)
			}
			n.update(c.Registration)
		}
		_, changed, err := n.EnsureClient(t.Context(), r, "")
		if changed || err != nil {
			t.Errorf("%s: declared again: %v, %v", text, changed, err)
		}
	}
}

// TestAGrantThatIsUntickedIsRefusedAtBothEndpoints, and the client keeps its redirect URIs.
func TestAGrantThatIsUntickedIsRefusedAtBothEndpoints(t *testing.T) {
	_, n := newNode(t)
	c := n.register(webApp())
	v := n.signIn(n.user("alice"))
	tokens, code := n.tokens(c, v), n.authorize(c, v)
	r := webApp()
	r.GrantTypes = []oauth.GrantType{oauth.AuthorizationCode}
	c = n.update(r)
	_, err := n.refresh(c, tokens.RefreshToken)
	wantCode(t, err, oauth.UnauthorizedClient)
	n.wantActive(c, false, tokens.RefreshToken)
	n.wantActive(c, true, tokens.AccessToken)
	r.GrantTypes, r.PersonalAccessTokens = []oauth.GrantType{}, true
	c = n.update(r)
	if !slices.Equal(c.RedirectURIs, []string{callback}) {
		t.Errorf("redirect URIs %q", c.RedirectURIs)
	}
	d, err := n.Authorize(t.Context(), ask(c), v)
	ok(t, err)
	if d.Step != oauth.Respond || d.Response.Refusal == nil || d.Response.Refusal.Code != oauth.UnauthorizedClient {
		t.Errorf("the authorization endpoint decides %+v", d)
	}
	_, err = n.redeem(c, code)
	wantCode(t, err, oauth.UnauthorizedClient)
	_, err = n.machine(c)
	wantCode(t, err, oauth.UnauthorizedClient)
	for _, grant := range []string{"personal_access_token", "personal_access_tokens", "password"} {
		_, err = n.Token(t.Context(), c, &oauth.TokenRequest{GrantType: grant})
		wantCode(t, err, oauth.UnsupportedGrantType)
	}
	r.GrantTypes = webApp().GrantTypes
	c = n.update(r)
	_, err = n.redeem(c, code)
	ok(t, err)
}

func TestARefreshTokenEndsWhenItsClientSays(t *testing.T) {
	for idle, field := range map[time.Duration]string{
		time.Minute - time.Millisecond: "refresh_token_lifetime", time.Minute: "", 366 * 24 * time.Hour: "", 366*24*time.Hour + 1: "refresh_token_lifetime", -1: "refresh_token_lifetime",
	} {
		r := webApp()
		r.RefreshTokenLifetime = oauth.Duration(idle)
		if err := r.Check(); field != "" {
			wantField(t, err, field)
		} else {
			ok(t, err)
		}
	}
	for age, good := range map[time.Duration]bool{time.Hour - time.Millisecond: true, time.Hour: false} {
		w, n := newNode(t)
		w.store.Now = func() time.Time { return time.Time{} }
		r := webApp()
		r.RefreshTokenLifetime = oauth.Duration(time.Hour)
		c := n.register(r)
		tokens := n.tokens(c, n.signIn(n.user("alice")))
		w.move(age)
		n.wantActive(c, good, tokens.RefreshToken)
		if _, err := n.refresh(c, tokens.RefreshToken); (err == nil) != good {
			t.Errorf("after %v: %v", age, err)
		}
	}
}

func TestAClientHasNoOtherState(t *testing.T) {
	_, n := newNode(t)
	r := powerful()["admin"]
	n.register(r)
	ok(t, n.SetClientState(t.Context(), r.ClientID, oauth.Disabled))
	if err := n.SetClientState(as(account.EditClients), r.ClientID, "on"); err == nil {
		t.Error("somebody enabled a client mightier than he is, by a state that there is not")
	}
	if !n.client(r.ClientID).Disabled {
		t.Error("it is enabled")
	}
}
