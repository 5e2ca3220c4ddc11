package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) token() *cobra.Command {
	cmd := atServer(group("token", "Issue, inspect and revoke tokens", c.tokenIssue(), c.tokenInspect(), c.tokenRevoke()))
	addFlags(cmd.PersistentFlags(), "issuer") // JWT access tokens name it, and are refused under another
	return cmd
}

// readToken gives the token that a person named; "-" keeps it out of the list of processes and the shell's history.
func (c *command) readToken(ctx context.Context, argument string) (string, error) {
	if argument != "-" {
		return strings.TrimSpace(argument), nil
	}
	line, err := c.readLine(ctx)
	if errors.Is(err, io.EOF) {
		return "", usagef("the token is missing on the standard input")
	}
	return strings.TrimSpace(line), err
}

// tokenError says of a refusal what it means to an operator.
func tokenError(client *oauth.Client, err error) error {
	var refused *oauth.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case oauth.UnauthorizedClient:
		return fmt.Errorf("client %s may not act for itself: `grantor client edit %s` with --grant-type client_credentials, beside its other grants, "+
			"changes that for a client with a secret", client.ClientID, client.ClientID)
	case oauth.InvalidScope:
		return fmt.Errorf("--scope: %s: client %s may have %q", refused.Description, client.ClientID, client.Scope)
	case oauth.InvalidTarget:
		return fmt.Errorf("--resource: %s: client %s may have %q", refused.Description, client.ClientID, strings.Join(client.Audience, " "))
	}
	return err
}
