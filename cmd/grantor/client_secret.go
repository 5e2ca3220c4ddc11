package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientRotateSecret() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate-secret CLIENT_ID",
		Short: "Give a client a new secret, and end the old one at once",
		Args:  takes(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.manage(cmd, standing, func(ctx context.Context, a *app) error {
				return c.rotateSecret(ctx, cmd, a, args[0])
			})
		},
	}
}

func (c *command) rotateSecret(ctx context.Context, cmd *cobra.Command, a *app, id string) error {
	secret, err := a.provider.ReplaceSecrets(ctx, id, "")
	if faults := (*oauth.RegistrationError)(nil); errors.As(err, &faults) {
		return fmt.Errorf("client %s is public and has no secret: `grantor client edit %s --auth-method client_secret_basic` changes that", id, id)
	}
	if err != nil {
		return clientError(id, err)
	}
	changed, err := a.provider.Client(ctx, id)
	if err != nil {
		return clientError(id, err)
	}
	return c.printClient(cmd, changed, secret)
}
