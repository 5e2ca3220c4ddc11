package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) tokenIssue() *cobra.Command {
	var client string
	r := oauth.TokenRequest{GrantType: string(oauth.ClientCredentials)}
	cmd := &cobra.Command{
		Use:   "issue",
		Short: "Issue an access token to a client by client credentials, without its secret",
		Long: "Issue an access token to a client by client credentials, as the operator who needs no secret of it. The token alone goes to\n" +
			"the standard output. Of a JWT, the issuer is the --issuer given here: name the one that the server has.",
		Args: takes(0),
	}
	cmd.Flags().StringVar(&client, "client", "", "`id` of the client")
	cmd.Flags().StringVar(&r.Scope, "scope", "", "`scopes`, separated by spaces (default what the client gets without asking)")
	cmd.Flags().StringArrayVar(&r.Resources, "resource", nil, "`URI` of an API that the token is for; repeatable (default those of the scopes, or else the client's)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if client == "" {
			return usagef("name the client: `grantor token issue --client CLIENT_ID`")
		}
		return c.onStore(cmd, standing, func(ctx context.Context, a *app) error { return c.issueToken(ctx, cmd, a, client, &r) })
	}
	return cmd
}

func (c *command) issueToken(ctx context.Context, cmd *cobra.Command, a *app, id string, r *oauth.TokenRequest) error {
	client, err := a.provider.Client(ctx, id)
	if err != nil {
		return clientError(id, err)
	}
	if client.Disabled {
		return fmt.Errorf("client %s is disabled, so its tokens are worth nothing: see `grantor client enable`", id)
	}
	tokens, err := a.provider.Token(ctx, client, r)
	if err != nil {
		return tokenError(client, err)
	}
	err = a.audit.Record(ctx, account.Event{Action: "token.issued", Object: "client:" + id, Detail: map[string]string{"scope": tokens.Scope.String()}})
	if err != nil {
		return err
	}
	p := c.printer(cmd)
	if !p.asJSON {
		fmt.Fprintf(c.err, "For client %s until %s, scope: %s\n", id, shownTime(tokens.Expires), printable(tokens.Scope.String()))
	}
	return p.say(tokens.AccessToken, map[string]any{ // as the token endpoint answers
		"access_token": tokens.AccessToken, "token_type": "Bearer", "scope": tokens.Scope.String(),
		"expires_in": int64(tokens.Expires.Sub(tokens.Issued) / time.Second),
	})
}
