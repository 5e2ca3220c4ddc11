package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/grantor-dev/grantor/oauth"
)

func (c *command) clientCreate() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Register a client, and print its secret once",
		Example: `  grantor client create --client-id shop --name "The shop" --redirect-uri https://shop.example.com/callback --scope "profile orders"
  grantor client create --client-id nightly --grant-type client_credentials --scope reports:write
  grantor client create --client-id app --public --redirect-uri http://127.0.0.1/callback --scope profile`,
		Args: takes(0),
	}
	cmd.Flags().StringVar(&id, "client-id", "", "`id` that the client sends (default a random one)")
	flags := addClientFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r := oauth.Registration{ClientID: id}
		if err := flags.apply(&r); err != nil {
			return err
		}
		return c.manage(cmd, creating, func(ctx context.Context, a *app) error {
			made, secret, err := a.provider.RegisterClient(ctx, r, "")
			if err != nil {
				return clientError(id, registrationFaults(&r, err))
			}
			return c.printClient(cmd, made, secret)
		})
	}
	return cmd
}

// printClient shows a client, with the secret that was just made for it.
func (c *command) printClient(cmd *cobra.Command, made *oauth.Client, secret string) error {
	shown := showClient(made)
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
