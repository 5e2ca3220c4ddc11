package oauth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func TestTheServerMakesItsOwnClientOnce(t *testing.T) {
	for range 10 {
		w := newWorld(t)
		_, errs := parallel(8, func(int) (any, error) { return nil, w.node().EnsureBuiltIn(context.Background()) })
		if successes(errs) != 8 {
			t.Fatal(errs)
		}
		n := w.node()
		c := n.client(oauth.CommandLineClient)
		if !c.BuiltIn || !c.IsPublic() || !c.Powers().SuperAdmin || c.Number != 0 || c.Owner.Kind != account.ActorSystem || !c.PersonalAccessTokens || c.MayUse(oauth.ClientCredentials) || c.MayUse(oauth.DeviceCode) {
			t.Fatalf("made %+v", c)
		}
		if got := n.events("client:grantor-cli"); len(got) != 1 {
			t.Errorf("audit log: %q", got)
		}
		for _, w := range account.AllPermissions() {
			if !c.Powers().Permissions.Contains(w.Permission) {
				t.Errorf("it does not reach %s", w.Permission)
			}
		}
		ok(t, n.EnsureBuiltIn(t.Context()))
		if n.client(c.ClientID).Updated != c.Updated || n.register(webApp()).Number != 1 {
			t.Error("it was written again, or counts as registered")
		}
	}
}

func TestTheServersOwnClientSignsInByDeviceOnlyWhereThatIsWanted(t *testing.T) {
	w, n := newNode(t)
	for _, wanted := range []bool{false, true, true, false} {
		w.cliDeviceLogin = wanted
		n = w.node()
		ok(t, n.EnsureBuiltIn(t.Context()))
		c := n.client(oauth.CommandLineClient)
		_, err := n.AuthorizeDevice(t.Context(), c, &oauth.DeviceRequest{Scope: "admin"})
		if wanted {
			ok(t, err)
		} else {
			wantCode(t, err, oauth.UnauthorizedClient)
		}
		if !c.MayUse(oauth.AuthorizationCode) || !c.MayUse(oauth.RefreshToken) {
			t.Errorf("it has %v", c.GrantTypes)
		}
	}
	if got := n.events("client:grantor-cli"); len(got) != 3 {
		t.Errorf("audit log: %q", got)
	}
}

func TestTheServersOwnClientCannotBeChanged(t *testing.T) {
	_, n := newNode(t)
	ok(t, n.EnsureBuiltIn(t.Context()))
	before := n.client(oauth.CommandLineClient)
	for what, act := range map[string]func() error{
		"update":  func() error { _, err := n.UpdateClient(t.Context(), before.Registration, 0); return err },
		"ensure":  func() error { _, _, err := n.EnsureClient(t.Context(), before.Registration, ""); return err },
		"delete":  func() error { return n.DeleteClient(t.Context(), before.ClientID) },
		"disable": func() error { return n.SetClientState(t.Context(), before.ClientID, oauth.Disabled) },
		"enable":  func() error { return n.SetClientState(t.Context(), before.ClientID, oauth.Enabled) },
		"add": func() error {
			_, _, err := n.AddSecret(t.Context(), before.ClientID, oauth.NewClientSecret{})
			return err
		},
		"rotate": func() error {
			_, _, err := n.RotateSecrets(t.Context(), before.ClientID, oauth.NewClientSecret{}, 0)
			return err
		},
		"replace": func() error { _, err := n.ReplaceSecrets(t.Context(), before.ClientID, chosen); return err },
	} {
		if err := act(); !errors.Is(err, account.ErrBuiltIn) {
			t.Errorf("%s: %v", what, err)
		}
	}
	after := n.client(oauth.CommandLineClient)
	if after.Updated != before.Updated || len(after.Secrets) > 0 || after.Disabled {
		t.Errorf("it became %+v", after)
	}
	r := before.Registration
	r.ClientName = ""
	_, _, err := n.RegisterClient(t.Context(), r, "")
	wantField(t, err, "client_id")
}

func TestTokensOfTheServersOwnClientCanBeRevoked(t *testing.T) {
	_, n := newNode(t)
	ok(t, n.EnsureBuiltIn(t.Context()))
	c := n.client(oauth.CommandLineClient)
	v := n.signIn(n.user("alice"))
	first, second := n.tokens(c, v), n.tokens(c, v)
	look := func(token string) bool {
		seen, _, err := n.Examine(t.Context(), token)
		ok(t, err)
		return seen.Active
	}
	ok(t, n.Revoke(t.Context(), c, first.RefreshToken))
	if look(first.AccessToken) || !look(second.AccessToken) {
		t.Error("revoking one token ends another, or not itself")
	}
	ok(t, n.EndClientTokens(t.Context(), c.ClientID))
	ok(t, n.EnsureBuiltIn(t.Context()))
	if look(second.AccessToken) {
		t.Error("its tokens cannot be revoked")
	}
}

func TestAClientThatAPersonRegisteredUnderTheIDIsLeftAlone(t *testing.T) {
	w, n := newNode(t)
	r := webApp()
	r.ClientID = oauth.CommandLineClient
	ok(t, n.PlantClient(t.Context(), r))
	wantErr(t, n.EnsureBuiltIn(t.Context()), oauth.ErrBuiltInTaken)
	if c := n.client(r.ClientID); c.BuiltIn || c.ClientName != r.ClientName {
		t.Errorf("it became %+v", c)
	}
	w.move(time.Second)
	ok(t, n.DeleteClient(t.Context(), r.ClientID))
	ok(t, n.EnsureBuiltIn(t.Context()))
	if !n.client(r.ClientID).BuiltIn {
		t.Error("it is not made once the place is free")
	}
}

func TestANameThatIsTakenDoesNotKeepTheServerFromStarting(t *testing.T) {
	_, n := newNode(t)
	n.register(named("a", "grantor COMMAND line"))
	for range 2 {
		ok(t, n.EnsureBuiltIn(t.Context()))
		if c := n.client(oauth.CommandLineClient); !c.BuiltIn || c.ClientName != "" {
			t.Errorf("made %+v", c)
		}
	}
}

// TestANewVersionBringsTheServersOwnClientUpToDate, and what has ended stays so.
func TestANewVersionBringsTheServersOwnClientUpToDate(t *testing.T) {
	_, n := newNode(t)
	ok(t, n.EnsureBuiltIn(t.Context()))
	want := n.client(oauth.CommandLineClient)
	ok(t, n.EndClientTokens(t.Context(), want.ClientID))
	ended := n.client(want.ClientID).NotBefore
	ok(t, n.AlterClient(t.Context(), want.ClientID, func(c *oauth.Client) {
		c.Registration.Scope, c.RedirectURIs, c.GrantTypes = "profile", nil, c.GrantTypes[:1]
	}))
	_, errs := parallel(8, func(int) (any, error) { return nil, n.w.node().EnsureBuiltIn(context.Background()) })
	if successes(errs) != 8 {
		t.Fatal(errs)
	}
	if c := n.client(want.ClientID); c.Registration.Scope != want.Registration.Scope || len(c.RedirectURIs) != 2 || len(c.GrantTypes) != 2 || !c.NotBefore.Equal(ended) || !c.BuiltIn {
		t.Errorf("it is %+v", c)
	}
}
