package oauth

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/store"
)

// ErrBuiltInTaken reports that somebody registered a client under the id of one of the server's own, before the server
// had one. It is left alone.
var ErrBuiltInTaken = errors.New("a client that was registered by hand has the client_id " + CommandLineClient +
	": the command line cannot sign in until that client is deleted")

// builtIn is the registration of the command line: a public client that acts for whoever signs in by it, as far as that
// one may. It signs in by device code only where an operator wants that: a code that is typed for somebody else's device gives
// away all that an admin may do.
func (p *Provider) builtIn() Registration {
	scope := Scope{AdminScope}
	for _, w := range account.AllPermissions() {
		scope = append(scope, string(w.Permission))
	}
	r := Registration{
		ClientID: CommandLineClient, ClientName: "Grantor command line",
		TokenEndpointAuthMethod: NoSecret, GrantTypes: []GrantType{AuthorizationCode, RefreshToken},
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback"},
		Scope:        scope.String(), PersonalAccessTokens: true,
	}
	if p.cliDeviceLogin {
		r.GrantTypes = append(r.GrantTypes, DeviceCode)
	}
	return r.AsKept()
}

// EnsureBuiltIn makes sure that the server's own client is there, and as this version and its settings want it. It may run on several nodes
// at once. ErrBuiltInTaken.
func (p *Provider) EnsureBuiltIn(ctx context.Context) (err error) {
	ctx = account.WithActor(ctx, account.Actor{Kind: account.ActorSystem})
	for range ensureAttempts {
		err = p.tryEnsureBuiltIn(ctx, p.builtIn())
		if !errors.Is(err, ErrClientIDTaken) && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			break
		}
		// Another node makes the same client: look again at what is there now.
	}
	return err
}

func (p *Provider) tryEnsureBuiltIn(ctx context.Context, r Registration) error {
	old, err := p.clients.Load(ctx, r.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		return p.addBuiltIn(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("read client: %w", err)
	}
	if !old.Value.BuiltIn {
		return ErrBuiltInTaken
	}
	if old.Value.ClientName == "" { // its name was somebody else's when it was made
		r.ClientName = ""
	}
	if reflect.DeepEqual(normalised(old.Value.Registration), normalised(r)) {
		return nil
	}
	_, err = p.replaceClient(ctx, old, r)
	return err
}

// addBuiltIn does without its name where another client has it: nobody can keep the server from starting by a name.
func (p *Provider) addBuiltIn(ctx context.Context, r Registration) error {
	c := p.newClient(ctx, r)
	c.BuiltIn = true
	err := p.keepClient(ctx, c)
	if errors.Is(err, ErrNameTaken) {
		c.ClientName = ""
		err = p.keepClient(ctx, c)
	}
	if err != nil {
		return err
	}
	return p.audit(ctx, "client.created", clientObject(c.ClientID), describe(c.Registration))
}
