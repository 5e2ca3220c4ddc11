package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
)

// companion is whether an API gets a client of its own.
type companion bool

func (c *command) apiCreate() *cobra.Command {
	var with bool
	cmd := &cobra.Command{
		Use:   "create IDENTIFIER",
		Short: "Register an API",
		Long: `Register an API. Its identifier is the URI that tokens name it by (aud), and that clients name it by (resource); it never changes.

An API that gets opaque tokens, or wants to hear at once when a token ends, is a client, too. --with-client registers that client and prints
its secret once; without it --client-id names one that there is.

Clients are given the API by --audience, and its scopes by --scope: see ` + "`grantor client edit --help`.",
		Example: `  grantor api create https://orders.example.com --name Orders --scope "orders:read=Read your orders." --scope "orders:write=Change your orders." --with-client
  grantor client edit shop --audience https://orders.example.com --scope "profile orders:read"`,
		Args: takes(1),
	}
	flags := addAPIFlags(cmd)
	cmd.Flags().BoolVar(&with, "with-client", false, "register the client of the API as well, under --client-id or the API's host and path, and print its secret once")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := oauth.APIRegistration{Identifier: args[0]}
		flags.apply(&r)
		return c.work(cmd, creating, func(ctx context.Context, at *remote) error { return c.createAPI(ctx, cmd, at, &r, companion(with)) })
	}
	return cmd
}

func (c *command) createAPI(ctx context.Context, cmd *cobra.Command, r *remote, n *oauth.APIRegistration, with companion) error {
	clientID := n.ClientID
	if with {
		n.ClientID = "" // it is there once the client is
		clientID = firstOf(clientID, companionID(n.Identifier))
		if err := companionOf(n, clientID).Check(); err != nil {
			return fmt.Errorf("--client-id: %w", err)
		}
		if err := isFree(ctx, r, clientID); err != nil {
			return err
		}
	}
	shown := &shownAPI{}
	if err := r.post(ctx, "/apis", n, &shown.API); err != nil {
		return apiError(n.Identifier, apiWording(n).faults(err))
	}
	if !with {
		return c.printAPI(cmd, shown)
	}
	var made api.CreatedClient
	if err := r.post(ctx, "/clients", companionOf(n, clientID), &made); err != nil {
		return withoutCompanion(n.Identifier, clientID, clientError(clientID, clientWording(&oauth.Registration{}).faults(err)))
	}
	shown.ClientSecret = made.ClientSecret
	err := r.patch(ctx, atAPI(shown.ID), map[string]any{"client_id": clientID}, &shown.API)
	shown.ClientID = clientID
	if printed := c.printAPI(cmd, shown); printed != nil || err == nil { // the secret even after a failure: nobody will see it again
		return printed
	}
	return withoutCompanion(n.Identifier, clientID, err)
}

// isFree finds out before anything is made whether a client_id is in use. Who may not look learns it later.
func isFree(ctx context.Context, r *remote, clientID string) error {
	knows, err := may(ctx, r, account.ViewClients)
	if err != nil || !knows {
		return err
	}
	err = r.get(ctx, at("clients", clientID), nil)
	switch {
	case err == nil:
		return fmt.Errorf("there is a client %s already: name another one by --client-id, or leave out --with-client to let the API be that client", printable(clientID))
	case isRefused(err, codeNotFound):
		return nil
	}
	return err
}

func withoutCompanion(identifier, clientID string, err error) error {
	return errors.Join(fmt.Errorf("API %s is registered, but without its client %s", printable(identifier), printable(clientID)), err,
		fmt.Errorf("`grantor api edit %s --client-id CLIENT_ID` names one", printable(identifier)))
}

// companionOf is the client as which an API authenticates. It is given no API itself, not even its own: it asks about tokens
// and has none.
func companionOf(n *oauth.APIRegistration, clientID string) oauth.Registration {
	return oauth.Registration{
		ClientID: clientID, ClientName: shortened(firstOf(n.Name, n.Identifier), 200) + " (API)",
		TokenEndpointAuthMethod: oauth.ClientSecretBasic, GrantTypes: []oauth.GrantType{oauth.ClientCredentials},
	}
}

// companionID makes a client_id of an identifier: "orders.example.com-v1" of "https://orders.example.com/v1".
func companionID(identifier string) string {
	_, rest, found := strings.Cut(identifier, "://")
	if !found {
		rest = identifier
	}
	id := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '.' || r == '_' || r == '~' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return r
		}
		return '-'
	}, rest)
	return strings.Trim(id, "-.")
}
