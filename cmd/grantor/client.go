package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
	"github.com/grantor-dev/grantor/store"
)

func (c *command) client() *cobra.Command {
	return group("client", "Register and manage clients",
		c.clientCreate(), c.clientList(), c.clientShow(), c.clientEdit(), c.clientRotateSecret(),
		c.clientState("enable", oauth.Enabled), c.clientState("disable", oauth.Disabled), c.clientDelete())
}

// shownClient is a client as it is printed: what was registered, and nothing that stands for a secret unless it was just
// made.
type shownClient struct {
	oauth.Registration
	ClientSecret string            `json:"client_secret,omitempty"`
	State        oauth.ClientState `json:"state"`
	Secrets      int               `json:"secrets"` // how many the client may authenticate with
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
}

func showClient(c *oauth.Client) shownClient {
	state := oauth.Enabled
	if c.Disabled {
		state = oauth.Disabled
	}
	return shownClient{Registration: c.Registration, State: state, Secrets: len(c.Secrets), Created: c.Created, Updated: c.Updated}
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
	add("token_endpoint_auth_method", string(s.TokenEndpointAuthMethod))
	add("grant_types", joined(s.GrantTypes))
	for i, uri := range s.RedirectURIs {
		add([]string{"redirect_uris", " "}[min(i, 1)], uri)
	}
	add("scope", s.Scope)
	add("default_scope", s.DefaultScope)
	for i, uri := range s.Audience {
		add([]string{"audience", " "}[min(i, 1)], uri)
	}
	add("access_token_format", string(s.AccessTokenFormat))
	add("access_token_signing_alg", string(s.AccessTokenSigningAlg))
	if s.AccessTokenLifetime != 0 {
		add("access_token_lifetime", s.AccessTokenLifetime.String())
	}
	if s.ResourceServer {
		add("resource_server", "yes")
	}
	add("created", shownTime(s.Created))
	add("updated", shownTime(s.Updated))
	return rows
}

func joined[S ~string](list []S) string { return strings.Join(convert[string](list), ", ") }

// clientError says of a failure that concerns one client what to do about it.
func clientError(id string, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("no client %s: see `grantor client list`", printable(id))
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("client %s was changed by someone else at this moment: look at it and try again", printable(id))
	case errors.Is(err, oauth.ErrNameTaken):
		return fmt.Errorf("--name: %w: see `grantor client list`", err)
	case errors.Is(err, oauth.ErrClientIDTaken):
		return fmt.Errorf("--client-id: %w: choose another one, or change that one by `grantor client edit %s`", err, printable(id))
	}
	return err
}

// everyClient visits all clients, page by page.
func (a *app) everyClient(ctx context.Context, visit func(*oauth.Client) error) error {
	for cursor := ""; ; {
		page, next, err := a.provider.Clients(ctx, cursor, pageSize)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := visit(c); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// pageSize is how many records are read at a time.
const pageSize = 500
