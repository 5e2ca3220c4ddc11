package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/admin/api"
	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (c *command) client() *cobra.Command {
	return atServer(group("client", "Register and manage clients",
		c.clientList(), c.clientShow(), c.clientCreate(), c.clientEdit(),
		c.clientState("enable", oauth.Enabled), c.clientState("disable", oauth.Disabled), c.clientDelete(),
		c.clientSecret(), c.clientRotateSecret(), c.clientAuthorizations(), c.clientRevoke(), c.clientExport(), c.clientImport()))
}

// shownClient is a client as it is printed: nothing in it stands for a secret unless that was just made.
type shownClient struct {
	oauth.Registration
	ClientSecret string            `json:"client_secret,omitempty"`
	State        oauth.ClientState `json:"state"`
	BuiltIn      bool              `json:"built_in,omitempty"`
	Number       int64             `json:"number"`
	Owner        *api.Actor        `json:"owner,omitempty"`
	Secrets      []api.Secret      `json:"secrets"`
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
	LastUsed     time.Time         `json:"last_used,omitzero"`
}

func showClient(c *api.Client) shownClient {
	state := oauth.Enabled
	if c.Disabled {
		state = oauth.Disabled
	}
	return shownClient{
		Registration: c.Registration, State: state, BuiltIn: c.BuiltIn, Number: c.Number, Owner: c.Owner, Secrets: c.Secrets,
		Created: c.Created, Updated: c.Updated, LastUsed: c.LastUsed,
	}
}

// rows are in the order of the flags that set them.
func (s shownClient) rows() [][]string {
	rows := [][]string{{"client_id", s.ClientID}}
	add := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	add("client_secret", s.ClientSecret)
	add("client_name", s.ClientName)
	add("client_uri", s.ClientURI)
	add("state", string(s.State))
	if s.BuiltIn {
		add("built_in", "yes: the server itself needs it")
	}
	add("token_endpoint_auth_method", string(s.TokenEndpointAuthMethod))
	add("grant_types", joined(shownGrantTypes(s.GrantTypes)))
	rows = append(rows, listRows("redirect_uris", s.RedirectURIs)...)
	for i, line := range folded(s.Scope, columns-30) { // beside the longest name of a field
		add([]string{"scope", " "}[min(i, 1)], line)
	}
	add("default_scope", s.DefaultScope)
	rows = append(rows, listRows("audience", s.Audience)...)
	add("default_audience", s.DefaultAudience)
	add("access_token_format", string(s.AccessTokenFormat))
	add("access_token_signing_alg", string(s.AccessTokenSigningAlg))
	add("access_token_lifetime", shownDuration(s.AccessTokenLifetime))
	add("refresh_token_lifetime", shownDuration(s.RefreshTokenLifetime))
	add("resource_server", shownYes(s.ResourceServer))
	add("introspection_signed_response_alg", string(s.IntrospectionSignedResponseAlg))
	add("personal_access_tokens", shownYes(s.PersonalAccessTokens))
	rows = append(rows, listRows("permissions", s.Permissions)...)
	if s.TokenEndpointAuthMethod != oauth.NoSecret {
		add("secrets", fmt.Sprint(len(s.Secrets)))
	}
	if s.Owner != nil {
		add("registered by", firstOf(s.Owner.Name, s.Owner.Kind))
	}
	add("created", shownTime(s.Created))
	add("updated", shownTime(s.Updated))
	add("last used", shownTime(s.LastUsed))
	return rows
}

func shownDuration(d oauth.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func shownYes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func joined[S ~string](list []S) string { return strings.Join(convert[string](list), ", ") }

// clientError says of a failure that concerns one client what to do about it.
func clientError(id string, err error) error {
	switch {
	case isRefused(err, codeNotFound), errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("no client %s: see `grantor client list`", printable(id))
	case isRefused(err, codeConflict, codeStale):
		return fmt.Errorf("client %s was changed by someone else at this moment: look at it and try again", printable(id))
	case isRefused(err, codeBuiltIn):
		return fmt.Errorf("client %s belongs to the server itself and cannot be changed in this way", printable(id))
	case isTaken(err, "/client_id"):
		return fmt.Errorf("--client-id: another client has this client_id: choose another one, or change that one by `grantor client edit %s`", printable(id))
	case isTaken(err, "/client_name"):
		return fmt.Errorf("--name: another client has this name: see `grantor client list`")
	}
	return err
}

// readClient gives a client.
func readClient(ctx context.Context, r *remote, id string) (*api.Client, error) {
	found := &api.Client{}
	return found, clientError(id, r.get(ctx, at("clients", id), found))
}

// printClient shows a client, with the secret that was just made for it.
func (c *command) printClient(cmd *cobra.Command, client *api.Client, secret string) error {
	shown := showClient(client)
	shown.ClientSecret = secret
	p := c.printer(cmd)
	if err := p.record(shown.rows(), shown); err != nil {
		return err
	}
	if secret == "" {
		return nil
	}
	return p.say("\nKeep the secret now: it is stored as a hash and cannot be shown again.", nil)
}
